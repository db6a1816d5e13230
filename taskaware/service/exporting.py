"""A trained model as a zip file: its folder, its code, or an export for programs without taskaware."""

import io
import tempfile
import zipfile
from pathlib import Path

from taskaware.service.refused import Refused
from taskaware.training.model import Model
from taskaware.training.written.export import RUN_BY, reason_against


def forms(model: Model) -> list[dict[str, str]]:
    """The forms of an export: name, what runs it, and why it cannot be given; that is empty if it can."""
    return [
        {"form": form, "needs": needs, "reason": reason_against(model, form)}
        for form, needs in RUN_BY.items()
    ]


def exported(model: Model, form: str) -> bytes:
    """The folder of `Model.export` as a zip file.

    Raises:
        Refused, UserError: this model has no such form, the service cannot write it, or there is none.
    """
    if reason := reason_against(model, form):
        raise Refused(422, f"The service cannot write this form. {reason}", "no_export")
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
        return zipped(model.export(Path(folder) / "model", to=form))


def source_of(model: Model) -> bytes:
    """The folder of `Model.source` as a zip file.

    Raises:
        UserError: the model is not of a table.
    """
    with tempfile.TemporaryDirectory(prefix="taskaware-") as folder:
        model.source(Path(folder) / "network")
        return zipped(Path(folder) / "network")


def zipped(folder: Path) -> bytes:
    """The files of a folder as a zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return packed.getvalue()
