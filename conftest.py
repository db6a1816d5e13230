"""For all tests and doctests: how XLA compiles, and which annotations are checked at every call."""

import contextlib
import functools
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any, ForwardRef, get_args

import jaxtyping
import pytest
from beartype import BeartypeConf, beartype
from jaxtyping import install_import_hook

# Tests compile more than they run, so XLA leaves out passes that only make programs faster.
# More of this is in tests/conftest.py.
QUICK_TO_COMPILE = (
    "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false "
    # A program is one module for LLVM, not 32: less processor time, where other tests fill the cores.
    "--xla_cpu_parallel_codegen_split_count=1"
)
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK_TO_COMPILE}".strip()
# The processes of the tests fill all cores, where the threads of a product only wait for each other.
for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

CHECKED = (
    "taskaware.arrays",
    "taskaware.children",
    "taskaware.compilation",
    "taskaware.data",
    "taskaware.deprecation",
    "taskaware.digests",
    "taskaware.errors",
    "taskaware.files",
    "taskaware.objectives",
    "taskaware.plain",
    "taskaware.programs_on_disk",
    "taskaware.progress",
    "taskaware.pytrees",
    "taskaware.registry",
    "taskaware.reports",
    "taskaware.runner",
    "taskaware.saved",
    "taskaware.secrets",
    "taskaware.spaces",
    "taskaware.store",
    "taskaware.strategies",
    "taskaware.surrogates",
    "taskaware.tasks",
    "taskaware.tensors",
    "taskaware.training",
    # Not modalities, recommendation, studies, service and cli: they take what users give, and refuse it in
    # words.
)


one_check = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=jaxtyping.TypeCheckError))


def has_shapes(annotation: Any) -> bool:
    """Whether a type of jaxtyping stands in an annotation, or a name that only jaxtyping looks up."""
    if isinstance(annotation, (str, ForwardRef)):
        return True
    if isinstance(annotation, (list, tuple)):
        return any(map(has_shapes, annotation))
    named = str(getattr(annotation, "__module__", "")).startswith("jaxtyping")
    return named or any(map(has_shapes, get_args(annotation)))


def checked(*, typechecker: Callable) -> Callable:
    """In place of `jaxtyped`, which binds the arguments of each call and checks them twice, for their shapes.

    Where a function's annotations have no shapes, one check says the same.
    """

    def decorate(function: Any) -> Any:
        plain = inspect.isfunction(function) and not has_shapes(list(function.__annotations__.values()))
        if not plain:
            return jaxtyped(function, typechecker=typechecker)
        checking = one_check(function)

        @functools.wraps(function)
        def called(*args: Any, **more: Any) -> Any:
            return (function if jaxtyping.config.jaxtyping_disable else checking)(*args, **more)

        return called if function.__annotations__ else function

    return decorate


# The import hook asks for it by this name.
jaxtyped = jaxtyping.jaxtyped
vars(jaxtyping)["jaxtyped"] = checked
# jaxtyping's own pytest option cannot take several packages together with a setting of beartype.
install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


PROGRAMS_OF_A_CONTEXT = 200


@pytest.fixture(autouse=True, scope="session")
def one_context_for_many():
    """JAX lowers many programs of a thread in one MLIR context, not each in its own.

    A context takes as long to make as a small program to lower, and JAX keeps a megabyte for each.
    """
    from jax._src.interpreters import mlir
    from jax._src.lib.mlir import ir

    make, held = mlir.make_ir_context, threading.local()

    def context() -> Any:
        with contextlib.suppress(ValueError):  # there is none
            # A program that is lowered amid another would become a part of it.
            if ir.Context.current is not None:
                return make()
        # Constants stay in their context until it is let go of.
        if not getattr(held, "left", 0):
            held.context, held.left = make(), PROGRAMS_OF_A_CONTEXT
        held.left -= 1
        return held.context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mlir, "make_ir_context", context)
        yield
