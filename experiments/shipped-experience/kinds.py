"""Tasks of other kinds of data than tables, as a folder that `taskaware collect` reads; see README.md.

    python experiments/shipped-experience/kinds.py DATA FOLDER

DATA is a folder of Parquet files, those that kinds.csv names.
"""

import argparse
import csv
from pathlib import Path

import pandas as pd

LIST = Path(__file__).with_name("kinds.csv")
MOST_ROWS = 6_000
SPLIT = "split"
"""Column of a file that names the part of a row; trainings draw parts of their own."""


def main() -> None:
    """Write every task of the list as Parquet, and an index.csv beside them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with LIST.open(newline="", encoding="utf-8") as file:
        entries = list(csv.DictReader(file))
    index = [written(entry, given.data, given.folder) for entry in entries]
    pd.DataFrame(index).to_csv(given.folder / "index.csv", index=False)
    print(f"{len(index)} tasks in {given.folder}")


def written(entry: dict, data: Path, folder: Path) -> dict:
    """Write the rows of one task; its line of the index."""
    frame = rows_of(entry, data)
    file = f"{entry['name']}.parquet"
    frame.to_parquet(folder / file, index=False)
    return {
        "name": entry["name"],
        "modality": entry["modality"],
        "task": "classification",
        "target": entry["target"],
        "rows": len(frame),
        "file": file,
        "group": entry["group"],
    }


def rows_of(entry: dict, data: Path) -> pd.DataFrame:
    """The rows that an entry names, at most MOST_ROWS of them, with the columns of the task alone."""
    names = entry["files"].split()
    parts = [pd.read_parquet(data / f"{name}.parquet").assign(file=Path(name).name) for name in names]
    frame = pd.concat(parts, ignore_index=True)
    if entry["where"]:
        column, value = entry["where"].split("=")
        frame = frame[frame[column] == value]
    if entry["classes"]:
        frame = frame[frame[entry["target"]].isin(entry["classes"].split())]
    value = next(name for name in ("text", "image", "audio", "series") if name in frame)
    frame = frame[[value, *entry["beside"].split(), entry["target"]]]
    frame = frame.sample(min(len(frame), MOST_ROWS), random_state=0)
    return frame.reset_index(drop=True)


if __name__ == "__main__":
    main()
