"""The page in a headless Chromium: from a file to predictions, over a reload, by keyboard, on a phone."""

import base64
import contextlib
import shutil
import socket
import subprocess
import threading
import time
import zipfile
from pathlib import Path

import httpx
import pytest
import uvicorn

from taskaware.service.app import make_app
from taskaware.service.tokens import Tokens, digest_of

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SCRIPT = "<img src=x onerror=window.hit=1>"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class Browser:
    """A window, by the WebDriver protocol."""

    def __init__(self, port):
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)
        options = {"binary": CHROMIUM, "args": ["--headless=new", "--no-sandbox", "--disable-gpu"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        asked = {"capabilities": {"alwaysMatch": wanted}}
        self._place = f"/session/{self._http.post('/session', json=asked).json()['value']['sessionId']}"

    def call(self, method, path, **body):
        answer = self._http.request(method, self._place + path, json=body if method == "POST" else None)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    def go(self, url):
        self.call("POST", "/url", url=url)

    def run(self, code, *given):
        return self.call("POST", "/execute/sync", script=code, args=list(given))

    def chrome(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", cmd=command, params=params)

    def element(self, css):
        return self.call("POST", "/element", using="css selector", value=css)[ELEMENT]

    def type(self, css, text):
        self.call("POST", f"/element/{self.element(css)}/value", text=text)

    def click(self, css):
        self.call("POST", f"/element/{self.element(css)}/click")

    def text(self, css):
        return self.run("return document.querySelector(arguments[0]).textContent", css)

    def shown(self, css):
        return self.run("return document.querySelector(arguments[0]).checkVisibility()", css)

    def until(self, code, *given, seconds=90):
        end = time.monotonic() + seconds
        while not (found := self.run(code, *given)):
            assert time.monotonic() < end, (
                f"not true: {code} {given}; the page says {self.text('main')[:500]}"
            )
            time.sleep(0.1)
        return found

    def appears(self, css):
        self.until("return document.querySelector(arguments[0]).checkVisibility()", css)

    def complaints(self):
        """What the browser complained of: errors of the script, and breaches of the policy."""
        return [each["message"] for each in self.call("POST", "/se/log", type="browser")]

    def save_picture(self, path):
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def close(self):
        self.call("DELETE", "")


@contextlib.contextmanager
def served(folder, *tokens):
    """The address of a service with a worker, in a thread."""
    port = free_port()
    app = make_app(folder, tokens=Tokens(map(digest_of, tokens)))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with served(tmp_path_factory.mktemp("page")) as found:
        yield found


@pytest.fixture
def browser(request, url):
    """A browser; a picture of the page is kept where a test fails."""
    port = free_port()
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/status")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        found = Browser(port)
        failed = request.session.testsfailed
        yield found
        if request.session.testsfailed > failed:
            folder = Path(request.config.rootpath) / "screenshots"
            folder.mkdir(exist_ok=True)
            found.save_picture(folder / f"{request.node.name}.png")
        found.close()
    finally:
        driver.kill()
        driver.wait()


def wide(browser):
    """Pixels that the page is wider than its window."""
    return browser.run("return document.documentElement.scrollWidth - innerWidth")


def test_from_a_file_to_predictions(browser, url, flowers, tmp_path):
    frame = flowers.rename(columns={"colour": SCRIPT}).replace({SCRIPT: {"red": SCRIPT}})
    frame.to_csv(tmp_path / "flowers.csv", index=False)
    browser.go(url)
    browser.run("document.querySelector('#file').dataset.large = 500")
    browser.type("#file", str(tmp_path / "flowers.csv"))
    browser.appears("#preview")
    assert 'method="PATCH",route="/uploads/{id}",status="204"' in httpx.get(f"{url}metrics").text
    browser.until("return document.querySelector('#shape').textContent.includes('3 classes')")
    assert browser.run("return document.querySelector('#target').value") == "species"
    assert SCRIPT in browser.text("#columns")
    # Correct a kind, and take it back.
    kind = "const one = document.querySelector('#columns tr:nth-child(1) select'); one.value = arguments[0];"
    for value, words in (("category", "as the values say"), ("", "numeric (assumed)")):
        browser.run(f"{kind} one.dispatchEvent(new Event('change'))", value)
        first = "document.querySelector('#columns tbody tr:nth-child(1)')"
        browser.until(f"return {first}.textContent.includes(arguments[0])", words)
    browser.click("#recommend")
    browser.appears("#recommendation")
    browser.until("return document.querySelector('#drawing').naturalWidth > 0")
    assert "Expected accuracy" in browser.text("#score") and "80 %" in browser.text("#score")
    assert browser.run("return document.querySelectorAll('#candidates tbody tr').length") == 10
    assert browser.run("return document.querySelectorAll('#map text').length") == 6
    browser.type("#members", "1")
    browser.click("#train button")
    browser.appears("#job")
    browser.until("return location.hash.includes('job=')")
    # A reload in the middle: the same job, and its curve from the beginning.
    browser.go(browser.run("return location.href"))
    browser.call("POST", "/refresh")
    browser.appears("#model")
    assert browser.text("#job-status") == "done"
    assert browser.run("return document.querySelector('#curve polyline').points.numberOfItems") > 3
    fields = {"length": "0.1", "width": "3"}
    for name, value in fields.items():
        browser.type(f"#row-fields [name={name}]", value)
    browser.click("#row button")
    browser.until("return document.querySelector('#answer').value.startsWith('species: ')")
    assert "P(iris): " in browser.run("return document.querySelector('#answer').value")
    browser.chrome("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    browser.type("#rows", str(tmp_path / "flowers.csv"))
    browser.click("#many button")
    for _ in range(100):
        if (tmp_path / "predictions.csv").exists():
            break
        time.sleep(0.1)
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 61
    browser.until("return document.querySelector('#export-form').value === 'numpy'")
    browser.click("#export button")
    for _ in range(100):
        if (tmp_path / "model-numpy.zip").exists():
            break
        time.sleep(0.1)
    with zipfile.ZipFile(tmp_path / "model-numpy.zip") as packed:
        assert "predict.py" in packed.namelist()
    assert browser.run("return window.hit") is None
    assert browser.complaints() == []
    # Even markup that got into the page would run nothing.
    browser.run("document.body.insertAdjacentHTML('beforeend', arguments[0])", SCRIPT)
    assert "Content Security Policy" in "".join(browser.complaints())
    assert browser.run("return window.hit") is None


def test_a_file_that_cannot_be_read_is_told_with_the_mend(browser, url, tmp_path):
    (tmp_path / "notes.doc").write_text("x")
    browser.go(url)
    browser.type("#file", str(tmp_path / "notes.doc"))
    browser.appears("#error")
    assert "no known format. Allowed: .csv" in browser.text("#error")


def test_a_token_is_asked_for_and_kept_until_the_window_closes(browser, tmp_path, flowers):
    flowers.to_csv(tmp_path / "flowers.csv", index=False)
    with served(tmp_path / "service", "the-token-of-the-page") as url:
        browser.go(url)
        browser.appears("#token")
        assert "token is needed" in browser.text("#error")
        browser.type("#token-text", "the-token-of-the-page\ue007")
        browser.until("return !document.querySelector('#token').checkVisibility()")
        browser.type("#file", str(tmp_path / "flowers.csv"))
        browser.appears("#preview")
        browser.call("POST", "/refresh")
        browser.appears("#preview")
        assert not browser.shown("#token") and "token" not in browser.run("return location.href")


def test_on_a_phone_in_both_schemes_and_by_keyboard(browser, url):
    browser.chrome(
        "Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True
    )
    for scheme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(20, 24, 31)")):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.chrome("Emulation.setEmulatedMedia", features=features)
        browser.go(url)
        browser.until("return document.querySelector('#status') !== null")
        for id in ("preview", "recommendation", "job", "model", "token"):
            browser.run("document.getElementById(arguments[0]).hidden = false", id)
        assert wide(browser) <= 0
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == colour
    # Everything that can be clicked is reached by Tab, and has a name.
    nameless = (
        "return [...document.querySelectorAll('button, input, select, a')].filter((one) => "
        "one.tabIndex < 0 || !(one.textContent || one.labels?.length || one.ariaLabel)).map((one) => one.id)"
    )
    assert browser.run(nameless) == []
    browser.type("body", "\ue004")
    assert browser.run("return document.activeElement.className") == "skip"
