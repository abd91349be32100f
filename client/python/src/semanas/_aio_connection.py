"""The one way in which calls of ``AsyncClient`` go out: with credentials, deadline, retries and hooks. It does not know what is
asked.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import random
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import grpc
import grpc.aio

from ._aio_watch import AsyncWatch, is_task_cancelled, passed_or_set
from ._endpoint import Headers, authorization, parse
from ._errors import NotFoundError
from ._follow import Follower
from ._health import HEALTH_METHOD, Health, decode_check, encode_check
from ._observe import Attempt, Observer
from ._options import Credentials, Options
from ._retry import Repeat, Tries, is_broken
from ._status import closed, error_of, no_answer
from ._transport import STATES, channel_arguments, channel_credentials
from ._updates import Update
from .v1.operations_service_pb2_grpc import OperationsServiceStub
from .v1.work_history_service_pb2_grpc import WorkHistoryServiceStub

if TYPE_CHECKING:
    # They exist for type checkers only: at run time both kinds of channel have the same stubs.
    from .v1.operations_service_pb2_grpc import OperationsServiceAsyncStub
    from .v1.work_history_service_pb2_grpc import WorkHistoryServiceAsyncStub

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class AsyncRaw:
    """The generated stubs over the client's connection: with its credentials, deadline and user agent, and without its retries,
    typed errors, hooks and resumed watches.

    Where the bearer token comes from a coroutine function, a call is a plain coroutine or async iterator and not a
    ``grpc.aio.Call``.
    """

    work_histories: WorkHistoryServiceAsyncStub
    """``semanas.v1.WorkHistoryService``."""
    operations: OperationsServiceAsyncStub
    """``semanas.v1.OperationsService``."""
    channel: grpc.aio.Channel
    """The channel as it is, without credentials and deadline, for other services behind the same address."""


class AsyncConnection:
    """A channel, and how calls are made over it. The channel is made in the loop of the first call."""

    def __init__(
        self, make_channel: Callable[[], grpc.aio.Channel], credentials: Credentials, options: Options, *, is_own: bool
    ) -> None:
        self.options = options
        self._make_channel = make_channel
        self._is_own = is_own
        self._credentials = credentials
        self._observer = Observer(options.hooks, options.tracer)
        self._is_closed = False
        self._closing = asyncio.Event()
        self._watches: weakref.WeakSet[AsyncWatch[Any]] = weakref.WeakSet()
        self._process = os.getpid()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._channel: grpc.aio.Channel | None = None
        self._state_task: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, endpoint: str, credentials: Credentials, options: Options) -> AsyncConnection:
        """A connection that is made with the first call."""
        where = parse(endpoint, credentials, options)
        arguments = channel_arguments(where, options)
        secrets = channel_credentials(credentials, options) if where.is_secure else None

        def make_channel() -> grpc.aio.Channel:
            if secrets is None:
                return grpc.aio.insecure_channel(where.target, arguments)
            return grpc.aio.secure_channel(where.target, secrets, arguments)

        return cls(make_channel, credentials, options, is_own=True)

    @property
    def work_histories(self) -> WorkHistoryServiceAsyncStub:
        """The stubs of WorkHistoryService."""
        return WorkHistoryServiceStub(self.channel())

    @property
    def operations(self) -> OperationsServiceAsyncStub:
        """The stubs of OperationsService."""
        return OperationsServiceStub(self.channel())

    def channel(self) -> grpc.aio.Channel:
        """The channel, in the loop that it belongs to."""
        self._check_usable()
        loop = asyncio.get_running_loop()
        if self._channel is None:
            self._loop, self._channel = loop, self._make_channel()
            if self._observer.wants_connection_states:
                self._state_task = loop.create_task(self._tell_states(self._channel))
        if self._loop is not loop:
            raise RuntimeError("the client is used in another event loop than before: make one in each")
        return self._channel

    def time_limit(self, timeout: float | None) -> float | None:
        """Seconds for a unary call: its own ``timeout``, where ``math.inf`` means none, else that of the options."""
        limit = self.options.unary_deadline if timeout is None else timeout
        return None if limit == math.inf else limit

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
        path: str,
        request: Request,
        timeout: float | None,
        repeat: Repeat = Repeat.HARMLESS,
    ) -> Answer:
        """Makes a unary call, and makes it again as the policy says. The deadline spans all tries."""
        tries = Tries(self.options.retry, repeat, self.time_limit(timeout), time.monotonic())
        while True:
            headers = await self._headers()
            time_left = tries.begin(time.monotonic())
            attempt = self._observer.begin(path, tries.made)
            try:
                answer = await method(request, timeout=time_left, metadata=headers + attempt.metadata())
            except grpc.aio.AioRpcError as cause:
                error = tries.named(error_of(cause), time.monotonic())
                delay = tries.delay(error, time.monotonic(), random.random())
                attempt.end(error.code or grpc.StatusCode.UNKNOWN, error.reason, delay)
                if delay is None:
                    raise error from cause
            except BaseException:
                attempt.end(grpc.StatusCode.CANCELLED)
                if self._is_closed and not is_task_cancelled():
                    raise closed("client") from None
                raise
            else:
                attempt.end(grpc.StatusCode.OK)
                # gRPC gives None for OK with nothing in it, which its types do not know.
                if cast("Answer | None", answer) is None:
                    raise no_answer()
                return answer
            if await passed_or_set(delay, self._closing):
                raise closed("client")
            if is_broken(error):
                await self._await_connection(tries.patience(self.options.connect_timeout, time.monotonic()))

    def watch(
        self,
        open_stream: Callable[[], Callable[..., Any]],
        path: str,
        request: Callable[[str], Any],
        follower: Follower[Update],
        deadline: float | None = None,
    ) -> AsyncWatch[Update]:
        """Follows what ``open_stream`` opens with the request at a cursor."""

        async def opened(cursor: str, number: int) -> tuple[Any, Attempt]:
            headers = await self._headers()
            method = open_stream()
            attempt = self._observer.begin(path, number)
            return method(request(cursor), metadata=headers + attempt.metadata()), attempt

        self._check_usable()
        watch = AsyncWatch(follower, opened, deadline)
        self._watches.add(watch)
        return watch

    async def health(self, timeout: float | None) -> Health:
        """Asks for the server's health, once."""
        method: Any = self.channel().unary_unary(HEALTH_METHOD)
        try:
            return decode_check(await self.call(method, HEALTH_METHOD, encode_check(), timeout, Repeat.NEVER))
        except NotFoundError:
            # The protocol's word for a service that the server does not know.
            return Health.UNKNOWN

    def raw(self) -> AsyncRaw:
        """The generated stubs."""
        given = _RawChannel(self.channel(), self._credentials, self._check_usable, self.options.unary_deadline)
        channel = cast("grpc.aio.Channel", given)
        return AsyncRaw(WorkHistoryServiceStub(channel), OperationsServiceStub(channel), self.channel())

    async def close(self) -> None:
        """Ends all calls and watches, and the connection if it is ours."""
        if self._is_closed:
            return
        self._is_closed = True
        self._closing.set()
        for watch in list(self._watches):
            await watch.aclose()
        if self._state_task is not None:
            self._state_task.cancel()
        if self._channel is not None and self._is_own:
            await self._channel.close()

    async def _await_connection(self, seconds: float) -> None:
        """Waits until the connection stands, for so long at most. Without this a call would be told at once of a failure that may
        be seconds old, for gRPC says it again until a connection stands, and all tries would be used up on the same one.
        """
        either = [asyncio.ensure_future(self.channel().channel_ready()), asyncio.ensure_future(self._closing.wait())]
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in either:
                one.cancel()
            # What they ended with is nobody's concern.
            await asyncio.gather(*either, return_exceptions=True)
        if self._is_closed:
            raise closed("client")

    def _check_usable(self) -> None:
        if self._is_closed:
            raise RuntimeError("the client is closed: make another one")
        if os.getpid() != self._process:
            # gRPC's threads stay behind in the parent: a call would wait for ever.
            raise RuntimeError("the client was made before a fork: make one in each process")

    async def _headers(self) -> Headers:
        self._check_usable()
        token = self._credentials.bearer_token
        given = token() if callable(token) else token
        return authorization(await given if inspect.isawaitable(given) else given)

    async def _tell_states(self, channel: grpc.aio.Channel) -> None:
        state = channel.get_state()
        while state is not grpc.ChannelConnectivity.SHUTDOWN:
            if state in STATES:
                self._observer.tell_connection_state(STATES[state])
            await channel.wait_for_state_change(state)
            state = channel.get_state()


class _RawChannel:
    """What the generated stubs need of a channel. Gives their calls what ours have: a channel of grpc.aio takes interceptors only
    when it is made, and ours must not pass through them.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        credentials: Credentials,
        check: Callable[[], None],
        unary_deadline: float | None,
    ) -> None:
        self._channel = channel
        self._token = credentials.bearer_token
        self._check = check
        self._unary_deadline = unary_deadline

    def unary_unary(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        method: Any = self._channel.unary_unary(*arguments, **named)

        def call(request: Any, *, timeout: float | None = None, metadata: Any = None, **more: Any) -> Any:
            limit = self._unary_deadline if timeout is None else timeout
            token = self._fetch()
            if inspect.isawaitable(token):
                return later(token, request, limit, metadata, more)
            return method(request, timeout=limit, metadata=(*(metadata or ()), *authorization(token)), **more)

        async def later(token: Any, request: Any, limit: float | None, metadata: Any, more: dict[str, Any]) -> Any:
            headers = authorization(await token)
            return await method(request, timeout=limit, metadata=(*(metadata or ()), *headers), **more)

        return call

    def unary_stream(self, *arguments: Any, **named: Any) -> Callable[..., Any]:
        method: Any = self._channel.unary_stream(*arguments, **named)

        def call(request: Any, *, metadata: Any = None, **more: Any) -> Any:
            token = self._fetch()
            if inspect.isawaitable(token):
                return later(token, request, metadata, more)
            return method(request, metadata=(*(metadata or ()), *authorization(token)), **more)

        async def later(token: Any, request: Any, metadata: Any, more: dict[str, Any]) -> Any:
            headers = authorization(await token)
            stream = method(request, metadata=(*(metadata or ()), *headers), **more)
            try:
                async for message in stream:
                    yield message
            finally:
                stream.cancel()

        return call

    def _fetch(self) -> Any:
        self._check()
        return self._token() if callable(self._token) else self._token
