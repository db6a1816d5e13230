"""The service under load: recommendations, predictions in batches, single rows; and what kills of it cost.

    python benchmarks/service.py [--recommendations 1000] [--seeds 100] [--rows 10000] [--kills 0]

The service runs as `taskaware serve` does, in a process of its own; the requests come from this one.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

import taskaware as ta
from taskaware.errors import EngineError

BATCH = 1_000
COLUMNS = 20
ARROW = "application/vnd.apache.arrow.stream"


def table(rows: int, columns: int = COLUMNS) -> pd.DataFrame:
    """A table of numbers, and a label that depends on some of them."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, columns))
    frame = pd.DataFrame(numbers, columns=[f"x{place}" for place in range(columns)])
    return frame.assign(y=np.where(numbers[:, 0] + numbers[:, 1] ** 2 > 1, "yes", "no"))


def started(folder: Path) -> tuple[subprocess.Popen, str]:
    """A service in a process of its own, and its address."""
    words = ["serve", "--port", "0", "--json", "--folder", str(folder)]
    process = subprocess.Popen([sys.executable, "-m", "taskaware", *words], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None  # a pipe
    line = process.stdout.readline()
    if not line:
        raise SystemExit("The service did not start.")
    return process, json.loads(line)["url"]


async def load(url: str, requests: list[dict], at_once: int) -> tuple[list[float], int, float]:
    """Seconds of each request, the number of those that failed, and the seconds of all together."""
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    seconds, failed, free = [], 0, asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(base_url=url, timeout=600, limits=limits) as client:

        async def one(given: dict) -> None:
            nonlocal failed
            async with free:
                began = time.perf_counter()
                answer = await client.post(**given)
                seconds.append(time.perf_counter() - began)
                failed += answer.status_code >= 400

        began = time.perf_counter()
        await asyncio.gather(*map(one, requests))
        return seconds, failed, time.perf_counter() - began


def told(what: str, seconds: list[float], failed: int, whole: float, unit: str, units: float) -> None:
    half, most = np.quantile(seconds, (0.5, 0.99))
    speed = f"{whole:.1f} s, {units / whole:,.0f} {unit} a second; p50 {half:.3f} s, p99 {most:.3f} s"
    print(f"{what}: {len(seconds)} requests, {failed} failed, {speed}", flush=True)


def recommendations(url: str, client: ta.Client, count: int, *, same: bool) -> None:
    """So many requests at once: one question again and again, or each with a seed of its own."""
    data = client.upload(table(1_000), target="y")
    # What compiles is no part of the load.
    client.recommend(data, seed=count)
    asked = [{"dataset": data.id, "seed": 0 if same else seed} for seed in range(count)]
    bodies = [{"url": "/recommendations", "json": each} for each in asked]
    found = asyncio.run(load(url, bodies, count))
    what = "one question" if same else "a seed for each"
    told(f"recommendations, 1,000 x {COLUMNS}, {what}, all at once", *found, "answers", count)


def predictions(url: str, client: ta.Client, rows: int, seconds: float) -> None:
    """Batches of rows as streams of Arrow, and single rows over HTTP and in this process."""
    import io

    import pyarrow as pa

    data = client.upload(table(1_000), target="y")
    model = client.train(client.recommend(data), members=1, seconds=30).wait()
    batch = table(BATCH).drop(columns="y")
    content = pa.Table.from_pandas(batch, preserve_index=False)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, content.schema) as stream:
        stream.write_table(content)
    body = {"content": sink.getvalue(), "headers": {"content-type": ARROW}}
    place = f"/models/{model.id}/predict"
    model.predict(batch)
    batches = max(1, round(rows * seconds / BATCH))
    found = asyncio.run(load(url, [{"url": place, **body} for _ in range(batches)], 4))
    told(f"predictions, batches of {BATCH:,}, 4 at once", *found, "rows", batches * BATCH)
    row = {"url": place, "json": {"rows": batch.head(1).to_dict("records")}}
    found = asyncio.run(load(url, [row] * 300, 1))
    told("predictions, single rows over HTTP, one after another", *found, "rows", 300)
    single(model.load(), batch)


def single(model, rows: pd.DataFrame) -> None:
    """Predictions of single rows in this process."""
    one = [rows.iloc[[place]] for place in range(300)]
    model.predict(one[0])
    seconds = []
    for row in one:
        began = time.perf_counter()
        model.predict(row)
        seconds.append(time.perf_counter() - began)
    half, most = 1e3 * np.quantile(seconds, (0.5, 0.99))
    print(f"predictions, single rows in the process: p50 {half:.2f} ms, p99 {most:.2f} ms", flush=True)


def killed(folder: Path, kills: int) -> None:
    """The service is killed at random moments while it trains; every job ends, and every model is there."""
    rng = np.random.default_rng(0)
    process, url = started(folder)
    client = ta.Client(url)
    data = client.upload(table(200, 5), target="y")
    rec = client.recommend(data)
    done: set[str] = set()
    for number in range(kills):
        job = client.train(rec, members=1, seed=number)
        time.sleep(rng.uniform(0, 6))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process, url = started(folder)
        client = ta.Client(url)
        job = next(each for each in client.jobs() if each.id == job.id)
        try:
            done.add(job.wait(progress=False).id)
        except EngineError as error:
            print(f"job {number}: {error}")
    there = {model.id for model in client.models()}
    process.terminate()
    print(f"kills: {kills}, jobs that ended well: {len(done)}, models that are there: {len(done & there)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recommendations", type=int, default=1_000, help="requests at once")
    parser.add_argument(
        "--seeds", type=int, default=100, help="requests at once, each with a seed of its own"
    )
    parser.add_argument("--rows", type=int, default=10_000, help="predictions a second that are wanted")
    parser.add_argument("--seconds", type=float, default=10, help="seconds of predictions at that speed")
    parser.add_argument("--kills", type=int, default=0, help="times that the service is killed in a training")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.kills:
            killed(Path(folder), given.kills)
            return
        process, url = started(Path(folder) / "service")
        try:
            client = ta.Client(url, timeout=600)
            recommendations(url, client, given.recommendations, same=True)
            recommendations(url, client, given.seeds, same=False)
            predictions(url, client, given.rows, given.seconds)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
