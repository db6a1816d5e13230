"""What goes wrong on real machines, again and again: `make chaos`."""
