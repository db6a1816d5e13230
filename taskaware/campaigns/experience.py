"""Experience by the name that a campaign's settings give it."""

from importlib import resources

from taskaware.errors import UserError
from taskaware.metafeatures import catalogue_digest
from taskaware.spaces import MixtureSpace
from taskaware.store import Experience, Store, unpack


def open_experience(name: str, space: MixtureSpace) -> Experience:
    """What is known of architectures of a space.

    Args:
        name: "shipped", the path of a file that `pack` wrote (.npz), or path or database URL of a store.
        space: of the architectures.

    Raises:
        UserError: the experience is of another space.
        StoreError: it cannot be read.

    >>> from taskaware.spaces import preset
    >>> len(open_experience("shipped", preset("compact")).tasks) > 60
    True
    """
    if name != "shipped" and not name.endswith(".npz"):
        with Store.open(name, create=False, readonly=True) as store:
            return store.triplets(space.digest, catalogue=catalogue_digest())
    experience = _shipped(space) if name == "shipped" else unpack(name)
    if experience.space.digest != space.digest:
        raise UserError(
            f"The experience '{name}' is of the space '{experience.space.name}', not of '{space.name}'. "
            f"Set space={experience.space.name}, or name another experience."
        )
    return experience


def _shipped(space: MixtureSpace) -> Experience:
    """The file of that space, if there is one; else the main one."""
    folder = resources.files("taskaware.shipped")
    own = folder / f"experience-{space.name}.npz"
    with resources.as_file(own if own.is_file() else folder / "experience.npz") as path:
        return unpack(path)
