"""Annotations of these rooms are checked at every call in tests and doctests, shapes of arrays among them."""

from jaxtyping import install_import_hook

CHECKED = (
    "taskaware.arrays",
    "taskaware.data",
    "taskaware.digests",
    "taskaware.files",
    "taskaware.registry",
    "taskaware.spaces",
    "taskaware.tasks",
)

# jaxtyping's own pytest option cannot take several packages together with a setting of beartype.
install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
