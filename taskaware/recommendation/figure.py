"""A recommendation as a figure: its network, and the search that found it."""

from typing import TYPE_CHECKING

import numpy as np

from taskaware.children.mixture.architecture import architecture
from taskaware.children.mixture.describe import percent, recipe_texts
from taskaware.errors import visible
from taskaware.recommendation.expected import constant_score
from taskaware.recommendation.explain import score_text
from taskaware.recommendation.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANSWER = "#c4505a"
LONGEST = 80
"""Characters of a name in a figure."""

SHOWN = 6
"""So many parts of a mixture are named."""


def plot(record: Record):
    """The network with its parts in words, and the search with the answer marked: a matplotlib Figure."""
    from matplotlib.figure import Figure

    from taskaware.children.mixture.draw import draw_network

    words = layers_text(record)
    figure = Figure(figsize=(13, 8.5 + 0.17 * words.count("\n")), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    # A name is text, also where it holds two dollar signs or what no font can draw.
    name = visible(record.task.name[:LONGEST])
    figure.suptitle(f"{name}: {score_text(record)}", fontsize=14, parse_math=False)
    draw_network(record.space, record.point, ax=above, inputs=record.task.inputs)
    above.set_title(words, loc="left", fontsize=9, family="monospace")
    _search(below, record)
    return figure


def layers_text(record: Record) -> str:
    """The network in words: a line for the columns, for each layer, and for the recipe."""
    net = architecture(record.space, record.point, inputs=record.task.inputs)
    lines = ["columns   " + _mixture([(one.share, one.name.replace("_", "-")) for one in net.embeddings])]
    for layer in net.layers:
        parts = [(one.share, f"{one.size} {one.activation}") for one in layer.baselines]
        past = f"; {percent(layer.bypass)} of its input passes by" if layer.bypass else ""
        lines.append(f"{layer.name:10}{_mixture(parts)}{past}")
    recipe = ", ".join(recipe_texts(net))
    return "\n".join([*lines, f"recipe    {recipe}"] if recipe else lines)


def _mixture(parts: list[tuple[float, str]]) -> str:
    """The largest parts of a mixture with their shares, and the share of the others."""
    if len(parts) == 1:
        return parts[0][1]
    ordered = sorted(parts, key=lambda part: -part[0])
    named = [f"{percent(share)} {name}" for share, name in ordered[:SHOWN]]
    if rest := ordered[SHOWN:]:
        named.append(f"{percent(sum(share for share, _ in rest))} in {len(rest)} others")
    return " + ".join(named)


def _search(ax: "Axes", record: Record) -> None:
    """Every start's cautious estimate by step, the best start strong, and the answer with its error."""
    from taskaware.children.mixture.draw import plot_ascent

    trace = np.array(record.trace).T
    if not trace.size:
        ax.set_axis_off()
        return
    answer, chosen = record.ranked[0], None
    if answer.found_by in ("ascent", "discretised"):
        chosen = int(np.nanmax(trace, axis=1).argmax())
    plot_ascent(ax, trace, chosen=chosen)
    ax.lines[0].set_label(f"{len(trace)} starts, lower estimate")
    if in_metric_units(record):
        way = "measured on this dataset" if answer.measured else _found(answer.found_by)
        label = f"the answer ({way}): {score_text(record)}"
        ax.errorbar(
            trace.shape[1] - 0.5, answer.predicted_score, answer.uncertainty, fmt="D", color=ANSWER, ms=8,
            capsize=4, zorder=7, label=label,
        )  # fmt: skip
        ax.axhline(answer.predicted_score, color=ANSWER, lw=1, ls="--", zorder=1)
        unit = record.task.metric
    else:
        unit = "evaluator's own unit"
    ax.set(ylabel=f"{unit}, lower estimate", title="Search for the architecture")
    ax.legend(frameon=False, loc="best")


def in_metric_units(record: Record) -> bool:
    """Whether the trace is in the metric's unit; an older taskaware wrote it in the evaluator's own.

    No estimate in the metric's unit lies below what a constant reaches.
    """
    return float(np.min(record.trace)) >= constant_score(np.array(record.meta_features)) - 1e-6


def _found(found_by: str) -> str:
    words = {
        "known": "known from other tasks",
        "default": "the safe default",
        "trained": "trained on the dataset",
        "ascent": "found by the search",
        "discretised": "found by the search, rounded",
        "narrowed": "known from other tasks, made smaller",
    }
    return words[found_by]
