"""What a worker process runs: `python -m taskaware.runner.worker [CORE ...]`; see `processes`.

Messages in: ("work", function), ("keep", name, resource), ("drop", name), ("do", ticket, name, spec).
Messages out: "ready", then for each attempt (ticket, how, value, seconds).
"""

import contextlib
import os
import pickle
import queue
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
            packed = pickle.dumps((ticket, how, value, seconds), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            packed = pickle.dumps((ticket, ERROR, f"The result cannot be sent: {in_words(error)}", seconds))
        outgoing.write(packed)
        outgoing.flush()


def _listen(incoming, messages: queue.SimpleQueue) -> None:
    """Read messages; end the process at once when the other side is gone, even in the middle of a job."""
    try:
        while True:
            messages.put(pickle.load(incoming))
    except EOFError:
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
