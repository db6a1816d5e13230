"""A running search: it asks, tells, records, writes its journal, and goes on where an earlier start ended."""

from collections import deque
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from taskaware.errors import UserError
from taskaware.strategies.journal import SearchJournal, damaged
from taskaware.strategies.journal_lines import outcomes_in
from taskaware.strategies.objective import Outcomes, settled
from taskaware.strategies.record import Record
from taskaware.strategies.strategy import Asked, Feedback, HostSearch, Info, Strategy, UnderWay


class Keyed:
    """A strategy of pure functions as a `HostSearch`: it holds the state, and gives each ask a key."""

    def __init__(self, strategy: Strategy, key: jax.Array):
        start_key, self._loop_key = jax.random.split(key)
        self._state, self._asks = strategy.init(start_key), 0
        self._ask: Callable = jax.jit(strategy.ask) if strategy.traceable else strategy.ask
        self._tell: Callable = jax.jit(strategy.tell) if strategy.traceable else strategy.tell

    def ask(self) -> Asked:
        """See `HostSearch.ask`."""
        key = jax.random.fold_in(self._loop_key, self._asks)
        self._state, points = self._ask(key, self._state)
        self._asks += 1
        return Asked(np.asarray(points, np.float32))

    def tell(self, told: UnderWay, outcomes: Outcomes) -> Info:
        """See `HostSearch.tell`."""
        numbers = told.first + jnp.arange(len(told.points), dtype=jnp.int32)
        feedback = Feedback(outcomes.score, outcomes.gradient, numbers)
        self._state, info = self._tell(self._state, told.points, feedback)
        return {name: np.asarray(column) for name, column in info.items()}


class Session:
    """One search under way. `next` and `tell` may come in any order; many evaluations may be under way.

    Args:
        search: the strategy.
        record: of the evaluations; it knows when the search ends.
        journal: receives every ask and every tell; what it holds is replayed first.
        on_told: called with the number of evaluations after each tell.
    """

    def __init__(
        self,
        search: HostSearch,
        record: Record,
        journal: SearchJournal | None = None,
        on_told: Callable[[int], object] = lambda count: None,
    ):
        self.record, self._search, self._journal, self._on_told = record, search, journal, on_told
        self._asked, self._again = 0, deque[UnderWay]()
        if journal is not None and journal.events:
            self._replay(journal)

    def next(self) -> UnderWay | None:
        """The next points to evaluate; None where the search ends or has asked for all of its budget."""
        if self.record.reason:
            return None
        if self._again:
            return self._again.popleft()
        room = self.record.goal.budget - self._asked
        if room <= 0:
            return None
        asked = self._ask(room)
        if asked is not None and self._journal is not None:
            self._journal.asked(asked)
        return asked

    def tell(self, asked: UnderWay, outcomes: Outcomes, seconds: float) -> None:
        """Take the results of points.

        Args:
            asked: the points.
            outcomes: as the objective returned them.
            seconds: run time of all of them, for objectives that tell none.
        """
        count = len(asked.points)
        outcomes = settled(outcomes, count)
        if type(outcomes.score) is not np.ndarray:
            outcomes = outcomes._replace(score=np.asarray(outcomes.score, float))
        # As the journal has it, so that the history of a search that goes on is the same.
        each = round(seconds / count, 6)
        if self._journal is not None:
            self._journal.told(asked.first, outcomes, each, self.record.seconds)
        info = self._take(asked, outcomes, each)
        if self._journal is not None:
            self._journal.informed(asked.first, info)
        self._on_told(count)

    def _ask(self, room: int) -> UnderWay | None:
        points, parents = self._search.ask()
        if len(points) > room:
            points, parents = points[:room], parents[:room]
        if not len(points):
            return None
        first, self._asked = self._asked, self._asked + len(points)
        return UnderWay(first, points, parents)

    def _take(self, asked: UnderWay, outcomes: Outcomes, each: float) -> Info:
        info = self._search.tell(asked, outcomes)
        if asked.parents:
            info = {"parent": asked.parents, **info} if info else {"parent": asked.parents}
        self.record.add(asked.first, asked.points, outcomes, info, each)
        return info

    def _replay(self, journal: SearchJournal) -> None:
        """Ask and tell as before; what was under way is evaluated again."""
        waiting: dict[int, UnderWay] = {}
        unwritten: tuple[int, Info] | None = None
        for number, line in enumerate(journal.events, 2):
            try:
                if "ask" in line:
                    asked = self._ask_again(line)
                    if asked is None:
                        raise _of_another(journal, line["ask"])
                    waiting[asked.first] = asked
                elif "info" in line:
                    unwritten = None
                else:
                    asked = waiting.pop(line["tell"])
                    self.record.earlier = float(line["at"])
                    info = self._take(asked, outcomes_in(line, len(asked.points)), 0.0)
                    unwritten = (asked.first, info)
                    self._on_told(len(asked.points))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                if isinstance(error, UserError):
                    raise
                raise damaged(journal.path, number) from error
        if unwritten is not None:
            journal.informed(*unwritten)
        self._again.extend(waiting.values())

    def _ask_again(self, line: dict[str, Any]) -> UnderWay | None:
        """The points of a line, if the strategy asks for them; None if it asks for others."""
        points = np.asarray(line["points"], np.float32)
        if points.ndim != 2 or not len(points):
            raise ValueError(points.shape)
        asked = self._ask(len(points))
        if asked is None or asked.first != line["ask"] or asked.points.shape != points.shape:
            return None
        # Another machine may round in another way.
        same = np.allclose(asked.points, points, rtol=1e-4, atol=1e-5)
        return asked._replace(points=points) if same else None


def _of_another(journal: SearchJournal, evaluation: object) -> UserError:
    return UserError(
        f"The journal '{journal.path}' belongs to another search or version: its evaluation {evaluation} is "
        "of another point than this search asks for. Name a new file, or take the settings back."
    )
