"""A recommendation as one page of HTML that needs nothing beside it."""

import html
import io
import os
from pathlib import Path

from taskaware.errors import UserError, quoted, visible
from taskaware.files import atomic_write, expanded, refuse_existing
from taskaware.recommendation import explain, figure, pareto
from taskaware.recommendation.record import Record

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; }
svg { max-width: 100%; height: auto; background: white; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #8886; padding: .25rem .6rem; text-align: right; }
"""


def write(record: Record, path: str | os.PathLike, *, force: bool = False) -> Path:
    """Write the page; see `Recommendation.report`.

    Args:
        record: a recommendation.
        path: of the file, ending in .html.
        force: whether a file that is there gives way.
    """
    target = expanded(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"report writes a page, and {quoted(str(path))} does not end in .html. Let it.")
    if not force:
        refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, page(record).encode(), replace=force)
    return target


def page(record: Record) -> str:
    """The text of the page: the answer in words, the network, what else was found, and the nearest tasks.

    Args:
        record: a recommendation.
    """
    title = html.escape(visible(f"Network for {record.task.name[: figure.LONGEST]}"))
    parts = {
        "Recommendation": f"<pre>{html.escape(explain.explain(record))}</pre>",
        "Network and search": _drawn(figure.plot(record)),
        "Candidates that no other beats": pareto.table(record, measure=False).to_html(index=False),
        "Nearest known tasks": record.neighbours.to_html(index=False),
    }
    body = "".join(f"<section><h2>{name}</h2>{part}</section>" for name, part in parts.items())
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )


def _drawn(drawing) -> str:
    file = io.StringIO()
    drawing.savefig(file, format="svg")
    return file.getvalue()[file.getvalue().index("<svg") :]
