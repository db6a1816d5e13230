"""Colours and type, in light and in dark, and how each strategy or method looks in all plots."""

from collections.abc import Iterable
from typing import NamedTuple

COLOURS = {
    "ink": ("#1d2731", "#e3e8ed"),
    "muted": ("#5d6b79", "#9eabb8"),
    "faint": ("#c9d1d9", "#44505c"),
    "pale": ("#edf0f3", "#252d36"),
    "paper": ("#fefefe", "#14191e"),
    "accent": ("#0b66a0", "#63b3ed"),
    "warn": ("#b3480d", "#ff9d5c"),
    "series0": ("#0072b2", "#5caee6"),
    "series1": ("#dd9200", "#f0b53c"),
    "series2": ("#009e73", "#2cc79c"),
    "series3": ("#c46a9b", "#e79dc6"),
    "series4": ("#d55e00", "#ff8a4c"),
    "series5": ("#55aee0", "#a6dbf8"),
    "series6": ("#4b4f54", "#b9bec4"),
    "series7": ("#8457b0", "#c3a1ec"),
}
"""Name → in light, in dark. The series are those of Okabe and Ito, which most colour-blind people can tell
apart, a little darker for white paper, and one more. All in light differ, so that a drawing can be turned
dark later."""

INK, MUTED, FAINT, PALE, PAPER, ACCENT, WARN = (COLOURS[name][0] for name in list(COLOURS)[:7])
SERIES = tuple(light for name, (light, _) in COLOURS.items() if name.startswith("series"))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = ("-", "--", ":", "-.")


class Look(NamedTuple):
    """How one strategy or method is drawn."""

    colour: str
    marker: str
    dash: str


def looks(names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, in the order in which they come.

    >>> looks(["random", "evolution", "random"])["evolution"].colour == SERIES[1]
    True
    """
    found: dict[str, Look] = {}
    for place, name in enumerate(dict.fromkeys(names)):
        lap, colour = divmod(place, len(SERIES))
        marker = MARKERS[(colour + lap) % len(MARKERS)]
        found[name] = Look(SERIES[colour], marker, DASHES[lap % len(DASHES)])
    return found


def variables(dark: bool) -> str:
    """The colours as CSS variables."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLOURS.items())


CSS = f"""
:root {{ color-scheme: light dark; {variables(False)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {variables(True)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }}
header, main, footer {{ max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }}
header {{ padding-top: 2.5rem; }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -.01em; }}
h2 {{ font-size: 1.35rem; margin: 3.25rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--faint);
  font-weight: 650; }}
h3 {{ font-size: 1rem; margin: 2rem 0 .25rem; font-weight: 600; }}
p {{ margin: .5rem 0; max-width: 46rem; }}
a {{ color: var(--accent); }}
code {{ font: .875em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }}
.kicker {{ color: var(--muted); font-size: .875rem; margin: 0 0 .25rem; }}
.facts {{ color: var(--muted); font-size: .875rem; margin: .5rem 0 0; max-width: none; }}
nav {{ display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1.25rem 0 0; font-size: .9375rem; }}
nav a {{ text-decoration: none; }}
nav a:hover {{ text-decoration: underline; }}
.notice {{ border-left: 4px solid var(--warn); background: var(--pale); margin: 1.25rem 0 0;
  padding: .6rem 1rem; border-radius: 0 4px 4px 0; max-width: none; }}
.notice.fine {{ border-color: var(--accent); }}
.tiles {{ display: flex; flex-wrap: wrap; gap: 1rem 2.75rem; margin: 1.75rem 0 1rem; padding: 0; }}
.tiles div {{ display: flex; flex-direction: column-reverse; }}
.tiles dt {{ color: var(--muted); font-size: .8125rem; }}
.tiles dd {{ margin: 0; font-size: 1.6rem; line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; }}
.tiles .bad dd {{ color: var(--warn); }}
figure {{ margin: 1.25rem 0 1.75rem; }}
.picture {{ overflow-x: auto; }}
.picture svg {{ display: block; width: 100%; height: auto; font-family: inherit; }}
.picture svg * {{ stroke-linejoin: round; stroke-linecap: butt; }}
figcaption {{ color: var(--muted); font-size: .875rem; line-height: 1.45; max-width: 46rem;
  margin-top: .4rem; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(21rem, 1fr)); gap: 0 2rem; }}
details {{ margin: .75rem 0; }}
summary {{ cursor: pointer; color: var(--accent); font-size: .9375rem; }}
.table {{ overflow-x: auto; max-height: 36rem; margin: .5rem 0 1rem; }}
table {{ border-collapse: collapse; font-size: .8125rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem 1.25rem .25rem 0;
  border-bottom: 1px solid var(--pale); }}
th {{ position: sticky; top: 0; background: var(--paper); color: var(--muted); font-weight: 500;
  border-bottom-color: var(--faint); white-space: nowrap; }}
.number {{ text-align: right; white-space: nowrap; }}
pre.error {{ white-space: pre-wrap; overflow-wrap: anywhere; background: var(--pale); margin: .35rem 0;
  padding: .6rem .9rem; border-radius: 4px; font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas,
  monospace; max-height: 22rem; overflow: auto; }}
footer {{ color: var(--muted); font-size: .8125rem; margin-top: 3.5rem; padding-bottom: 2.5rem; }}
@media print {{ nav {{ display: none; }} figure {{ break-inside: avoid; }} }}
"""
