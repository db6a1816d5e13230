"""The evaluator networks by name."""

from typing import TYPE_CHECKING

from taskaware.errors import unknown

if TYPE_CHECKING:
    import flax.linen as nn

NETWORKS = ("published", "published_head", "bilinear")


def network_named(name: str) -> "nn.Module":
    """The evaluator network of that name.

    Raises:
        UserError: the name is unknown; the nearest one is suggested.
    """
    if name not in NETWORKS:
        raise unknown("evaluator network", name, NETWORKS)
    from taskaware.surrogates.modules import MODULES  # Flax, which a Gaussian process does without

    return MODULES[name]
