"""The state machine of a watch: what is for the reader, what breaks the stream, and when it is resumed. Pure: the clients read
streams and wait, here is decided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic

from ._errors import SemanasError
from ._options import WatchOptions
from ._retry import resume_delay
from ._status import broken
from ._updates import Frame, Meaning, Place, Update

# The contract: three missed heartbeats mean a dead connection.
_HEARTBEATS_MISSED_MAX = 3


class Follower(Generic[Update]):
    """Where a watch stands."""

    def __init__(self, read: Callable[[Any, Place], Frame[Update]], cursor: str | None, options: WatchOptions) -> None:
        self._read = read
        self._options = options
        self._place = Place(cursor or "", options.heartbeat_interval)
        self._failures = 0
        self.streams = 0
        """Streams that were opened."""
        self.is_over = False
        """Whether the last update was given, or resuming was of no use."""

    @property
    def cursor(self) -> str:
        """Position after the last message; empty = from the beginning."""
        return self._place.cursor

    @property
    def patience(self) -> float:
        """Seconds of silence, also while opening, that mean a dead connection."""
        return self._place.heartbeat_interval * _HEARTBEATS_MISSED_MAX

    def take(self, message: Any) -> Update | None:
        """The update that a message holds for the reader, if any; raises when the stream is to be left."""
        frame = self._read(message, self._place)
        if frame.meaning is Meaning.GAP:
            raise broken("the stream left out an event")
        if frame.meaning is Meaning.DRAINING:
            raise broken("the server is draining", frame.resume_delay)
        if frame.meaning in (Meaning.PROGRESS, Meaning.HEARTBEAT):
            self._failures = 0
        if frame.meaning is Meaning.LAST:
            self.is_over = True
        if frame.meaning is Meaning.STALE and not self._options.reports_stale:
            return None
        return frame.update

    def ended(self) -> SemanasError:
        """What it means that the stream ended with OK."""
        return broken("the stream ended without a terminal message")

    def silent(self) -> SemanasError:
        """What it means that nothing came for as long as ``patience``."""
        return broken("the stream was silent for three heartbeats")

    def delay_after(self, error: SemanasError, jitter: float) -> float | None:
        """Seconds until the stream is opened again; ``None`` when the error is the watch's end."""
        self._failures += 1
        delay = resume_delay(self._options.resume, error, self._failures, jitter)
        self.is_over = delay is None
        return delay
