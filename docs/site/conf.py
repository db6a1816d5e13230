"""How Sphinx builds the site: `make docs`.

The source folder is that of the repository, so that links lead to the same places as on a code host.
"""

import re
import sys

from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

import taskaware
from taskaware.studies.settings import Setting, keys

project = "taskaware"
author = "the taskaware authors"
copyright = "the taskaware authors, Apache-2.0"
version = release = taskaware.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
root_doc = "docs/site/index"
include_patterns = [
    "docs/**",
    "notebooks/*.ipynb",
    "experiments/README.md",
    "experiments/*/README.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = [".*", "benchmarks", "build", "dist", "docs/site/top", "runs", "taskaware", "tests"]

if tags.has("intersphinx"):  # `make docs INTERSPHINX=1`; without it nothing is fetched
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "jax": ("https://docs.jax.dev/en/latest/", None),
        "numpy": ("https://numpy.org/doc/stable/", None),
        "optax": ("https://optax.readthedocs.io/en/latest/", None),
        "pandas": ("https://pandas.pydata.org/docs/", None),
        "python": ("https://docs.python.org/3/", None),
        "sklearn": ("https://scikit-learn.org/stable/", None),
    }
    intersphinx_timeout = 20

myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks keep their outputs; `make notebooks` and the tests execute them
nb_merge_streams = True

default_role = "py:obj"  # `name` in a docstring is a link where there is such a name, and code elsewhere
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autosummary_generate = False
napoleon_numpy_docstring = False
# Parameters and attributes stand in plain lists, because several may share a line: "low, high: the range".
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_param = False
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = f"taskaware {release}"
html_extra_path = ["top"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
}


def of_its_home(app: Sphinx, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """A value is described by what stands under it where it is defined; it may be public elsewhere."""
    attribute = name.rpartition(".")[2]
    homes = [module for module in sys.modules if module.startswith("taskaware.")] if what == "data" else []
    for home in sorted(homes):
        if vars(sys.modules[home]).get(attribute) is found and (text := described(home, attribute)):
            lines[:] = text
            return


def described(module: str, attribute: str) -> list[str]:
    """What stands under the assignment of a name in a module; nothing where it is assigned elsewhere."""
    try:
        return list(ModuleAnalyzer.for_module(module).find_attr_docs().get(("", attribute), ()))
    except PycodeError:
        return []


def with_settings(app: Sphinx, what: str, name: str, found: type, options: object, lines: list[str]) -> None:
    """The fields of a class of settings, each described by the comment above it."""
    if what == "class" and name.endswith("Settings") and "Attributes:" not in lines:
        fields = [f"    {key}: {setting.comment}" for key, setting in keys(found()).items()]
        lines += ["Attributes:", *fields, ""]


def left_out(app: Sphinx, what: str, name: str, found: object, skip: bool, options: object) -> bool | None:
    """Names that are deprecated, and fields of named tuples, which their class describes."""
    old = (getattr(found, "__doc__", None) or "").startswith("The old name of")
    return True if old or isinstance(found, type(Setting.comment)) else None


def with_plain_names(
    app: Sphinx,
    what: str,
    name: str,
    found: object,
    options: object,
    arguments: str | None,
    answer: str | None,
) -> tuple[str | None, str | None]:
    """A default stands as code can write it: a function by its name, what a factory makes as three dots."""
    plain = re.sub(r"<function (\w+)>", r"\1", arguments or "").replace("<factory>", "...")
    return plain or arguments, answer


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", with_plain_names)
    app.connect("autodoc-skip-member", left_out)
    app.connect("autodoc-process-docstring", of_its_home)
    # Before napoleon, whose priority is 500, reads the sections.
    app.connect("autodoc-process-docstring", with_settings, priority=400)
