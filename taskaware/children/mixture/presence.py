"""Which columns an embedding is made of."""

from collections.abc import Collection

INPUTS = ("numbers", "categories")
CATEGORY_EMBEDDINGS = ("one_hot", "learned")
LEARNED_RANK = 16
"""Numbers of a learned vector."""


def reads(embedding: str) -> str:
    """The kind of column that an embedding is made of: "numbers" or "categories"."""
    return "categories" if embedding in CATEGORY_EMBEDDINGS else "numbers"


def is_input(embedding: str, inputs: Collection[str]) -> bool:
    """Whether a dataset has columns for an embedding, given the kinds of its columns, or embeddings."""
    return embedding in inputs or reads(embedding) in inputs
