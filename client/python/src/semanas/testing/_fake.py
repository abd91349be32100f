"""A server in this process that answers what it is told. It knows the contract's messages and nothing of work histories."""

from __future__ import annotations

import enum
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from .. import v1
from .._errors import ERROR_DOMAIN
from .._health import Health
from ..v1 import operations_service_pb2, work_history_service_pb2
from ._story import Story

if TYPE_CHECKING:
    from typing_extensions import Self

# Streams that are silent hold a thread each.
_CALLS_AT_A_TIME = 32
_OPTIONS = [
    ("grpc.so_reuseport", 0),
    # A client may ping a quiet connection every few seconds.
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
]
_HEALTH_STATUS = {Health.UNKNOWN: b"\x08\x00", Health.SERVING: b"\x08\x01", Health.NOT_SERVING: b"\x08\x02"}
_METHODS = {
    method.name: method
    for file in (work_history_service_pb2, operations_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


class _Silence(enum.Enum):
    SILENCE = "SILENCE"


SILENCE: Final = _Silence.SILENCE
"""As an answer or in a stream: say nothing more until the client leaves."""


@dataclass(frozen=True)
class Failure:
    """A status instead of an answer, or at the end of a stream."""

    code: grpc.StatusCode
    """The gRPC code."""
    reason: str = ""
    """Reason of the `ErrorInfo`; empty = there is none, as from a proxy."""
    message: str = "told to fail"
    """The status message."""
    domain: str = ERROR_DOMAIN
    """Domain of the `ErrorInfo`."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Metadata of the `ErrorInfo`."""
    retry_delay: float | None = None
    """Seconds of the `RetryInfo`; `None` = there is none."""
    violations: Mapping[str, str] = field(default_factory=dict)
    """What is wrong, by the path of the field, for the `BadRequest`."""
    details: bytes | None = None
    """The bytes of `grpc-status-details-bin`, instead of all of these."""


@dataclass(frozen=True)
class Call:
    """A call that the fake has seen."""

    method: str
    """Name of the RPC, for example `SubmitWorkHistory`."""
    request: Any
    """The request's message."""
    metadata: Mapping[str, str]
    """The headers, without the binary ones."""
    time_left: float | None
    """Seconds that the client gave it; `None` = no deadline."""


Step: TypeAlias = Message | Failure | _Silence
Answer: TypeAlias = Step | Sequence[Step] | Callable[[Any], Step | Iterable[Step]]
"""What a call is answered: a message, a `Failure`, `SILENCE`; for a watch a list of these; or a function of the request."""


class FakeServer:
    """A server on a free port of this machine, for a `with` block.

    By itself it tells a story: everybody has an NSS, every Submit starts a new job, every watch of one sees it SUCCEED with one made-up
    employment, and nothing is charged.
    """

    def __init__(self, *, credentials: grpc.ServerCredentials | None = None, address: str = "127.0.0.1:0") -> None:
        """Starts nothing yet. With `credentials` it serves TLS."""
        self.endpoint = ""
        """Where it serves, once it has started."""
        self.health = Health.SERVING
        """What it says of its health."""
        self.calls: list[Call] = []
        """The calls that it has seen, in order."""
        self.under_way = 0
        """How many calls are being answered just now: a watch that its reader has left is not."""
        self._credentials = credentials
        self._address = address
        self._script: dict[str, deque[Answer]] = {}
        self._lock = threading.Lock()
        self._story = Story()
        self._server: grpc.Server | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._tell_story()

    def answer(self, method: str, *answers: Answer) -> None:
        """Says what the next calls of a method are answered, one each; the last answer stays."""
        if method not in _METHODS:
            raise ValueError(f"there is no method {method!r}; there are: {', '.join(_METHODS)}")
        if not answers:
            raise ValueError("an answer is missing")
        with self._lock:
            self._script[method] = deque(answers)

    def calls_of(self, method: str) -> list[Call]:
        """The calls of one method that it has seen."""
        return [call for call in self.calls if call.method == method]

    def start(self) -> Self:
        """Starts to serve."""
        self._threads = ThreadPoolExecutor(_CALLS_AT_A_TIME, thread_name_prefix="semanas-fake")
        self._server = grpc.server(self._threads, handlers=[_Handler(self)], options=_OPTIONS)
        if self._credentials is None:
            port = self._server.add_insecure_port(self._address)
        else:
            port = self._server.add_secure_port(self._address, self._credentials)
        self._server.start()
        self.endpoint = f"{'http' if self._credentials is None else 'https'}://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """Breaks off what is under way, and stops."""
        server, self._server = self._server, None
        if server is not None and self._threads is not None:
            server.stop(None).wait()
            self._threads.shutdown()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _begin(self, call: Call, context: grpc.ServicerContext) -> None:
        with self._lock:
            self.calls.append(call)
            self.under_way += 1
        if not context.add_callback(self._end):
            self._end()

    def _end(self) -> None:
        with self._lock:
            self.under_way -= 1

    def _next(self, call: Call, context: grpc.ServicerContext) -> Answer:
        self._begin(call, context)
        with self._lock:
            script = self._script.get(call.method)
            if script is None:
                return Failure(
                    grpc.StatusCode.UNIMPLEMENTED, message=f"the fake was not told what {call.method} answers"
                )
            return script.popleft() if len(script) > 1 else script[0]

    def _tell_story(self) -> None:
        told, not_found = self._story, grpc.StatusCode.NOT_FOUND

        def lookup(request: v1.LookupNssRequest) -> Step:
            words = "the CURP must have 18 characters"
            wrong = Failure(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CURP", words, violations={"curp": words})
            return told.lookup(request) or wrong

        def get(request: v1.GetWorkHistoryRequest) -> Step:
            job = told.find(request.job_id)
            return v1.GetWorkHistoryResponse(job=job) if job else Failure(not_found, "JOB_NOT_FOUND", "no such job")

        def cancel(request: v1.CancelWorkHistoryRequest) -> Step:
            job = told.find(request.job_id)
            return v1.CancelWorkHistoryResponse(job=job) if job else Failure(not_found, "JOB_NOT_FOUND", "no such job")

        def feed(request: v1.WatchWorkHistoriesRequest) -> Iterator[Step]:
            yield from told.feed(request)
            yield SILENCE

        self.answer("LookupNss", lookup)
        self.answer("SubmitWorkHistory", told.submit)
        self.answer("WatchWorkHistory", told.watch)
        self.answer("GetWorkHistory", get)
        self.answer("CancelWorkHistory", cancel)
        self.answer("ListWorkHistories", lambda request: v1.ListWorkHistoriesResponse(jobs=told.list(request.filter)))
        self.answer("WatchWorkHistories", feed)
        self.answer("ListCharges", v1.ListChargesResponse())
        self.answer("GetProviderStatus", v1.GetProviderStatusResponse())
        nothing = "the job has no charge that is unknown"
        self.answer("ResolveWorkHistory", Failure(grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_RESOLVABLE", nothing))


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler[Any, Any] | None:
        path: str = handler_call_details.method
        name = path.rpartition("/")[2]
        if path == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(self._check)
        method = _METHODS.get(name)
        if method is None:
            return None
        decode = getattr(v1, method.input_type.name).FromString
        if name.startswith("Watch"):
            return grpc.unary_stream_rpc_method_handler(
                lambda request, context: self._stream(name, request, context), decode, _encode
            )
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._unary(name, request, context), decode, _encode
        )

    def _check(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self._fake._begin(_seen("Check", request, context), context)
        return _HEALTH_STATUS[self._fake.health]

    def _unary(self, name: str, request: Any, context: grpc.ServicerContext) -> Any:
        return next(_steps(self._fake._next(_seen(name, request, context), context), request, context))

    def _stream(self, name: str, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield from _steps(self._fake._next(_seen(name, request, context), context), request, context)


def _seen(name: str, request: Any, context: grpc.ServicerContext) -> Call:
    metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
    time_left = context.time_remaining()
    # gRPC says "none" by a very large number.
    return Call(name, request, metadata, None if time_left is None or time_left > 1e8 else time_left)


def _steps(answer: Any, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    if callable(answer):
        answer = answer(request)
    for step in [answer] if isinstance(answer, (Message, Failure, _Silence)) else answer:
        if isinstance(step, Failure):
            context.set_trailing_metadata(_trailers(step))
            context.abort(step.code, step.message)
        if isinstance(step, _Silence):
            left = threading.Event()
            if context.add_callback(left.set):
                left.wait()
            return
        yield step


def _trailers(failure: Failure) -> tuple[tuple[str, str | bytes], ...]:
    status = status_pb2.Status(code=failure.code.value[0], message=failure.message)
    details: list[Message] = []
    if failure.reason:
        details.append(
            error_details_pb2.ErrorInfo(reason=failure.reason, domain=failure.domain, metadata=dict(failure.metadata))
        )
    if failure.retry_delay is not None:
        delay = Duration(nanos=round(failure.retry_delay % 1 * 1e9), seconds=int(failure.retry_delay))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if failure.violations:
        fields = [
            error_details_pb2.BadRequest.FieldViolation(field=path, description=wrong)
            for path, wrong in failure.violations.items()
        ]
        details.append(error_details_pb2.BadRequest(field_violations=fields))
    for detail in details:
        status.details.add().Pack(detail)
    encoded = status.SerializeToString() if failure.details is None else failure.details
    return (("grpc-status-details-bin", encoded),) if details or failure.details is not None else ()


def _encode(message: Message) -> bytes:
    return message.SerializeToString()
