"""A watch read in an asyncio loop. What its messages mean is decided in ``_follow``; here is read, waited and let go."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic

import grpc
import grpc.aio

from ._errors import SemanasError
from ._follow import Follower
from ._observe import Attempt
from ._status import closed, error_of, too_late
from ._updates import Update

if TYPE_CHECKING:
    from typing_extensions import Self


class AsyncWatch(AsyncIterator[Update], Generic[Update]):
    """The updates of a watch, one after the other: ``async for update in watch``.

    It goes on over broken connections by itself and ends after the last update, or with the error that resuming could not mend.
    Leaving the loop ends the RPC at once when nothing else holds the watch; ``aclose()`` or ``async with`` ends it whoever does,
    and so does cancelling the task that reads.
    """

    def __init__(
        self,
        follower: Follower[Update],
        open_stream: Callable[[str, int], Awaitable[tuple[Any, Attempt]]],
        deadline: float | None = None,
    ) -> None:
        self._follower = follower
        self._open_stream = open_stream
        self._deadline = deadline
        self._call: Any = None
        self._attempt: Attempt | None = None
        self._is_closed = False
        self._closing = asyncio.Event()

    @property
    def cursor(self) -> str:
        """Position after the last message, heartbeats too: give it to a later watch to go on from here. Empty = from the beginning."""
        return self._follower.cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Update:
        try:
            while not (self._follower.is_over or self._is_closed):
                update = await self._step()
                if update is not None:
                    return update
        except BaseException:
            self._close()
            raise
        self._close()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends the watch and its RPC at once. A task that waits in it gets ``CancelledError`` of this package."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __del__(self) -> None:
        if not hasattr(self, "_closing"):
            return
        try:
            self._close()
        except RuntimeError:
            # The loop has gone, and the call with it.
            return

    def _close(self) -> None:
        self._is_closed = True
        self._closing.set()
        self._release(grpc.StatusCode.CANCELLED)

    def _release(self, code: grpc.StatusCode, reason: str = "", delay: float | None = None) -> None:
        call, self._call = self._call, None
        attempt, self._attempt = self._attempt, None
        if call is not None:
            call.cancel()
        if attempt is not None:
            attempt.end(code, reason, delay)

    async def _step(self) -> Update | None:
        """Opens the stream if there is none and takes one message; after a break waits until it may be opened again."""
        try:
            message = await self._read()
            update = self._follower.take(message)
        except SemanasError as error:
            await self._recover(error)
            return None
        if self._follower.is_over:
            self._release(grpc.StatusCode.OK)
        return update

    async def _read(self) -> Any:
        if self._call is None:
            self._follower.streams += 1
            self._call, self._attempt = await self._open_stream(self._follower.cursor, self._follower.streams)
            if self._is_closed:
                raise closed("watch")
        patience = self._follower.patience
        if self._deadline is not None:
            patience = min(patience, max(0.0, self._deadline - time.monotonic()))
        try:
            # Running out of time cancels the read, and with it the call.
            message = await asyncio.wait_for(self._call.read(), patience)
        except asyncio.TimeoutError:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise too_late("the time limit passed before the job ended") from None
            raise self._follower.silent() from None
        except grpc.aio.AioRpcError as cause:
            raise error_of(cause) from cause
        except asyncio.CancelledError:
            # Either the task is cancelled, or somebody closed the watch, which grpc tells its reader in the same way.
            if self._is_closed and not is_task_cancelled():
                raise closed("watch") from None
            raise
        if message is grpc.aio.EOF:
            raise self._follower.ended()
        return message

    async def _recover(self, error: SemanasError) -> None:
        is_ours = self._is_closed or (self._deadline is not None and time.monotonic() >= self._deadline)
        delay = None if is_ours else self._follower.delay_after(error, random.random())
        self._release(error.code or grpc.StatusCode.UNKNOWN, error.reason, delay)
        if delay is None:
            raise error
        if self._deadline is not None and time.monotonic() + delay >= self._deadline:
            await passed_or_set(max(0.0, self._deadline - time.monotonic()), self._closing)
            raise too_late("the time limit passed before the job ended") from error
        if await passed_or_set(delay, self._closing):
            raise closed("watch")


async def passed_or_set(seconds: float, event: asyncio.Event) -> bool:
    """Waits; gives True at once when the event is set meanwhile."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return False
    return True


def is_task_cancelled() -> bool:
    """Whether somebody cancels the task that runs. Python 3.10 cannot tell: there a watch that was closed counts as the cause."""
    cancelling = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is not None and cancelling() > 0
