"""A watch read by a thread that blocks. What its messages mean is decided in ``_follow``; here is read, waited and let go."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

import grpc

from ._errors import SemanasError
from ._follow import Follower
from ._observe import Attempt
from ._status import closed, error_of, too_late
from ._updates import Update

if TYPE_CHECKING:
    from typing_extensions import Self


class Watch(Iterator[Update], Generic[Update]):
    """The updates of a watch, one after the other: ``for update in watch``.

    It goes on over broken connections by itself and ends after the last update, or with the error that resuming could not mend.
    Leaving the loop ends the RPC at once when nothing else holds the watch; ``close()`` or ``with`` ends it whoever does. One
    thread may iterate; any thread may close.
    """

    def __init__(
        self,
        follower: Follower[Update],
        open_stream: Callable[[str, int], tuple[Any, Attempt]],
        deadline: float | None = None,
    ) -> None:
        self._follower = follower
        self._open_stream = open_stream
        self._deadline = deadline
        self._stream: _Stream | None = None
        self._is_closed = threading.Event()

    @property
    def cursor(self) -> str:
        """Position after the last message, heartbeats too: give it to a later watch to go on from here. Empty = from the beginning."""
        return self._follower.cursor

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Update:
        try:
            while not (self._follower.is_over or self._is_closed.is_set()):
                update = self._step()
                if update is not None:
                    return update
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Ends the watch and its RPC at once. A thread that waits in it gets ``CancelledError``."""
        self._is_closed.set()
        stream = self._stream
        if stream is not None:
            stream.release(grpc.StatusCode.CANCELLED)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_stream"):
            self.close()

    def _step(self) -> Update | None:
        """Opens the stream if there is none and takes one message; after a break waits until it may be opened again."""
        try:
            message = self._read()
            update = None if message is None else self._follower.take(message)
        except SemanasError as error:
            self._recover(error)
            return None
        if self._follower.is_over and self._stream is not None:
            self._stream.release(grpc.StatusCode.OK)
        return update

    def _read(self) -> Any:
        if self._stream is None:
            self._follower.streams += 1
            self._stream = _Stream(*self._open_stream(self._follower.cursor, self._follower.streams))
            if self._is_closed.is_set():
                raise closed("watch")
        wake_at = time.monotonic() + self._follower.patience
        if self._deadline is not None:
            wake_at = min(wake_at, self._deadline)
        try:
            return self._stream.read(wake_at)
        except StopIteration:
            raise self._follower.ended() from None
        except grpc.RpcError as cause:
            if self._is_closed.is_set():
                raise closed("watch") from None
            if not self._stream.was_silent:
                raise error_of(cause) from cause
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise too_late("the time limit passed before the job ended")
        raise self._follower.silent()

    def _recover(self, error: SemanasError) -> None:
        stream, self._stream = self._stream, None
        is_ours = self._is_closed.is_set() or (self._deadline is not None and time.monotonic() >= self._deadline)
        delay = None if is_ours else self._follower.delay_after(error, random.random())
        if stream is not None:
            stream.release(error.code or grpc.StatusCode.UNKNOWN, error.reason, delay)
        if delay is None:
            raise error
        if self._deadline is not None and time.monotonic() + delay >= self._deadline:
            self._is_closed.wait(max(0.0, self._deadline - time.monotonic()))
            raise too_late("the time limit passed before the job ended") from error
        if self._is_closed.wait(delay):
            raise closed("watch")


class _Stream:
    """One stream of a watch, and the alarm that cancels it when nothing comes.

    gRPC's blocking iterator knows no time limit. So the alarm is a thread that sleeps until the reader has waited too long. It
    lives as long as the stream and knows nothing of the watch, so that a watch that nobody holds any more is let go.
    """

    def __init__(self, call: Any, attempt: Attempt) -> None:
        self._call = call
        self._attempt = attempt
        self._condition = threading.Condition()
        self._is_reading = False
        self._wake_at = math.inf
        self._sleeps_until = math.inf
        self._is_released = False
        self.was_silent = False
        """Whether the alarm cancelled it."""
        threading.Thread(target=self._watch_over, name="semanas-watchdog", daemon=True).start()

    def read(self, wake_at: float) -> Any:
        """The next message; cancels the stream at ``wake_at``."""
        with self._condition:
            self._is_reading = True
            self._wake_at = wake_at
            # A later time is seen when the alarm wakes at the earlier one: most messages need not wake it.
            if wake_at < self._sleeps_until:
                self._condition.notify()
        try:
            return next(self._call)
        finally:
            self._is_reading = False

    def release(self, code: grpc.StatusCode, reason: str = "", delay: float | None = None) -> None:
        """Cancels the call, if it has not ended, and lets the alarm go."""
        with self._condition:
            self._is_released = True
            self._condition.notify()
        self._call.cancel()
        self._attempt.end(code, reason, delay)

    def _watch_over(self) -> None:
        with self._condition:
            while not self._is_released:
                self._sleeps_until = self._wake_at if self._is_reading else math.inf
                left = self._sleeps_until - time.monotonic()
                if left <= 0:
                    self.was_silent = True
                    break
                self._condition.wait(None if left == math.inf else min(left, threading.TIMEOUT_MAX))
        if self.was_silent:
            self._call.cancel()
