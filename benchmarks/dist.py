"""Wheel and sdist: built, installed into an empty environment, and tried (`make dist`).

python -m benchmarks.dist [--out dist]

The wheel is built from the unpacked sdist, so that a file which the sdist lacks is missed here.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = "import sys, setuptools.build_meta as build; print(getattr(build, sys.argv.pop(1))(sys.argv.pop(1)))"

TRY = """
import subprocess, sys
from sklearn.datasets import load_iris
import taskaware as ta

frame = load_iris(as_frame=True).frame
rec = ta.recommend(frame, target="target")
model = rec.fit(frame, members=1, progress=False)
right = (model.predict(frame) == frame["target"]).mean()
assert right > 0.9, right
frame.head(3).to_csv("new.csv", index=False)
folder = model.export("plain")
words = [sys.executable, folder / "predict.py", "new.csv"]
told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
assert told.split()[1:] == [str(each) for each in model.predict(frame.head(3))], told
print(f"{ta.__version__} recommends {rec.architecture.text}, and is right for {right:.0%} of the rows")
"""
"""What a new user does first: recommend, train, predict, export."""


def build(source: Path, out: Path) -> tuple[Path, Path]:
    """The sdist of a source tree, and the wheel of that sdist.

    Args:
        source: folder of `pyproject.toml`; the build backend leaves its own files in it.
        out: folder for both.
    """
    out.mkdir(parents=True, exist_ok=True)
    sdist = out / _built("build_sdist", source, out)
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder, tarfile.open(sdist) as packed:
        packed.extractall(folder, filter="data")
        (unpacked,) = Path(folder).iterdir()
        return sdist, out / _built("build_wheel", unpacked, out)


def _built(step: str, source: Path, out: Path) -> str:
    command = [sys.executable, "-c", BUILD, step, str(out.resolve())]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{step} of {source} has failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout.splitlines()[-1]


def try_out(wheel: Path) -> None:
    """Install a wheel into an empty environment, with the locked versions, and use it as a new user does."""
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
        place = Path(folder)
        venv.create(place / "venv", with_pip=True)
        python = place / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        (place / "locked.txt").write_text(locked((ROOT / "requirements.lock").read_text(encoding="utf-8")))
        # Nothing of this source tree may be found.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        for words in (
            ["-m", "pip", "install", "--quiet", "-c", place / "locked.txt", wheel.resolve()],
            ["-m", "pip", "check"],
            ["-m", "taskaware", "--version"],
            ["-c", TRY],
        ):
            subprocess.run([python, *words], cwd=place, env=clean, check=True)


def locked(lock: str) -> str:
    """The versions of a lock file without their digests, as constraints for pip."""
    lines = [line.partition(" \\")[0] for line in lock.splitlines() if re.match(r"[\w.-]+==", line)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Build both and try the wheel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for both files")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
        # What an earlier build left in the tree would be packed again.
        hidden = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "runs", "*.egg-info")
        source = shutil.copytree(ROOT, Path(folder) / "source", ignore=hidden)
        made = build(Path(source), out)
    for path in made:
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", flush=True)
    try_out(made[1])


if __name__ == "__main__":
    main()
