"""Digests and meta-features of every table of a folder, to be compared before and after a change.

    python benchmarks/digests.py FOLDER FILE

The first run writes FILE; a later one compares with it, bit for bit, and names the tables that differ.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from taskaware.data.table import Table
from taskaware.modalities.reading import vector
from taskaware.modalities.suites import suite_named


def found_in(folder: str) -> dict[str, list[str]]:
    """Digest of each task of tables, and a hash of its meta-features."""
    tasks = (entry.task() for part in ("bundled", folder) for entry in suite_named(part).entries)
    tables = [task for task in tasks if isinstance(task.data, Table)]
    hashes = [hashlib.sha256(np.asarray(vector(task)).tobytes()).hexdigest()[:16] for task in tables]
    return {task.name: [task.digest, one] for task, one in zip(tables, hashes, strict=True)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder")
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    found = found_in(arguments.folder)
    if not arguments.file.exists():
        arguments.file.write_text(json.dumps(found, indent=1))
        print(f"{len(found)} tables written to {arguments.file}")
        return
    before = json.loads(arguments.file.read_text())
    wrong = sorted(name for name in {*found, *before} if found.get(name) != before.get(name))
    print(f"{len(found)} tables, {len(wrong)} differ {wrong}")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
