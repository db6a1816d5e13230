"""A network as a folder that runs without taskaware: code, and beside it data."""
