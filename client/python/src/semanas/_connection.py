"""The one way in which calls of ``Client`` go out: with credentials, deadline, retries and hooks. It does not know what is asked."""

from __future__ import annotations

import math
import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import grpc

from ._endpoint import Headers, authorization, parse
from ._errors import ConfigurationError, NotFoundError
from ._follow import Follower
from ._health import HEALTH_METHOD, Health, decode_check, encode_check
from ._observe import Attempt, Observer
from ._options import Credentials, Options
from ._retry import Repeat, Tries, is_broken
from ._status import closed, error_of, no_answer
from ._transport import STATES, channel_arguments, channel_credentials
from ._updates import Update
from ._watch import Watch
from .v1.operations_service_pb2_grpc import OperationsServiceStub
from .v1.work_history_service_pb2_grpc import WorkHistoryServiceStub

# How soon somebody who waits for a connection notices that the client was closed.
_LOOK_S = 0.05

Request = TypeVar("Request")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Raw:
    """The generated stubs over the client's connection: with its credentials, deadline and user agent, and without its retries,
    typed errors, hooks and resumed watches.
    """

    work_histories: WorkHistoryServiceStub
    """``semanas.v1.WorkHistoryService``."""
    operations: OperationsServiceStub
    """``semanas.v1.OperationsService``."""
    channel: grpc.Channel
    """The channel, for other services behind the same address."""


class Connection:
    """A channel, and how calls are made over it."""

    def __init__(self, channel: grpc.Channel, credentials: Credentials, options: Options, *, is_own: bool) -> None:
        self.options = options
        self.work_histories = WorkHistoryServiceStub(channel)
        self.operations = OperationsServiceStub(channel)
        self._channel = channel
        self._is_own = is_own
        self._credentials = credentials
        self._observer = Observer(options.hooks, options.tracer)
        self._is_closed = threading.Event()
        self._watches: weakref.WeakSet[Watch[Any]] = weakref.WeakSet()
        self._process = os.getpid()
        if self._observer.wants_connection_states:
            channel.subscribe(self._tell_state)

    @classmethod
    def open(cls, endpoint: str, credentials: Credentials, options: Options) -> Connection:
        """A connection that is made with the first call."""
        where = parse(endpoint, credentials, options)
        arguments = channel_arguments(where, options)
        if where.is_secure:
            channel = grpc.secure_channel(where.target, channel_credentials(credentials, options), arguments)
        else:
            channel = grpc.insecure_channel(where.target, arguments)
        return cls(channel, credentials, options, is_own=True)

    def time_limit(self, timeout: float | None) -> float | None:
        """Seconds for a unary call: its own ``timeout``, where ``math.inf`` means none, else that of the options."""
        limit = self.options.unary_deadline if timeout is None else timeout
        return None if limit == math.inf else limit

    def call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Answer],
        path: str,
        request: Request,
        timeout: float | None,
        repeat: Repeat = Repeat.HARMLESS,
    ) -> Answer:
        """Makes a unary call, and makes it again as the policy says. The deadline spans all tries."""
        tries = Tries(self.options.retry, repeat, self.time_limit(timeout), time.monotonic())
        while True:
            headers = self._headers()
            time_left = tries.begin(time.monotonic())
            attempt = self._observer.begin(path, tries.made)
            try:
                answer = method(request, timeout=time_left, metadata=headers + attempt.metadata())
            except grpc.RpcError as cause:
                error = tries.named(error_of(cause), time.monotonic())
                delay = tries.delay(error, time.monotonic(), random.random())
                attempt.end(error.code or grpc.StatusCode.UNKNOWN, error.reason, delay)
                if delay is None:
                    raise error from cause
            except BaseException:
                attempt.end(grpc.StatusCode.CANCELLED)
                raise
            else:
                attempt.end(grpc.StatusCode.OK)
                # gRPC gives None for OK with nothing in it, which its types do not know.
                if cast("Answer | None", answer) is None:
                    raise no_answer()
                return answer
            if self._is_closed.wait(delay):
                raise closed("client")
            if is_broken(error):
                self._await_connection(tries.patience(self.options.connect_timeout, time.monotonic()))

    def watch(
        self,
        open_stream: Callable[..., Any],
        path: str,
        request: Callable[[str], Any],
        follower: Follower[Update],
        deadline: float | None = None,
    ) -> Watch[Update]:
        """Follows what ``open_stream`` opens with the request at a cursor."""

        def opened(cursor: str, number: int) -> tuple[Any, Attempt]:
            headers = self._headers()
            attempt = self._observer.begin(path, number)
            return open_stream(request(cursor), metadata=headers + attempt.metadata()), attempt

        self._check_usable()
        watch = Watch(follower, opened, deadline)
        self._watches.add(watch)
        return watch

    def health(self, timeout: float | None) -> Health:
        """Asks for the server's health, once."""
        method: Any = self._channel.unary_unary(HEALTH_METHOD)
        try:
            return decode_check(self.call(method, HEALTH_METHOD, encode_check(), timeout, Repeat.NEVER))
        except NotFoundError:
            # The protocol's word for a service that the server does not know.
            return Health.UNKNOWN

    def raw(self) -> Raw:
        """The generated stubs."""
        self._check_usable()
        channel = grpc.intercept_channel(self._channel, _RawDefaults(self._headers, self.options.unary_deadline))
        return Raw(WorkHistoryServiceStub(channel), OperationsServiceStub(channel), channel)

    def close(self) -> None:
        """Ends all calls and watches, and the connection if it is ours."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        for watch in list(self._watches):
            watch.close()
        if self._observer.wants_connection_states:
            self._channel.unsubscribe(self._tell_state)
        if self._is_own:
            self._channel.close()

    def _await_connection(self, seconds: float) -> None:
        """Waits until the connection stands, for so long at most. Without this a call would be told at once of a failure that may
        be seconds old, for gRPC says it again until a connection stands, and all tries would be used up on the same one.
        """
        is_ready = threading.Event()

        def hear(state: grpc.ChannelConnectivity) -> None:
            if state is grpc.ChannelConnectivity.READY:
                is_ready.set()

        until = time.monotonic() + seconds
        self._channel.subscribe(hear, try_to_connect=True)
        try:
            while not self._is_closed.is_set() and (left := until - time.monotonic()) > 0:
                if is_ready.wait(min(left, _LOOK_S)):
                    return
        finally:
            self._channel.unsubscribe(hear)
        if self._is_closed.is_set():
            raise closed("client")

    def _check_usable(self) -> None:
        if self._is_closed.is_set():
            raise RuntimeError("the client is closed: make another one")
        if os.getpid() != self._process:
            # gRPC's threads stay behind in the parent: a call would wait for ever.
            raise RuntimeError("the client was made before a fork: make one in each process")

    def _headers(self) -> Headers:
        self._check_usable()
        given = self._credentials.bearer_token
        token = given() if callable(given) else given
        if token is not None and not isinstance(token, str):
            raise ConfigurationError(
                "Client needs a bearer token or a function that returns one; a coroutine is for AsyncClient"
            )
        return authorization(token)

    def _tell_state(self, state: grpc.ChannelConnectivity) -> None:
        if state in STATES:
            self._observer.tell_connection_state(STATES[state])


class _RawDefaults(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Gives calls of the raw stubs what ours have."""

    def __init__(self, headers: Callable[[], Headers], unary_deadline: float | None) -> None:
        self._headers = headers
        self._unary_deadline = unary_deadline

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        details = client_call_details
        timeout = self._unary_deadline if details.timeout is None else details.timeout
        return continuation(_with(details, self._headers(), timeout), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        details = client_call_details
        return continuation(_with(details, self._headers(), details.timeout), request)


class _CallDetails(grpc.ClientCallDetails):
    """What an interceptor hands on."""

    def __init__(self, details: Any, metadata: Headers, timeout: float | None) -> None:
        self.method = details.method
        self.timeout = timeout
        self.metadata = metadata
        self.credentials = details.credentials
        self.wait_for_ready = getattr(details, "wait_for_ready", None)
        self.compression = getattr(details, "compression", None)


def _with(details: Any, headers: Headers, timeout: float | None) -> _CallDetails:
    return _CallDetails(details, (*(details.metadata or ()), *headers), timeout)
