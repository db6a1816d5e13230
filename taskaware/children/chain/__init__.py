"""Convolution chains: module, trained form, source code."""
