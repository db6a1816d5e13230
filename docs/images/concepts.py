"""The pictures of docs/concepts.md, as SVG: the way of a dataset, a point, the guard.

.venv/bin/python docs/images/concepts.py
"""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np

INK, SOFT, LINE, PALE = "#1f2933", "#52606d", "#7b8794", "#f5f7fa"
BLUE, GREEN, AMBER = "#dbeafe", "#dcfce7", "#fef3c7"
DARK = {BLUE: "#1d4ed8", GREEN: "#15803d", AMBER: "#b45309"}
WIDTH = 810


def tag(name: str, *inside: str, **given: object) -> str:
    """An element; an underscore in the name of an attribute is a hyphen, one at its end is left out."""
    text = "".join(f' {key.rstrip("_").replace("_", "-")}="{value}"' for key, value in given.items())
    return f"<{name}{text}>{''.join(inside)}</{name}>"


def words(x: float, y: float, label: str, *, size: int = 12, fill: str = SOFT, anchor: str = "start") -> str:
    """Words at a place.

    Args:
        x, y: of the anchor, on the line, in pixels.
        label: without markup.
        size: in pixels; larger words are bold.
        fill: the colour.
        anchor: "start", "middle" or "end".
    """
    weight = 600 if size > 13 else 400
    given = {"font_size": size, "fill": fill, "text_anchor": anchor, "font_weight": weight}
    return tag("text", escape(label, quote=False), x=f"{x:g}", y=f"{y:g}", **given)


def box(x: float, y: float, lines: Sequence[str], colour: str) -> str:
    """A box of 160 × 72 pixels with a title and a line below it."""
    middle = x + 80
    title = words(middle, y + 30, lines[0], size=15, fill=INK, anchor="middle")
    shape = tag("rect", x=x, y=y, width=160, height=72, rx=8, fill=colour, stroke=DARK[colour])
    return shape + title + words(middle, y + 52, lines[1], anchor="middle")


def chip(x: float, y: float, name: str, share: float) -> str:
    """A name in a bar of 140 × 26 pixels that is filled by its share."""
    frame = tag("rect", x=x, y=y, width=140, height=26, rx=5, fill=PALE, stroke=LINE)
    part = tag("rect", x=x, y=y, width=f"{140 * share:g}", height=26, rx=5, fill=BLUE, stroke=DARK[BLUE])
    return frame + part + words(x + 10, y + 17, name, fill=INK)


def line(points: Iterable[tuple[float, float]], colour: str = LINE, **given: object) -> str:
    """A line through points, in pixels."""
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polyline", points=way, fill="none", stroke=colour, **{"stroke_width": 1.6, **given})


def arrow(*points: tuple[float, float]) -> str:
    """A line with a head at its end."""
    return line(points, marker_end="url(#head)")


def picture(height: int, title: str, parts: Iterable[str]) -> str:
    """A picture on white paper, so that it can be read on a dark page, too.

    Args:
        height: in pixels.
        title: for those who cannot see it.
        parts: what is drawn, in order.
    """
    form = {"viewBox": "0 0 10 10", "refX": 9, "refY": 5, "markerWidth": 7, "markerHeight": 7}
    head = tag("marker", tag("path", d="M0 0 10 5 0 10z", fill=LINE), id="head", orient="auto", **form)
    paper = tag("rect", width=WIDTH, height=height, rx=10, fill="#ffffff")
    inside = [tag("title", title), tag("defs", head), paper, *parts]
    size = {"viewBox": f"0 0 {WIDTH} {height}", "width": WIDTH, "height": height}
    about = {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "font_family": "system-ui, sans-serif"}
    return tag("svg", *(f"\n{each}" for each in inside), "\n", **about, **size) + "\n"


def way() -> str:
    """From a dataset to a recommendation."""
    parts = [
        box(20, 30, ["dataset", "rows, columns, target"], GREEN),
        arrow((180, 66), (216, 66)),
        box(220, 30, ["z", "meta-features"], BLUE),
        arrow((380, 66), (426, 88)),
        box(20, 190, ["space", "all architectures"], GREEN),
        arrow((180, 226), (216, 226)),
        box(220, 190, ["u = {α, β, γ}", "one architecture"], BLUE),
        arrow((300, 190), (300, 136), (426, 122)),
        box(430, 68, ["surrogate", "learned from experience"], AMBER),
        arrow((590, 104), (626, 104)),
        box(630, 68, ["mean, deviation", "of the score"], BLUE),
        arrow((710, 140), (710, 226), (594, 226)),
        box(430, 190, ["guard", "caution, price, limits"], AMBER),
        arrow((430, 226), (384, 226)),
        words(407, 218, "ascent", anchor="middle"),
        arrow((510, 262), (510, 296)),
        box(430, 300, ["recommendation", "architecture and score"], GREEN),
    ]
    return picture(
        392,
        "A dataset becomes z, an architecture u. A surrogate predicts the score, an ascent changes u.",
        parts,
    )


def point() -> str:
    """What a point is made of."""
    embeddings = {"standardised": 0.5, "quantile": 0.3, "one-hot": 0.15, "…": 0.05}
    baselines = ("16 relu", "64 relu", "64 tanh", "128 tanh")
    layers = (((0.6, 0.2, 0.15, 0.05), 1), ((0.1, 0.7, 0.1, 0.1), 0.9), ((0.25, 0.25, 0.25, 0.25), 0.1))
    parts = [words(20, 34, "γ mixes embeddings", size=13)]
    parts += [chip(20, 52 + 34 * n, *each) for n, each in enumerate(embeddings.items())]
    parts.append(arrow((164, 116), (196, 116)))
    for number, (shares, beta) in enumerate(layers):
        left = 200 + 180 * number
        parts.append(words(left, 34, f"layer {number + 1}: α mixes", size=13))
        parts += [chip(left, 52 + 34 * n, baselines[n], share) for n, share in enumerate(shares)]
        parts.append(words(left + 70, 210, f"β = {beta:g}", size=14, fill=INK, anchor="middle"))
        parts.append(arrow((left + 144, 116), (left + 176, 116)))
    parts += [
        words(742, 121, "output", size=14, fill=INK),
        words(
            200,
            238,
            "β weighs a layer in (1) or out (0). Learning rate, weight decay and dropout stand beside.",
        ),
    ]
    return picture(
        258,
        "γ mixes embeddings of the columns, α the sizes and activations of a layer, β weighs layers.",
        parts,
    )


def guard() -> str:
    """Prediction, bound and price along a line of architectures, of a small Gaussian process."""
    known, scores = np.array([0.08, 0.2, 0.27, 0.42, 0.5]), np.array([0.1, 0.35, 0.42, 0.62, 0.66])
    along = np.linspace(0, 1, 161)
    mean, deviation = posterior(known, scores, along)
    bound = mean - deviation
    beyond = np.maximum(np.abs(along[:, None] - known).min(1) - 0.05, 0)
    priced = bound - 0.04 - 1.2 * beyond
    outline = [*placed(along, mean + deviation), *placed(along[::-1], bound[::-1])]
    band = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
    curves = [
        tag("polygon", points=band, fill=BLUE),
        line(placed(along, mean), DARK[BLUE], stroke_width=2),
        line(placed(along, bound), DARK[GREEN], stroke_width=2, stroke_dasharray="6 4"),
        line(placed(along, priced), DARK[AMBER], stroke_width=2),
    ]
    frame = tag("clipPath", tag("rect", x=60, y=10, width=700, height=250), id="frame")
    parts = [frame, tag("g", *curves, clip_path="url(#frame)"), line([(60, 10), (60, 260), (760, 260)])]
    parts += [tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5, fill=INK) for x, y in placed(known, scores)]
    for values, colour, label in ((mean, BLUE, "without a guard"), (priced, AMBER, "with the guard")):
        best = int(values.argmax())
        ((x, y),) = placed(along[[best]], values[[best]])
        x, y = min(x, 700), max(y, 46)
        parts.append(tag("path", d=f"M{x:.1f} {y - 8:.1f}l6 -11h-12z", fill=DARK[colour]))
        parts.append(words(x, y - 25, label, fill=DARK[colour], anchor="middle"))
    legend = {
        "trained architectures": INK,
        "mean ± deviation": DARK[BLUE],
        "lower bound": DARK[GREEN],
        "bound minus price": DARK[AMBER],
    }
    for n, (label, colour) in enumerate(legend.items()):
        parts.append(tag("rect", x=62 + 185 * n, y=290, width=14, height=14, rx=3, fill=colour))
        parts.append(words(82 + 185 * n, 302, label))
    parts += [words(756, 278, "architectures →", anchor="end"), words(68, 24, "score ↑")]
    return picture(
        320, "Far from trained architectures the mean still rises, and the guarded score falls.", parts
    )


def placed(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Pixels of places between 0 and 1."""
    return list(zip(60 + 700 * x, 235 - 215 * y, strict=True))


def posterior(known: np.ndarray, scores: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a Gaussian process with a linear trend, for the drawing alone.

    Args:
        known: places, (n,).
        scores: there, (n,).
        along: places that are asked about, (m,).
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 0.05 * np.exp(-((a[:, None] - b) ** 2) / (2 * 0.15**2)) + 0.8 * a[:, None] * b

    solved = np.linalg.solve(kernel(known, known) + 1e-4 * np.eye(len(known)), kernel(known, along))
    variance = np.diag(kernel(along, along)) - (kernel(along, known) * solved.T).sum(1)
    return solved.T @ scores, np.sqrt(np.maximum(variance, 0))


PICTURES = {"way.svg": way, "point.svg": point, "guard.svg": guard}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        Path(__file__).with_name(name).write_text(draw(), encoding="utf-8")
