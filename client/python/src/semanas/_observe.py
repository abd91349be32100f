"""What others are told of each try: the user's hooks, and OpenTelemetry. It changes nothing about the call but its metadata."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import grpc

from ._endpoint import Headers
from ._options import CallAttempt, ConnectionState, Hooks

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_LOG = logging.getLogger("semanas")


class Observer:
    """Tells of tries and of the connection."""

    def __init__(self, hooks: Hooks, tracer: Tracer | None) -> None:
        self._hooks = hooks
        self._tracer = tracer

    def begin(self, path: str, number: int) -> Attempt:
        """A try of the RPC at ``path`` begins."""
        return Attempt(self, path, number, _start_span(self._tracer, path) if self._tracer else None)

    def tell_attempt(self, attempt: CallAttempt) -> None:
        """Calls the hook, whose failure is not the call's."""
        if self._hooks.on_attempt is None:
            return
        try:
            self._hooks.on_attempt(attempt)
        except Exception:
            _LOG.exception("the hook on_attempt failed")

    def tell_connection_state(self, state: ConnectionState) -> None:
        """Calls the hook, whose failure is not the connection's."""
        if self._hooks.on_connection_state is None:
            return
        try:
            self._hooks.on_connection_state(state)
        except Exception:
            _LOG.exception("the hook on_connection_state failed")

    @property
    def wants_connection_states(self) -> bool:
        """Whether anybody would listen."""
        return self._hooks.on_connection_state is not None


class Attempt:
    """A try that is under way."""

    def __init__(self, observer: Observer, path: str, number: int, span: Span | None) -> None:
        self._observer = observer
        self._method = path.rpartition("/")[2]
        self._number = number
        self._span = span
        self._has_ended = False

    def metadata(self) -> Headers:
        """The headers that tell the server of the trace."""
        if self._span is None:
            return ()
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        # Not the propagator that is configured for all: baggage could carry personal data to places that should not have it.
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, set_span_in_context(self._span))
        return tuple(carrier.items())

    def end(self, code: grpc.StatusCode, reason: str = "", delay: float | None = None) -> None:
        """The try has ended; only the first word counts."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._span is not None:
            _end_span(self._span, code)
        self._observer.tell_attempt(CallAttempt(self._method, self._number, code, reason, delay))


def _start_span(tracer: Tracer, path: str) -> Span:
    from opentelemetry.trace import SpanKind

    service, _, method = path.removeprefix("/").rpartition("/")
    attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}
    return tracer.start_span(f"{service}/{method}", kind=SpanKind.CLIENT, attributes=attributes)


def _end_span(span: Span, code: grpc.StatusCode) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("rpc.grpc.status_code", code.value[0])
    if code not in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED):
        span.set_status(Status(StatusCode.ERROR, code.name))
    span.end()
