import dataclasses
import re
import sys
from xml.etree import ElementTree

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure

from taskaware.children.mixture.architecture import architecture
from taskaware.children.mixture.draw import ACTIVATION_COLOURS, COLUMN, draw_network, plot_ascent, svg
from taskaware.errors import UserError
from taskaware.spaces import preset

TAG = "{http://www.w3.org/2000/svg}"


def points(space, count=3):
    rng = np.random.default_rng(0)
    drawn = space.project(jnp.asarray(rng.normal(0, 3, (count, space.dimension)), jnp.float32))
    return [*drawn, *space.discretise(drawn)]


def texts(picture):
    return [element.text for element in picture.iter(f"{TAG}text")]


def bars(picture):
    """(width, colour) of the rectangles in a colour of the activations that are not swatches."""
    found = []
    for box in picture.iter(f"{TAG}rect"):
        if box.get("fill") in ACTIVATION_COLOURS and float(box.get("height")) > 8:
            found.append((float(box.get("width")), box.get("fill")))
    return found


@pytest.mark.parametrize("name", ["compact", "published"])
def test_picture_shows_every_baseline_by_its_share_and_activation(name):
    space = preset(name)
    for vector in points(space):
        net = architecture(space, vector)
        expected = [
            (max(COLUMN * b.share - 1, 1), ACTIVATION_COLOURS[space.activations.index(b.activation)])
            for layer in net.layers
            for b in layer.baselines
        ]
        drawn = bars(ElementTree.fromstring(svg(space, vector)))
        assert [colour for _, colour in drawn] == [colour for _, colour in expected]
        np.testing.assert_allclose([w for w, _ in drawn], [w for w, _ in expected], atol=0.06)


@pytest.mark.parametrize("name", ["compact", "published"])
def test_nothing_lies_outside_the_picture(name):
    space = preset(name)
    for vector in points(space):
        picture = ElementTree.fromstring(svg(space, vector))
        _, top, width, height = map(float, picture.get("viewBox").split())
        at = [(float(t.get("x")), float(t.get("y"))) for t in picture.iter(f"{TAG}text")]
        for path in picture.iter(f"{TAG}path"):
            numbers = list(map(float, re.findall(r"-?[\d.]+", path.get("d"))))
            at += zip(numbers[::2], numbers[1::2], strict=True)
        for box in picture.iter(f"{TAG}rect"):
            x, y = float(box.get("x", 0)), float(box.get("y"))
            at += [(x, y), (x + float(box.get("width")), y + float(box.get("height")))]
        xs, ys = np.transpose(at)
        assert xs.min() >= 0 and xs.max() <= width + 0.1
        assert ys.min() >= top - 0.1 and ys.max() <= top + height + 0.1


def test_both_renderings_say_the_same():
    space = preset("compact")
    vector = points(space)[0]
    ax = Figure(figsize=(8, 4)).subplots()
    assert draw_network(space, vector, ax) is ax
    picture = ElementTree.fromstring(svg(space, vector))
    assert [text.get_text() for text in ax.texts] == texts(picture)
    shapes = len(list(picture.iter(f"{TAG}rect"))) - 1 + len(list(picture.iter(f"{TAG}path")))
    assert len(ax.patches) == shapes
    ax.figure.canvas.draw()


def test_the_words_of_a_picture():
    space = preset("compact")
    blank = space.decode(jnp.zeros(space.dimension))
    beta = jnp.log(jnp.array([[0.75, 0.25], [0.001, 0.999], [0.999, 0.001]]))
    alpha = blank.alpha.at[0, 4].set(9.0).at[2, 1].set(9.0)
    vector = space.encode(blank._replace(alpha=alpha, beta=beta))
    found = texts(ElementTree.fromstring(svg(space, vector, inputs=["numbers"])))
    assert {"64 linear", "64 relu", "16 tanh", "25 % passes by", "75 %", "quantile", "20 %"} <= set(found)
    assert {"layer 1", "layer 2"} <= set(found) and "layer 3" not in found
    assert not {"categories", "one-hot", "learned"} & set(found)


def test_svg_needs_no_matplotlib_and_names_are_escaped(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    groups = (("standardised", "a<b & c"), ("one_hot", "learned"))
    space = dataclasses.replace(preset("compact"), embeddings=groups)
    vector = jnp.zeros(space.dimension)
    assert "a<b & c" in texts(ElementTree.fromstring(svg(space, vector)))


def test_ascent_marks_what_was_returned_and_where_the_guard_stopped():
    trace = np.linspace(0.5, 0.8, 12).reshape(3, 4)
    ax = plot_ascent(Figure().subplots(), trace, chosen=1, stops=[3, 2, 1])
    curves = [line for line in ax.lines if len(line.get_xdata()) > 1 and line.get_linestyle() == "-"]
    assert [len(line.get_xdata()) for line in curves] == [4, 3, 2]
    np.testing.assert_array_equal(curves[1].get_ydata(), trace[1, :3])
    marks = {
        (line.get_marker(), *line.get_xdata(), *line.get_ydata())
        for line in ax.lines
        if line.get_marker() != "None"
    }
    assert marks == {("o", 2, trace[1, 2]), ("*", 2, trace[1, 2]), ("o", 1, trace[2, 1])}
    assert sorted(ax.get_legend_handles_labels()[1]) == ["returned", "stopped by the guard"]


@pytest.mark.parametrize(
    ("trace", "options", "says"),
    [
        (np.zeros(3), {}, r"shape \(3,\)"),
        (np.zeros((2, 0)), {}, "at least one of each"),
        (np.zeros((2, 3)), {"chosen": 2}, "from 0 to 1"),
        (np.zeros((2, 3)), {"stops": [0, 3]}, "from 0 to 2"),
        (np.zeros((2, 3)), {"stops": [0]}, "each of 2 starts"),
    ],
)
def test_a_trace_that_does_not_fit_is_refused(unchecked, trace, options, says):
    with pytest.raises(UserError, match=says):
        plot_ascent(Figure().subplots(), trace, **options)
