"""Making the shipped files: experience in both spaces, and the evaluator fitted to it."""

import dataclasses
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from taskaware.data.named import listed
from taskaware.errors import UserError
from taskaware.files import atomic_write
from taskaware.modalities.tables.variants import is_variant
from taskaware.objectives.collect import CollectSettings
from taskaware.recommendation.ascent import AscentSettings
from taskaware.recommendation.expected import INTERVAL_80
from taskaware.recommendation.joined import together
from taskaware.recommendation.shipped import open_experience
from taskaware.recommendation.teach import train_evaluator
from taskaware.runner.run_folder import RunFolder
from taskaware.spaces import MixtureSpace, preset
from taskaware.store import Experience, pack, unpack
from taskaware.studies import quality
from taskaware.studies.collect import run_collect
from taskaware.studies.selectors import learned
from taskaware.surrogates import Evaluator, EvaluatorSettings, save_evaluator
from taskaware.surrogates import training_data as training_data
from taskaware.surrogates.joint_settings import JointSettings, check_joint
from taskaware.surrogates.lifted import lifted_experience
from taskaware.surrogates.price import Price

FOLDS = 5
TEACHING = ("-tables-variants", "-tables", "-variants", "")
REAL = ("-tables", "")
"""Tables that the evaluator of other kinds of data learns from too, by their real tasks."""
DISTRUST = (
    "where no known task resembles the task (a note says so, and the answer is the default), in "
    "classification with few rows, and for the score of a single pick; see docs/evaluator.md"
)


@dataclasses.dataclass(frozen=True)
class ShipSettings:
    """Settings of the shipped files."""

    # The experience that the evaluator is fitted to.
    collect: CollectSettings = CollectSettings()
    # The experience in the published space; its store may be the same.
    published: CollectSettings = CollectSettings(space="published")
    # Experience on variants of the tasks, for the evaluator as well; its store may be the same.
    variants: CollectSettings = CollectSettings(architectures=80, variants=2)
    # Experience on more tables, for the evaluator as well; it needs its own store.
    tables: CollectSettings = CollectSettings(architectures=96, store="tables.sqlite")
    # Experience on variants of these tables, for the evaluator as well; it may share their store.
    tables_variants: CollectSettings = CollectSettings(architectures=64, variants=2, store="tables.sqlite")
    # Experience on other kinds of data, for the evaluator of the space universal; it needs its own store.
    kinds: CollectSettings = CollectSettings(
        space="universal", architectures=32, batch=32, store="kinds.sqlite"
    )
    # Experience in the space extended, on tables; it needs its own store.
    extended: CollectSettings = CollectSettings(
        space="extended", architectures=96, turns=4, coarse=True, store="extended.sqlite"
    )
    # The evaluator that reads raw rows as well, of the tables of `collect` and of `kinds`.
    learned: JointSettings = JointSettings(beside=True)
    # Groups that the evaluators leave out, so that a demo can use a dataset that is new to them.
    held_back: tuple[str, ...] = ()
    # Price of an architecture that was never trained, for tables: the three numbers of `Price`, which
    # `taskaware improve` prints after a round; the usual price if empty.
    price: tuple[float, ...] = ()
    # The same for the other kinds of data.
    price_of_kinds: tuple[float, ...] = ()
    # Folder that the files are written to; "" for the run folder.
    into: str = ""

    def check(self) -> "ShipSettings":
        """The settings themselves; see `CollectSettings.check`."""
        for name in ("price", "price_of_kinds"):
            given = getattr(self, name)
            if len(given) not in (0, len(Price._fields)):
                raise UserError(f"Setting {name}={given} has {len(given)} numbers. Give three, or none.")
        self.collect.check()
        self.published.check()
        self.variants.check()
        self.tables.check()
        self.tables_variants.check()
        self.kinds.check()
        self.extended.check()
        check_joint(self.learned)
        return self

    def smoke(self) -> "ShipSettings":
        """A version that takes seconds, written into the run folder."""
        names = tuple(listed("smoke.ship"))
        small, published, variants = (
            dataclasses.replace(_bundled(part, tasks).smoke(), tasks=tasks, store="smoke.sqlite")
            for part, tasks in (
                (self.collect, names),
                (self.published, names[:1]),
                (self.variants, names[:1]),
            )
        )
        published = dataclasses.replace(published, architectures=1)
        kinds = dataclasses.replace(_bundled(self.kinds, names[:1]).smoke(), store="kinds.sqlite")
        kinds = dataclasses.replace(kinds, tasks=names[:1], architectures=1)
        # A program of the space extended takes long to compile.
        extended = dataclasses.replace(self.extended, space="compact", coarse=False, turns=1)
        extended = dataclasses.replace(
            _bundled(extended, names[:1]).smoke(), tasks=names[:1], store="extended.sqlite"
        )
        other = tuple(listed("smoke.ship_tables"))
        tables, varied = (
            dataclasses.replace(_bundled(part, other).smoke(), tasks=other, store="tables.sqlite")
            for part in (self.tables, self.tables_variants)
        )
        return dataclasses.replace(
            self,
            collect=small,
            published=published,
            variants=variants,
            tables=tables,
            tables_variants=varied,
            kinds=kinds,
            extended=extended,
            learned=dataclasses.replace(
                self.learned, evaluator=dataclasses.replace(self.learned.evaluator, members=2, steps=5)
            ),
            into="",
        )


def _bundled(part: CollectSettings, tasks: tuple[str, ...]) -> CollectSettings:
    """The part on bundled tasks: its own tables are not on every machine."""
    return dataclasses.replace(part, suite=("bundled",), tasks=tasks)


def run_ship(settings: ShipSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Collect, or resume the collection; then write the experience of both spaces, and the evaluator.

    Args:
        settings: checked before any work. A store without a folder lies in the run folder.
        folder: the run folder; each collection has a folder of its own in it.
        show: see `runner.Progress`.

    Returns:
        What was written.
    """
    began = time.perf_counter()
    settings.check()
    into = Path(settings.into or folder.path)
    summary, failed, jobs = {}, 0, 0
    parts = {
        "": settings.collect,
        "-variants": settings.variants,
        "-tables": settings.tables,
        "-tables-variants": settings.tables_variants,
        "-kinds": settings.kinds,
        "-tables-extended": settings.extended,
        "-published": settings.published,
    }
    for name, part in parts.items():
        if part.store == Path(part.store).name:
            part = dataclasses.replace(part, store=str(folder.path / part.store))
        found = run_collect(part, RunFolder.open(folder.path / f"collect{name}", "collect", part), show)
        jobs, failed = jobs + found["jobs"], failed + found["failed"]
        experience = open_experience(part.store, preset(part.space))
        varied = np.array([is_variant(task) for task in experience.names], bool)
        experience = experience.take(varied[experience.task] == name.endswith("-variants"))
        write(experience, into / f"experience{name}.npz")
        summary[f"experience{name}"] = str(experience)
    known = together(*(unpack(into / f"experience{name}.npz") for name in TEACHING))
    evaluator = train_evaluator(known, without=settings.held_back)
    card = {**evaluator.card, "shipped too": summary["experience-published"]}
    card |= {"held out": how_good(known), "distrust": DISTRUST}
    evaluator = dataclasses.replace(evaluator, card=card, price=_price(settings.price))
    save_evaluator(evaluator, into / "evaluator.npz", force=True)
    parts_read = [unpack(into / f"experience{name}.npz") for name in (*REAL, "-kinds")]
    space = cast(MixtureSpace, preset("universal"))
    everything = together(*(lifted_experience(part, space) for part in parts_read))
    universal = train_evaluator(everything, space=space.name, without=settings.held_back)
    universal = dataclasses.replace(universal, price=_price(settings.price_of_kinds))
    save_evaluator(universal, into / "evaluator-universal.npz", force=True)
    read = (settings.collect, settings.tables, settings.kinds)
    raw = reading(everything, read, settings.learned, settings.held_back)
    save_evaluator(raw, into / "evaluator-learned.npz", force=True)
    summary |= {
        "evaluator": f"learned from {len(evaluator.training_data.names)} tasks",
        "evaluator of universal": f"learned from {len(universal.training_data.names)} tasks",
        "evaluator that reads rows": f"learned from {len(raw.training_data.names)} tasks",
        "written to": str(into),
    }
    numbers = {"jobs": jobs, "failed": failed}
    folder.finish(jobs=jobs, failed=failed, seconds=time.perf_counter() - began, summary=summary | numbers)
    return summary | numbers


def reading(
    experience: Experience,
    parts: Sequence[CollectSettings],
    settings: JointSettings,
    held_back: tuple[str, ...] = (),
) -> Evaluator:
    """An evaluator of experience that also reads the raw rows of its tasks.

    Args:
        experience: of one space.
        parts: name the raw tasks.
        settings: of both networks.
        held_back: groups to leave out.
    """
    entries = [entry for part in parts for entry in part.chosen().entries]
    tasks = [entry.task() for entry in entries if entry.name in experience.names]
    space = experience.space.name
    return train_evaluator(experience, space=space, without=held_back, settings=settings, datasets=tasks)


def _price(numbers: tuple[float, ...]) -> Price | None:
    return Price(*numbers) if numbers else None


def how_good(experience: Experience) -> dict[str, str]:
    """Scores of the choices for tasks held out, by problem, as text for the card."""
    known = training_data(experience)
    picker = learned(preset(experience.space.name), EvaluatorSettings(), AscentSettings().kappa, safe=True)
    parts = quality.leave_tasks_out(known, {"evaluator": picker}, folds=FOLDS, seeds=[0])
    picks, found = pd.concat(parts), {}
    place, picked = picks["place"], picks["picked"]
    off = np.abs(known.score[place, picked] - picks["predicted"])
    table = picks.assign(
        problem=np.array(known.problems)[place],
        regret=np.nanmax(known.test_score, axis=1)[place] - known.test_score[place, picked],
        within=off <= INTERVAL_80 * picks["deviation"],
    )
    for problem, its in table.groupby("problem"):
        found[problem] = (
            f"{len(its)} tasks, rank correlation {its['spearman'].mean():.2f}, test score "
            f"{its['regret'].mean():.3f} below the best of all architectures, "
            f"intervals of 80 % held {100 * its['within'].mean():.0f} %"
        )
    return found


def write(experience: Experience, path: Path) -> None:
    """Pack an experience, replacing the existing file."""
    with tempfile.TemporaryDirectory() as folder:
        pack(experience, packed := Path(folder) / path.name)
        atomic_write(path, packed.read_bytes())
