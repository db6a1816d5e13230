"""Names of the embeddings that spaces mix: each reads the feature block of the same name.

They stand in a room of their own because kinds of data give these blocks without JAX.
"""

TABLE_EMBEDDINGS = (
    ("standardised", "robust", "quantile", "piecewise", "periodic"),
    ("one_hot", "learned"),
)

TEXT_EMBEDDINGS = (
    "word_ngrams",
    "character_ngrams",
    "token_bag",
    "word_vectors",
    "static_vectors",
    "sentence_vectors",
    "language_model",
)
IMAGE_EMBEDDINGS = (
    "pixels_8",
    "pixels_16",
    "gradients",
    "colours",
    "image_patches",
    "frequencies",
    "vision_model",
)
AUDIO_EMBEDDINGS = ("mel", "cepstrum", "sound_patches", "audio_model")
SERIES_EMBEDDINGS = ("summary", "spectrum", "convolutions", "resampled")
VECTOR_EMBEDDINGS = ("vectors", "normalised", "whitened")
