"""Models of the Hugging Face hub: named by the user, loaded by transformers' own code.

Weights are read from safetensors alone, and no code of a model's repository is run.
"""

import functools
import importlib.util
import os
from typing import Any, NamedTuple

from taskaware.errors import UserError, quoted

LIBRARIES = ("torch", "transformers")


def is_installed(*packages: str) -> bool:
    """Whether all of these packages can be imported."""
    return all(importlib.util.find_spec(package) is not None for package in packages)


class Pretrained(NamedTuple):
    """A model that is loaded.

    Attributes:
        prepare: what turns data into its inputs: a tokenizer, an image processor, a feature extractor.
        network: that reads these.
    """

    prepare: Any
    network: Any


class Models(NamedTuple):
    """The models that one kind of data may be read with.

    Attributes:
        kind: for people, such as "vision model".
        setting: name of the environment's variable that holds a model's name.
        install: the command that installs the libraries.
        prepared_by: class of transformers that prepares data.
    """

    kind: str
    setting: str
    install: str
    prepared_by: str

    def chosen(self) -> str | None:
        """The model that the environment names: one of the hub ("owner/name"), or a folder."""
        return os.environ.get(self.setting, "").strip() or None

    def load(self, name: str) -> Pretrained:
        """The model of that name, from memory if it was loaded before.

        Raises:
            UserError: a library is not installed, or the model is not there or has no weights in safetensors.
        """
        return _loaded(self, name)


@functools.lru_cache(maxsize=4)
def _loaded(models: Models, name: str) -> Pretrained:
    what = f"The {models.kind} {quoted(name)}"
    if not is_installed(*LIBRARIES):
        raise UserError(
            f"{what} needs transformers and torch. Run: {models.install}. Or unset ${models.setting}."
        )
    import transformers

    found: Any = transformers
    found.utils.logging.disable_progress_bar()
    try:
        prepare = getattr(found, models.prepared_by).from_pretrained(name, trust_remote_code=False)
        network = found.AutoModel.from_pretrained(name, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"{what} cannot be loaded: {quoted(reason, 200)}. Check its name and the connection, give a "
            f"folder with its weights in safetensors, or unset ${models.setting}."
        ) from error
    return Pretrained(prepare, network.float().eval())


def forget_models() -> None:
    """Let go of the models in memory, for tests."""
    _loaded.cache_clear()
