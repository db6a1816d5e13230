"""Damaged files of our own for `make fuzz`: models, recommendations, evaluators, stores and experience."""

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import taskaware
from benchmarks.odd_tables import pick
from taskaware.modalities.tables.table import table_of
from taskaware.store import Store, pack, unpack

FOLDER = Path(taskaware.__file__).parent / "shipped"

ODD_VALUES: tuple[object, ...] = (
    *(None, True, -1, 0, 10**400, 1e308, "", "x" * 10_000, [], {}, [[]], "nan", float("nan"), float("inf")),
    *(
        "__import__('os').system('true')",
        "'); raise SystemExit; ('",
        "\x1b[31m",
        "../../etc/passwd",
        "\ud800",
    ),
)
"""What takes the place of a value in a JSON file."""


class Artefact(NamedTuple):
    """A file or folder that taskaware wrote.

    Attributes:
        path: where the sound one lies.
        use: loads one and does with it what users do; returns numbers that must stay, or None.
    """

    path: Path
    use: Callable[[Path], Any]


def judge(folder: Path) -> Callable[[int], str]:
    """What tries damaged files; see `fuzz.run`. Models and packed experience may not change their meaning."""
    artefacts = _artefacts(folder)
    expected = [artefact.use(artefact.path) for artefact in artefacts]

    def one(seed: int) -> str:
        rng = np.random.default_rng(seed)
        place = int(rng.integers(len(artefacts)))
        artefact = artefacts[place]
        copy = folder / "damaged" / artefact.path.name
        how = _damaged_copy(artefact.path, copy, rng)
        found = artefact.use(copy)
        if expected[place] is not None and not np.array_equal(found, expected[place]):
            raise AssertionError(f"{artefact.path.name} with {how} is loaded, and means something else")
        return "answered"

    return one


def _artefacts(folder: Path) -> list[Artefact]:
    recommendation = taskaware.recommend("iris")
    recommendation.to_json(folder / "rec.json")
    # Quality is not the point, so training ends at the first evaluation that is no better.
    model = recommendation.fit("iris", members=2, patience=1, progress=False)
    model.save(folder / "model")
    experience = unpack(FOLDER / "experience.npz").take(np.arange(200))
    pack(experience, folder / "packed.npz")
    with Store.open(folder / "experience.sqlite", create=True) as store:
        store.add_experience(experience)
    shutil.copy(FOLDER / "evaluator.npz", folder / "evaluator.npz")
    rows = table_of(taskaware.make_task("iris")).numeric

    def predict(path: Path):
        return taskaware.load_model(path).predict_proba(rows)

    return [
        Artefact(folder / "model", predict),
        Artefact(folder / "model", predict),
        Artefact(folder / "rec.json", _use_recommendation),
        Artefact(folder / "packed.npz", lambda path: unpack(path).score),
        Artefact(folder / "experience.sqlite", _use_store),
        Artefact(folder / "evaluator.npz", _use_evaluator),
    ]


def _use_recommendation(path: Path) -> None:
    found = taskaware.load_recommendation(path)
    found.explain()
    compile(found.source(), "source", "exec")
    repr(found)


def _use_store(path: Path) -> None:
    with Store.open(path) as store:
        store.triplets()
        store.summary()


def _use_evaluator(path: Path) -> None:
    taskaware.recommend("wine", evaluator=taskaware.load_evaluator(path))


def _damaged_copy(sound: Path, copy: Path, rng: np.random.Generator) -> str:
    """A copy with one thing wrong; returns what."""
    shutil.rmtree(copy.parent, ignore_errors=True)
    copy.parent.mkdir()
    if sound.is_dir():
        shutil.copytree(sound, copy)
        victim = pick(rng, sorted(copy.iterdir()))
    else:
        shutil.copy(sound, copy)
        victim = copy
    if victim.suffix == ".json" and rng.random() < 0.7:
        how = _damage_json(victim, rng)
    elif victim.suffix == ".npz" and rng.random() < 0.6:
        how = _damage_npz(victim, rng)
    else:
        how = _damage_bytes(victim, rng)
    return f"{how} in {victim.name}"


def _damage_bytes(path: Path, rng) -> str:
    content = bytearray(path.read_bytes())
    kind = int(rng.integers(4))
    if kind == 0:
        path.write_bytes(content[: int(rng.integers(len(content)))])
        return "its end cut off"
    if kind == 1:
        place = int(rng.integers(len(content)))
        path.write_bytes(content[:place] + bytes(int(rng.integers(1, 200))) + content[place:])
        return "zeros put in"
    if kind == 2:
        path.unlink()
        return "nothing"
    for _ in range(int(rng.integers(1, 5))):
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    return "bits flipped"


def _damage_json(path: Path, rng) -> str:
    document = json.loads(path.read_text(encoding="utf-8"))
    holder, key = pick(rng, list(_places(document)))
    kind = int(rng.integers(3))
    if kind == 0:
        del holder[key]
        how = f"no {key!r}"
    elif kind == 1 and isinstance(holder[key], list):
        holder[key] = holder[key][::-1]
        how = f"{key!r} reversed"
    else:
        holder[key] = pick(rng, ODD_VALUES)
        how = f"{key!r} as {str(holder[key])[:30]!r}"
    path.write_text(json.dumps(document), encoding="utf-8")
    return how


def _places(document: Any):
    """Every (container, key) below a JSON document."""
    keys = (
        document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    )
    for key in keys:
        yield document, key
        yield from _places(document[key])


def _damage_npz(path: Path, rng) -> str:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = pick(rng, sorted(members))
    kind = int(rng.integers(6))
    how = ("no", "another shape of", "odd numbers in", "another type of", "a huge header of", "objects in")[
        kind
    ]
    if kind == 0:
        del members[name]
    else:
        members[name] = _damaged_array(members[name], kind, rng)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return f"{how} {name}"


def _damaged_array(content: bytes, kind: int, rng) -> bytes:
    array = np.load(io.BytesIO(content), allow_pickle=False)
    buffer = io.BytesIO()
    if kind == 4:
        np.lib.format.write_array_header_1_0(
            buffer, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)}
        )
        return buffer.getvalue()
    if kind == 1:
        array = np.concatenate([array.ravel(), array.ravel()[:1]])
    elif kind == 2 and array.size and array.dtype.kind in "fiu":
        array = array.copy()
        odd = (np.nan, np.inf, 1e30) if array.dtype.kind == "f" else (-1, 127)
        array.flat[int(rng.integers(array.size))] = np.array(pick(rng, odd)).astype(array.dtype)
    elif kind == 3:
        array = array.astype(pick(rng, ("U8", "c8", "f2", "M8[s]" if array.dtype.kind in "iu" else "U4")))
    elif kind == 5:
        np.save(buffer, np.array([{"a": 1}], object), allow_pickle=True)
        return buffer.getvalue()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
