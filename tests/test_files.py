"""Files and folders appear complete or not at all, whatever happens while they are written."""

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from taskaware import exchange
from taskaware.errors import UserError
from taskaware.files import ExistsError, atomic_file, atomic_folder, atomic_write, opened_together


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.fixture(params=["exchange", "two steps"])
def swap(request, monkeypatch):
    """Both ways in which two folders change places."""
    if request.param == "two steps":
        monkeypatch.setattr(exchange, "_renameat2", lambda: None)
    elif exchange._renameat2() is None:
        pytest.skip("this system has no renameat2")
    return request.param


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "a.txt"
    atomic_write(path, b"one")
    atomic_write(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_file_leaves_what_was_there(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_bytes(b"before")
    with pytest.raises(error), atomic_file(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a.txt"]


def test_a_killed_writer_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"before")
    code = (
        "import os, signal, sys; from taskaware.files import atomic_file\n"
        "with atomic_file(sys.argv[1]) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    left = [name for name in names(tmp_path) if name != "a.txt"]
    assert len(left) == 1 and left[0].startswith(".taskaware-")
    atomic_write(path, b"after")
    assert path.read_bytes() == b"after"
    assert names(tmp_path) == ["a.txt"]


def test_without_replace_an_existing_path_is_refused(tmp_path):
    path, link = tmp_path / "a.txt", tmp_path / "link"
    path.write_bytes(b"before")
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, link):
        with pytest.raises(ExistsError, match="exists already. Choose another name"):
            atomic_write(taken, b"after", replace=False)
    assert path.read_bytes() == b"before"
    assert names(tmp_path) == ["a.txt", "link"]


def test_without_replace_one_of_many_writers_wins(tmp_path):
    path, ready, refused = tmp_path / "a.txt", threading.Barrier(8), []

    def write(number: int) -> None:
        try:
            with atomic_file(path, replace=False) as file:
                file.write(b"%d" % number)
                ready.wait()
        except ExistsError:
            refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert int(path.read_bytes()) not in refused
    assert names(tmp_path) == ["a.txt"]


def test_without_hard_links_a_new_file_is_renamed(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    atomic_write(tmp_path / "a.txt", b"one", replace=False)
    assert (tmp_path / "a.txt").read_bytes() == b"one"
    with pytest.raises(ExistsError):
        atomic_write(tmp_path / "a.txt", b"two", replace=False)


def test_a_link_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "own.txt").write_bytes(b"private")
    (tmp_path / "link").symlink_to(tmp_path / "own.txt")
    atomic_write(tmp_path / "link", b"new")
    assert (tmp_path / "own.txt").read_bytes() == b"private"
    assert not (tmp_path / "link").is_symlink()


def test_the_name_of_the_unfinished_file_cannot_be_guessed(tmp_path):
    seen = set()
    for _ in range(5):
        with atomic_file(tmp_path / "a.txt"):
            seen |= {name for name in names(tmp_path) if name != "a.txt"}
    assert len(seen) == 5


def test_permissions_of_a_replaced_file_are_kept(tmp_path):
    path = tmp_path / "a.txt"
    atomic_write(path, b"one")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    atomic_write(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_device_is_written_straight_into(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    atomic_write(pipe, b"hello")
    reader.join()
    assert got == [b"hello"]
    assert names(tmp_path) == ["pipe"]


def test_errors_name_the_path_and_the_mend(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="Make its folder first") as caught:
        atomic_write(tmp_path / "none" / "a.txt", b"")
    assert caught.value.filename == str(tmp_path / "none" / "a.txt")
    with pytest.raises(UserError, match="is a folder. Name a file in it"):
        atomic_write(tmp_path, b"")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="Make room on the disk") as caught:
        atomic_write(tmp_path / "a.txt", b"")
    assert caught.value.errno == errno.ENOSPC
    assert names(tmp_path) == []


def test_the_error_of_another_file_stays_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "a.txt") as file:
        file.write((tmp_path / "source.txt").read_bytes())
    assert caught.value.filename == str(tmp_path / "source.txt")


def test_a_folder_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "model"
    with atomic_folder(target) as folder:
        (folder / "a").write_text("one")
        assert not target.exists()
    assert (target / "a").read_text() == "one"
    assert names(tmp_path) == ["model"]


def test_a_replaced_folder_loses_only_what_was_written_anew(tmp_path, swap):
    target = tmp_path / "model"
    (target / "notes").mkdir(parents=True)
    (target / "notes" / "mine.txt").write_text("mine")
    (target / "a").write_text("old")
    with atomic_folder(target, replace=True) as folder:
        (folder / "a").write_text("new")
    assert (target / "a").read_text() == "new"
    assert (target / "notes" / "mine.txt").read_text() == "mine"
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_leaves_what_was_there(tmp_path, error):
    target = tmp_path / "model"
    target.mkdir()
    (target / "a").write_text("old")
    with pytest.raises(error), atomic_folder(target, replace=True) as folder:
        (folder / "a").write_text("half")
        raise error
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["model"]


def test_a_failed_swap_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.mkdir()
    (target / "a").write_text("old")
    monkeypatch.setattr(exchange, "_renameat2", lambda: None)
    rename = Path.rename

    def once(self, other):
        if self.name.startswith(".taskaware-") and (self / "new").exists():
            raise KeyboardInterrupt
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(KeyboardInterrupt), atomic_folder(target, replace=True) as folder:
        (folder / "new").write_text("half")
    assert names(tmp_path) == ["model"]
    assert (target / "a").read_text() == "old"


def test_interrupted_after_the_swap_nobody_elses_file_is_lost(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.mkdir()
    (target / "mine.txt").write_text("mine")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exchange, "merge", interrupted)
    with pytest.raises(KeyboardInterrupt), atomic_folder(target, replace=True) as folder:
        (folder / "a").write_text("new")
    assert (target / "a").read_text() == "new"
    assert (target / "mine.txt").read_text() == "mine"


KILLED = """
import os, signal, sys
from pathlib import Path
from taskaware import exchange, files

def stop(*_):
    os.kill(os.getpid(), signal.SIGKILL)

setattr(exchange if hasattr(exchange, sys.argv[2]) else files, sys.argv[2], stop)
with files.atomic_folder(sys.argv[1], replace=True) as folder:
    (folder / "a").write_text("new")
"""


@pytest.mark.parametrize("links", ["links", "no links"])
@pytest.mark.parametrize("moment", ["_sync_files", "share", "swap", "merge", "sweep"])
def test_killed_at_any_moment_nothing_of_others_is_lost(tmp_path, moment, links):
    target, code = tmp_path / "model", KILLED
    (target / "notes").mkdir(parents=True)
    (target / "a").write_text("old")
    (target / "mine.txt").write_text("mine")
    (target / "notes" / "more.txt").write_text("more")
    if links == "no links":
        code = code.replace("def stop", "def refused(*_):\n    raise OSError\n\nos.link = refused\ndef stop")
    done = subprocess.run([sys.executable, "-c", code, target, moment, links], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (target / "a").read_text() == ("new" if moment in ("merge", "sweep") else "old")
    if links == "links" or moment != "merge":
        assert (target / "mine.txt").read_text() == "mine"
        assert (target / "notes" / "more.txt").read_text() == "more"
    with atomic_folder(target, replace=True) as folder:
        (folder / "a").write_text("last")
    assert names(tmp_path) == ["model"]
    assert names(target) == ["a", "mine.txt", "notes"]
    assert (target / "notes" / "more.txt").read_text() == "more"


def test_what_others_write_and_what_another_writer_has_in_the_works_stays(tmp_path):
    target = tmp_path / "model"
    (target / "notes").mkdir(parents=True)
    (target / "mine.txt").write_text("mine")
    target.chmod(0o700)
    strange = tmp_path / f".taskaware-{'0' * 32}"
    strange.mkdir()
    with atomic_folder(target, replace=True) as slow:
        (slow / "a").write_text("slow")
        with atomic_folder(target, replace=True) as quick:
            (quick / "a").write_text("quick")
        (target / "mine.txt").write_text("changed")
        (target / "notes" / "more.txt").write_text("more")
        assert slow.exists() and (target / "a").read_text() == "quick"
    assert (target / "a").read_text() == "slow"
    assert (target / "mine.txt").read_text() == "changed"
    assert (target / "notes" / "more.txt").read_text() == "more"
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert names(tmp_path) == [strange.name, "model"]


def test_files_opened_together_are_of_one_folder(tmp_path):
    target, done, faults = tmp_path / "model", threading.Event(), []

    def write(number: int) -> None:
        with atomic_folder(target, replace=True) as folder:
            for name in "ab":
                (folder / name).write_text(str(number))

    def read() -> None:
        while not done.is_set():
            with opened_together(target, "a", "b") as (first, second):
                if first.read() != second.read():
                    faults.append("two folders")

    write(0)
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        write(number)
    done.set()
    reader.join()
    assert not faults
    with pytest.raises(FileNotFoundError) as caught, opened_together(target, "a", "c"):
        pass
    assert caught.value.filename == str(target / "c")


def test_a_lock_of_somebody_else_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(exchange, "PATIENCE", 0.05)
    with exchange.locked(tmp_path) as alone, exchange.locked(tmp_path) as second:
        assert (alone, second) == (True, False)
        with atomic_folder(tmp_path / "model") as folder:
            (folder / "a").write_text("one")
    assert names(tmp_path) == ["model"]


def test_what_is_swept_away_before_it_is_held_is_made_again(tmp_path):
    made = []

    def make(path: Path) -> None:
        path.write_bytes(b"")
        made.append(path)
        if len(made) == 1:
            exchange.sweep(tmp_path / "a.txt")

    with contextlib.ExitStack() as stack:
        path, _ = exchange.begin(tmp_path / "a.txt", make, stack)
        exchange.sweep(tmp_path / "a.txt")
        assert [each.exists() for each in made] == [False, True] and path == made[1]
    exchange.sweep(tmp_path / "a.txt")
    assert names(tmp_path) == []


def test_a_reader_always_finds_a_complete_folder(tmp_path):
    if exchange._renameat2() is None:
        pytest.skip("this system has no renameat2")
    target, done, faults = tmp_path / "model", threading.Event(), []
    with atomic_folder(target) as folder:
        (folder / "a").write_text("0")

    def read() -> None:
        while not done.is_set():
            # The folder itself, as its files are opened one by one.
            if not target.is_dir():
                faults.append("no folder")

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        with atomic_folder(target, replace=True) as folder:
            (folder / "a").write_text(str(number))
    done.set()
    reader.join()
    assert not faults


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("a file")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UserError, match="is a file"), atomic_folder(tmp_path / "file", replace=True):
        pass
    with pytest.raises(UserError, match="is a link"), atomic_folder(tmp_path / "link", replace=True):
        pass
    with pytest.raises(ExistsError), atomic_folder(tmp_path / "real"):
        pass
    assert names(tmp_path) == ["file", "link", "real"]
