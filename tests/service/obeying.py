"""What a worker does in the tests of jobs; without the library, so that it starts at once."""

import os
import signal
import time

from taskaware.service.places import Places
from taskaware.service.records import DONE, Records


def obey(resource, order):
    """What a worker does here: as the name of the job says."""
    records = Records(order.folder)
    job = records.get("jobs", order.job)
    verb = job["about"]["name"]
    if verb == "die" or (verb == "die once" and job["attempts"] == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if verb == "sleep" or (verb == "sleep once" and job["attempts"] == 1):
        records.tell(order.job, {"event": "phase", "phase": "asleep"})
        time.sleep(600)
    if verb == "name the store":
        records.tell(order.job, {"event": "phase", "phase": order.refining.store})
    if verb == "raise":
        raise ZeroDivisionError("of the job")
    if verb == "memory":
        raise MemoryError
    place = Places(order.folder).model(job["model"])
    place.mkdir(exist_ok=True)
    of = {name: job[name] for name in ("owner", "dataset", "recommendation")}
    records.end(order.job, DONE, model={"id": job["model"], "bytes": 0, "about": {}, **of})
