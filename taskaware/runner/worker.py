"""What a worker process runs: `python -m taskaware.runner.worker [CORE ...]`; see `processes`.

Messages in: ("work", function), ("keep", name, resource), ("drop", name), ("do", ticket, name, spec).
Messages out: "ready", then for each attempt (ticket, how, pickled value, seconds). The value is pickled on
its own, so that one which cannot be read again spoils no message.
"""

import contextlib
import os
import pickle
import queue
import signal
import sys
import threading

from taskaware.runner.attempt import attempt, in_words
from taskaware.runner.engine import ERROR


def main(shares: list[str]) -> None:
    """Serve until the other side is gone."""
    if shares:
        os.sched_setaffinity(0, map(int, shares))
    # What jobs print must not come between the messages.
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    messages: queue.SimpleQueue = queue.SimpleQueue()
    own = os.getpid()
    threading.Thread(target=_listen, args=(incoming, messages), daemon=True).start()
    _, work = messages.get()
    _send(outgoing, "ready")
    held: dict[str, object] = {}
    while True:
        kind, *rest = messages.get()
        if kind == "keep":
            held[rest[0]] = rest[1]
            continue
        if kind == "drop":
            del held[rest[0]]
            continue
        ticket, needs, spec = rest
        how, value, seconds = attempt(work, held[needs] if needs else None, spec)
        try:
            packed = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            how, packed = ERROR, pickle.dumps(f"The result cannot be sent: {in_words(error)}")
        if os.getpid() != own:
            # A job has forked, and this is the child, which came back from the job as well.
            os._exit(0)
        _send(outgoing, (ticket, how, packed, seconds))


def _listen(incoming, messages: queue.SimpleQueue) -> None:
    """Read messages; end the process at once when the other side is gone, even in the middle of a job.

    What jobs have started ends with it.
    """
    try:
        while True:
            messages.put(pickle.load(incoming))
    except EOFError:
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(0)
    except BaseException as error:
        print(f"A worker cannot read its work: {in_words(error)}", file=sys.stderr, flush=True)
        os._exit(1)


def _send(outgoing, message: object) -> None:
    pickle.dump(message, outgoing)
    outgoing.flush()


if __name__ == "__main__":
    # The other side may be gone at any moment, and then there is nobody to tell.
    with contextlib.suppress(BrokenPipeError):
        main(sys.argv[1:])
