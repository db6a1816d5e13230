"""One attempt at a job, in the process that runs it; returns how it ended, and the result or error."""

import time

from taskaware.runner.engine import ERROR, MEMORY, OK, Work
from taskaware.secrets import masked

# Words in the errors of JAX and CUDA, whose types are not imported here.
OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "out of memory", "OUT_OF_MEMORY")


def attempt(work: Work, resource: object, spec: object) -> tuple[str, object, float]:
    """Do the work once.

    Args:
        work: function to call.
        resource: that the job needs, or None.
        spec: of the job.

    Returns:
        How it ended, the result or the error in words, seconds; see `Ended`.

    >>> attempt(lambda resource, spec: resource / spec, 1.0, 2.0)[:2]
    ('ok', 0.5)
    >>> attempt(lambda resource, spec: resource / spec, 1.0, 0.0)[:2]
    ('error', 'ZeroDivisionError: float division by zero')
    """
    began = time.perf_counter()
    try:
        how, value = OK, work(resource, spec)
    # A job that calls sys.exit ends itself, not the study.
    except (Exception, SystemExit) as error:
        how, value = (MEMORY if is_memory(error) else ERROR), in_words(error)
    return how, value, time.perf_counter() - began


def is_memory(error: BaseException) -> bool:
    """Whether an error means too little memory, on the machine or on a device."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def in_words(error: BaseException) -> str:
    """An error in one line: its type and its message, without passwords."""
    return masked(" ".join(f"{type(error).__name__}: {error}".split()))
