"""What went wrong, by what a caller can do about it. How a status becomes one of these is decided in ``_status``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc

from .v1 import ErrorReason, WorkHistoryJob

if TYPE_CHECKING:
    from google.rpc.status_pb2 import Status

ERROR_DOMAIN = "semanas"
"""The domain of all reasons that Semanas itself gives."""

_REASON_PREFIX = "ERROR_REASON_"


@dataclass(frozen=True)
class Violation:
    """One wrong field of a request."""

    field: str
    """Path of the field, for example ``subject.curp``."""
    description: str
    """What is wrong with it."""


@dataclass(frozen=True)
class Details:
    """What the server said, as the errors are made from it."""

    message: str
    code: grpc.StatusCode | None = None
    reason: str = ""
    domain: str = ""
    metadata: Mapping[str, str] | None = None
    retry_delay: float | None = None
    violations: tuple[Violation, ...] = ()
    status: Status | None = None


class SemanasError(Exception):
    """Any error of this package. Its subclasses say what the caller can do; no text of theirs holds personal data.

    The ``grpc.RpcError`` behind it, if there is one, is its ``__cause__``.
    """

    message: str
    """One plain sentence."""
    code: grpc.StatusCode | None
    """The gRPC code; ``None`` when the error is not a status."""
    reason: str
    """The reason in UPPER_SNAKE, also when this version does not know it; empty when none was given, as by a proxy."""
    domain: str
    """Who gave the reason: ``semanas``, or another service on the way."""
    metadata: Mapping[str, str]
    """What the reason is about, by name."""
    retry_delay: float | None
    """After how many seconds the server wants to be asked again, if it said so."""
    violations: tuple[Violation, ...]
    """The wrong fields of the request, if the server named them."""
    status: Status | None
    """The status as it was received, a ``google.rpc.Status``; ``None`` when nothing was."""

    def __init__(self, details: Details | str) -> None:
        told = Details(details) if isinstance(details, str) else details
        super().__init__(told)
        self.message = told.message
        self.code = told.code
        self.reason = told.reason
        self.domain = told.domain
        self.metadata = dict(told.metadata or {})
        self.retry_delay = told.retry_delay
        self.violations = told.violations
        self.status = told.status

    @property
    def known_reason(self) -> ErrorReason.ValueType | None:
        """The entry of the catalogue, for example ``ErrorReason.ERROR_REASON_INVALID_CURP``; ``None`` when this version does
        not know the reason or somebody else than Semanas gave it.
        """
        name = _REASON_PREFIX + self.reason
        if self.domain != ERROR_DOMAIN or name not in ErrorReason.keys():  # noqa: SIM118
            return None
        return ErrorReason.Value(name)

    def __str__(self) -> str:
        text = self.message or (self.code.name if self.code else type(self).__name__)
        if self.reason:
            text += f" [{self.reason}]"
        wrong = "; ".join(f"{one.field}: {one.description}" for one in self.violations)
        return f"{text}: {wrong}" if wrong else text

    def __repr__(self) -> str:
        code = self.code.name if self.code else None
        return f"{type(self).__name__}(code={code}, reason={self.reason!r}, message={self.message!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), self.args, self.__dict__)


class ConfigurationError(SemanasError, ValueError):
    """The endpoint, the credentials or the options cannot be used; nothing was sent. Mend them."""


class InvalidRequestError(SemanasError):
    """The request is wrong: mend what ``violations`` name. Repeating it is of no use."""


class NotFoundError(SemanasError):
    """No such job, NSS or CURP. Accept it."""


class FailedPreconditionError(SemanasError):
    """The system or the person's affairs must change first: do what the reason says."""


class OutOfRangeError(SemanasError):
    """The cursor is older than what is kept: watch again without it."""


class ExhaustedError(SemanasError):
    """A limit is used up: wait ``retry_delay`` if it is named; else waiting does not help."""


class UnavailableError(SemanasError):
    """The server, or what it depends on, cannot be reached: try again later."""


class DeadlineExceededError(SemanasError):
    """The deadline passed first. The work may go on: ask again."""

    job_id: str | None = None
    """The job that goes on, when ``get_work_history_when_done`` ran out of time after it was submitted."""
    cursor: str | None = None
    """Where a watch of that job goes on and misses nothing; ``None`` or empty = from a snapshot."""


class CancelledError(SemanasError):
    """The caller's own cancel: the client or the watch was closed meanwhile. (Not ``asyncio.CancelledError``, which stays as it
    is.)
    """


class UnauthenticatedError(SemanasError):
    """The server does not know who calls: mend the credentials."""


class PermissionDeniedError(SemanasError):
    """The caller is known and may not do this: mend the credentials."""


class InternalError(SemanasError):
    """A defect of the server, or something that only its operator can mend: tell the operator."""


class OtherError(SemanasError):
    """Any other status: read ``status``."""


class JobNotSucceededError(SemanasError):
    """The job ended otherwise than SUCCEEDED: read ``job.failure``."""

    job: WorkHistoryJob
    """The job as it ended."""

    def __init__(self, details: Details | str, job: WorkHistoryJob) -> None:
        super().__init__(details)
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (*self.args, self.job), self.__dict__)
