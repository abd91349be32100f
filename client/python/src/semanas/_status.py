"""How a gRPC status is read into an error. A detail that is not known or cannot be read never gets in the way: the code decides."""

from __future__ import annotations

from typing import Any, Protocol

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from ._errors import (
    CancelledError,
    DeadlineExceededError,
    Details,
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidRequestError,
    JobNotSucceededError,
    NotFoundError,
    OtherError,
    OutOfRangeError,
    PermissionDeniedError,
    SemanasError,
    UnauthenticatedError,
    UnavailableError,
    Violation,
)
from ._names import enum_name
from .v1 import ErrorReason, JobState, WorkHistoryJob

_DETAILS_KEY = "grpc-status-details-bin"

# How gRPC's core words that HTTP/2 broke the stream off. It gives it this code or that; to the caller it is a broken connection.
_STREAM_RESET = "Received RST_STREAM with error code"

_CORE_DEADLINE = "Deadline Exceeded"
_CORE_NO_TLS = "WRONG_VERSION_NUMBER"

_KINDS: dict[grpc.StatusCode, type[SemanasError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ExhaustedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.CANCELLED: CancelledError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.INTERNAL: InternalError,
    grpc.StatusCode.DATA_LOSS: InternalError,
}


class Ended(Protocol):
    """What the errors of both grpc and grpc.aio can tell."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Any: ...


def error_of(ended: Ended) -> SemanasError:
    """The error that a call's end means."""
    code, message = ended.code(), ended.details() or ""
    if code is grpc.StatusCode.OK:
        return no_answer()
    if _STREAM_RESET in message:
        code = grpc.StatusCode.UNAVAILABLE
    status = status_pb2.Status(code=code.value[0], message=message)
    for key, value in ended.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            status = _parsed(status_pb2.Status, value) or status
    return _KINDS.get(code, OtherError)(_read(code, _plain(message), status))


def _plain(message: str) -> str:
    """What gRPC's core says of two things that everybody meets, in words; the status keeps it as it was."""
    if _CORE_DEADLINE in message:
        return "the deadline passed before the server answered"
    if _CORE_NO_TLS in message:
        return "the server does not speak TLS on this port; is its endpoint http://?"
    return message


def broken(message: str, retry_delay: float | None = None) -> UnavailableError:
    """A stream that is to be resumed, for a reason that the client itself has seen."""
    return UnavailableError(Details(message, code=grpc.StatusCode.UNAVAILABLE, retry_delay=retry_delay))


def too_late(message: str) -> DeadlineExceededError:
    """The caller's own time was up."""
    return DeadlineExceededError(Details(message, code=grpc.StatusCode.DEADLINE_EXCEEDED))


def closed(what: str) -> CancelledError:
    """The caller let go of the client or the watch."""
    return CancelledError(Details(f"the {what} was closed", code=grpc.StatusCode.CANCELLED))


def no_answer() -> InternalError:
    """OK with nothing in it."""
    return InternalError(Details("the server ended the call without an answer", code=grpc.StatusCode.INTERNAL))


def no_job() -> InternalError:
    """An answer that breaks the contract."""
    return InternalError(Details("the server's answer holds no job", code=grpc.StatusCode.INTERNAL))


def succeeded(job: WorkHistoryJob) -> WorkHistoryJob:
    """The job, if it SUCCEEDED; raises ``JobNotSucceededError`` else, also for a state that this version does not know."""
    if job.state == JobState.JOB_STATE_SUCCEEDED:
        return job
    told = f"job {job.job_id} ended {enum_name(JobState, job.state)}"
    if job.failure.message:
        told += f": {job.failure.message}"
    reason = enum_name(ErrorReason, job.failure.reason) if job.failure.reason else ""
    domain = "semanas" if reason else ""
    raise JobNotSucceededError(Details(told, reason=reason, domain=domain), job)


def _read(code: grpc.StatusCode, message: str, status: status_pb2.Status) -> Details:
    info = _detail(status, error_details_pb2.ErrorInfo)
    retry = _detail(status, error_details_pb2.RetryInfo)
    bad = _detail(status, error_details_pb2.BadRequest)
    delay = None
    if retry is not None and retry.HasField("retry_delay"):
        delay = max(0.0, retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9)
    return Details(
        message=message,
        code=code,
        reason=info.reason if info else "",
        domain=info.domain if info else "",
        metadata=dict(info.metadata) if info else {},
        retry_delay=delay,
        violations=tuple(Violation(one.field, one.description) for one in bad.field_violations) if bad else (),
        status=status,
    )


def _detail(status: status_pb2.Status, kind: Any) -> Any:
    name = kind.DESCRIPTOR.full_name
    for detail in status.details:
        if detail.type_url.rpartition("/")[2] == name:
            return _parsed(kind, detail.value)
    return None


def _parsed(kind: Any, value: Any) -> Any:
    """A message, or ``None`` when the bytes are not one."""
    try:
        message: Message = kind.FromString(value)
    except (DecodeError, TypeError):
        return None
    return message
