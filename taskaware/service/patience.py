"""Connections whose requests never come: the server's own protocol waits for a head for ever."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def patient_for(seconds: float) -> type[asyncio.Protocol]:
    """A protocol of uvicorn that closes a connection whose next head is not complete in so many seconds."""

    class Patient(H11Protocol):
        """One connection."""

        def connection_made(self, transport: Any) -> None:
            """It begins, and its first head may take so long."""
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            """Something came; if it is no more than a part of a next head, the rest may take so long."""
            before = self.cycle
            super().data_received(data)
            if before is not None and self.cycle is before and before.response_complete:
                self._wait()

        def _wait(self) -> None:
            self.loop.call_later(seconds, self._late, self.cycle)

        def _late(self, cycle: Any) -> None:
            """Close, if no request has begun since."""
            if self.cycle is cycle and (cycle is None or cycle.response_complete):
                self.transport.close()

    return Patient
