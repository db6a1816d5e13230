"""Making what comes with the package: experience in both spaces, and the evaluator that learned from it."""

import dataclasses
import time
from pathlib import Path

import numpy as np

from taskaware.campaigns.collect import CollectSettings, run_collect
from taskaware.campaigns.experience import open_experience
from taskaware.campaigns.run_folder import RunFolder
from taskaware.campaigns.teach import together, train_evaluator
from taskaware.evaluator import save_evaluator
from taskaware.spaces import preset
from taskaware.store import Experience, pack, unpack
from taskaware.tasks.variants import is_variant


@dataclasses.dataclass(frozen=True)
class ShipSettings:
    """What is collected and written."""

    # The experience that the evaluator learns from.
    collect: CollectSettings = CollectSettings()
    # The experience in the published space; its store may be the same.
    published: CollectSettings = CollectSettings(space="published")
    # The experience on variants of the tasks, from which the evaluator learns too; its store may be the same.
    variants: CollectSettings = CollectSettings(architectures=80, variants=2)
    # Origins that the evaluator learns nothing from: `make demo` needs a dataset that is new to it.
    held_back: tuple[str, ...] = ("breast-cancer",)
    # Folder that the files are written to; "" for the run's own.
    into: str = ""

    def check(self) -> "ShipSettings":
        """The settings themselves; see `CollectSettings.check`."""
        self.collect.check()
        self.published.check()
        self.variants.check()
        return self

    def smoke(self) -> "ShipSettings":
        """The same in seconds, written into the run's own folder."""
        three = {"tasks": ("iris", "wine", "diabetes"), "store": "smoke.sqlite"}
        small, published, variants = (
            dataclasses.replace(part.smoke(), **three)
            for part in (self.collect, self.published, self.variants)
        )
        published = dataclasses.replace(published, architectures=2)
        return dataclasses.replace(self, collect=small, published=published, variants=variants, into="")


def run_ship(settings: ShipSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Collect, going on where it stopped; then write the experience of both spaces, and the evaluator.

    Args:
        settings: checked before any work. A store without a folder lies in the run's folder.
        folder: of the run; each collection has a folder of its own in it.
        show: see `runner.Progress`.

    Returns:
        What was written.
    """
    began = time.perf_counter()
    settings.check()
    into = Path(settings.into or folder.path)
    told, failed, jobs = {}, 0, 0
    parts = {"": settings.collect, "-variants": settings.variants, "-published": settings.published}
    for name, part in parts.items():
        if part.store == Path(part.store).name:
            part = dataclasses.replace(part, store=str(folder.path / part.store))
        found = run_collect(part, RunFolder.open(folder.path / f"collect{name}", "collect", part), show)
        jobs, failed = jobs + found["jobs"], failed + found["failed"]
        experience = open_experience(part.store, preset(part.space))
        varied = np.array([is_variant(task) for task in experience.names], bool)
        experience = experience.take(varied[experience.task] == (name == "-variants"))
        write(experience, into / f"experience{name}.npz")
        told[f"experience{name}"] = str(experience)
    known = together(*(unpack(into / f"experience{name}.npz") for name in ("-variants", "")))
    evaluator = train_evaluator(known, without=settings.held_back)
    card = {**evaluator.card, "shipped too": told["experience-published"]}
    evaluator = dataclasses.replace(evaluator, card=card)
    save_evaluator(evaluator, into / "evaluator.npz", force=True)
    told |= {"evaluator": f"learned from {len(evaluator.known.names)} tasks", "written to": str(into)}
    told |= {"jobs": jobs, "failed": failed}
    folder.finish(jobs=jobs, failed=failed, seconds=time.perf_counter() - began, summary=told)
    return told


def write(experience: Experience, path: Path) -> None:
    """Pack an experience in the place of the file that is there."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    pack(experience, fresh)
    fresh.replace(path)
