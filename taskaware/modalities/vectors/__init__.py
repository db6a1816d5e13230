"""Vectors of a foundation model: rows of floats that have no meaning one by one."""
