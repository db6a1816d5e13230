"""The picture of the README: the network recommended for the breast-cancer table, as a PNG.

.venv/bin/python docs/images/draw.py
"""

from pathlib import Path

import taskaware as ta


def main() -> None:
    figure = ta.recommend("breast-cancer").plot()
    network, ascent = figure.axes
    figure.delaxes(ascent)
    network.set_title("")
    figure.savefig(Path(__file__).with_name("network.png"), dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
