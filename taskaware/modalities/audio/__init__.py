"""Sounds as a modality: clips of any length and sampling rate, four embeddings."""
