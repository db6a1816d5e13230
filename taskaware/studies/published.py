"""The published setting: its space, networks, optimizer and losses, on tables."""

import dataclasses
import time

from taskaware.data.named import listed
from taskaware.errors import UserError
from taskaware.modalities.suites import smallest
from taskaware.objectives.collect import CollectSettings
from taskaware.runner.run_folder import RunFolder
from taskaware.secrets import discreet
from taskaware.studies.collect import run_collect
from taskaware.studies.evaluate import EvaluateSettings, evaluate


@discreet
@dataclasses.dataclass(frozen=True)
class PublishedSettings:
    """Experience in the published space, then the published evaluator with each of its losses."""

    # The experience; trainings that the store holds are not repeated.
    collect: CollectSettings = CollectSettings(space="published")
    # The evaluation; it uses the collected experience and its space.
    evaluate: EvaluateSettings = EvaluateSettings(
        methods=("random", "single_best", "published", "published_linear", "published_quadratic")
    )

    def check(self) -> "PublishedSettings":
        """The settings themselves, if they are valid.

        Raises:
            UserError: a value is out of range, or the experience would not be of the published space.
        """
        self.collect.check()
        self.evaluate.check()
        if self.collect.space != "published":
            raise UserError(
                f"collect.space={self.collect.space} is not allowed here. Set collect.space=published."
            )
        return self

    def smoke(self) -> "PublishedSettings":
        """A small version: four small tasks, two architectures, recorded in the run folder."""
        few = smallest(self.collect.suite, self.collect.tasks, 4, bundled=listed("smoke.published"))
        small = dataclasses.replace(self.collect.smoke(), **few, architectures=2, store="")
        small = dataclasses.replace(small, trainer=dataclasses.replace(small.trainer, train_rows=128))
        return dataclasses.replace(self, collect=small, evaluate=self.evaluate.smoke())


def run_published(settings: PublishedSettings, folder: RunFolder, show: bool | None = None) -> dict:
    """Collect, then leave tasks out.

    Args:
        settings: checked before any work.
        folder: the run folder; the tables of the evaluation lie in it, and the collection has a folder in it.
            Where the settings name no store, it lies there too.
        show: see `runner.Progress`.

    Returns:
        The summary of the evaluation.
    """
    began = time.perf_counter()
    settings.check()
    store = settings.collect.store or str(folder.path / "experience.sqlite")
    collecting = dataclasses.replace(settings.collect, store=store)
    collected = run_collect(collecting, RunFolder.open(folder.path / "collect", "collect", collecting), show)
    evaluating = dataclasses.replace(settings.evaluate, experience=store, space="published")
    summary = evaluate(evaluating, folder, show)
    failed = collected["failed"] + summary["failed"]
    jobs = collected["jobs"] + summary["jobs"]
    summary |= {"collected": collected, "jobs": jobs, "failed": failed}
    folder.finish(jobs=jobs, failed=failed, seconds=time.perf_counter() - began, summary=summary)
    return summary
