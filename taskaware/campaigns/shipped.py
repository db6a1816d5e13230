"""Making what comes with the package: experience in both spaces, and the evaluator that learned from it."""

import dataclasses
import time
from pathlib import Path

from taskaware.campaigns.collect import CollectSettings, run_collect
from taskaware.campaigns.experience import open_experience
from taskaware.campaigns.run_folder import RunFolder
from taskaware.campaigns.teach import train_evaluator
from taskaware.evaluator import save_evaluator
from taskaware.spaces import preset
from taskaware.store import Experience, pack


@dataclasses.dataclass(frozen=True)
class ShipSettings:
    """What is collected and written."""

    # The experience that the evaluator learns from.
    collect: CollectSettings = CollectSettings()
    # The experience in the published space; its store may be the same.
    published: CollectSettings = CollectSettings(space="published")
    # Origins that the evaluator learns nothing from: `make demo` needs a dataset that is new to it.
    held_back: tuple[str, ...] = ("breast-cancer",)
    # Folder that the files are written to; "" for the run's own.
    into: str = ""

    def check(self) -> "ShipSettings":
        """The settings themselves; see `CollectSettings.check`."""
        self.collect.check()
        self.published.check()
        return self

    def smoke(self) -> "ShipSettings":
        """The same in seconds, written into the run's own folder."""
        three = {"tasks": ("iris", "wine", "diabetes"), "store": "smoke.sqlite"}
        small, published = (
            dataclasses.replace(part.smoke(), **three) for part in (self.collect, self.published)
        )
        published = dataclasses.replace(published, architectures=2)
        return dataclasses.replace(self, collect=small, published=published, into="")


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
    for name, part in (("experience", settings.collect), ("experience-published", settings.published)):
        if part.store == Path(part.store).name:
            part = dataclasses.replace(part, store=str(folder.path / part.store))
        found = run_collect(part, RunFolder.open(folder.path / part.space, "collect", part), show)
        jobs, failed = jobs + found["jobs"], failed + found["failed"]
        experience = open_experience(part.store, preset(part.space))
        write(experience, into / f"{name}.npz")
        told[name] = str(experience)
    evaluator = train_evaluator(str(into / "experience.npz"), without=settings.held_back)
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
