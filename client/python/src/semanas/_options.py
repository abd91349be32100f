"""What a user of the client may choose, and what is chosen when nothing is said. Spans of time are seconds."""

from __future__ import annotations

import enum
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

from ._errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = [
    "CallAttempt",
    "ConnectionState",
    "Credentials",
    "Hooks",
    "Options",
    "RetryPolicy",
    "WatchOptions",
]


@dataclass(frozen=True)
class RetryPolicy:
    """How often and after how long a call is made again. Where a policy is asked for, ``None`` means never again."""

    tries_max: int = 4
    """Tries altogether, the first one too."""
    delay_first: float = 0.1
    """Seconds before the second try; the wait doubles with each one, and half of it is random."""
    delay_max: float = 5.0
    """The longest wait, in seconds, that the doubling leads to."""
    server_delay_max: float = 20.0
    """The longest wait, in seconds, that the server may ask for. If it asks for more, the call fails with that figure."""

    def __post_init__(self) -> None:
        if self.tries_max < 1:
            raise ConfigurationError("RetryPolicy.tries_max counts the first try too: it must be at least 1")
        for name in ("delay_first", "delay_max", "server_delay_max"):
            _check_seconds(f"RetryPolicy.{name}", getattr(self, name), zero_is_fine=True)


def _resume_policy() -> RetryPolicy:
    # 0.2 + 0.4 + ... + 15 s: more than a minute, enough for a restart of the server.
    return RetryPolicy(tries_max=11, delay_first=0.2, delay_max=15.0, server_delay_max=120.0)


@dataclass(frozen=True)
class WatchOptions:
    """How watches behave."""

    resume: RetryPolicy | None = field(default_factory=_resume_policy)
    """How often and after how long a broken stream is resumed; the count begins anew with each event and heartbeat.
    Default: 11 tries, 0.2 s doubling to 15 s, at most 120 s where the server names the time. ``None`` = never."""
    heartbeat_interval: float = 15.0
    """The heartbeat interval in seconds that is assumed until the server names its own. Three missed ones break the stream."""
    reports_stale: bool = False
    """Whether the reader is told, by ``StaleUpdate`` and ``FeedStaleUpdate``, that the server's store does not answer."""

    def __post_init__(self) -> None:
        _check_seconds("WatchOptions.heartbeat_interval", self.heartbeat_interval)


class ConnectionState(enum.Enum):
    """What the connection to the server is doing."""

    IDLE = "idle"
    """There is none, and nobody needs one."""
    CONNECTING = "connecting"
    """It is being made."""
    READY = "ready"
    """It stands."""
    FAILED = "failed"
    """It could not be made or broke; it is tried again."""


@dataclass(frozen=True)
class CallAttempt:
    """One try of a call has ended. It holds no personal data."""

    method: str
    """Name of the RPC, for example ``SubmitWorkHistory``."""
    number: int
    """Which try of its call it was, from 1 on; of a watch, which stream."""
    code: grpc.StatusCode
    """How it ended. A stream that is left early ends with ``CANCELLED``."""
    reason: str
    """The server's reason in UPPER_SNAKE; empty when it gave none."""
    wait: float | None
    """Seconds until the next try; ``None`` when there is none."""


@dataclass(frozen=True)
class Hooks:
    """Functions that are told what the client does. They are called where it happens and must return at once; what they raise is
    logged under ``semanas`` and goes no further.
    """

    on_attempt: Callable[[CallAttempt], None] | None = None
    """Called after each try of each call."""
    on_connection_state: Callable[[ConnectionState], None] | None = None
    """Called when the state of the connection changes, from a thread of gRPC's (``Client``) or in the loop (``AsyncClient``)."""


@dataclass(frozen=True)
class Credentials:
    """Who calls. Its ``repr`` shows no secret."""

    bearer_token: str | Callable[[], str] | Callable[[], Awaitable[str]] | None = field(default=None, repr=False)
    """A token, or a function that gives one for each try of each call; ``AsyncClient`` also takes a coroutine function."""
    client_certificate_pem: str | bytes | None = field(default=None, repr=False)
    """The client's own certificate chain (mTLS); needs ``client_key_pem``."""
    client_key_pem: str | bytes | None = field(default=None, repr=False)
    """The key of ``client_certificate_pem``."""


@dataclass(frozen=True)
class Options:
    """How a client behaves. The defaults are right for a service that talks to Semanas on the same machine or by TLS."""

    unary_deadline: float | None = 30.0
    """Seconds that a unary call takes at most, with all its tries; ``None`` = as long as it takes. Watches have no deadline."""
    connect_timeout: float = 5.0
    """Seconds that a connection may take to stand."""
    retry: RetryPolicy | None = field(default_factory=RetryPolicy)
    """When a unary call is made again. ``None`` = never."""
    watch: WatchOptions = field(default_factory=WatchOptions)
    """How watches behave."""
    allow_plaintext: bool = False
    """Leave to send personal data unencrypted to another machine, where the network itself encrypts. Never a bearer token."""
    ca_certificate_pem: str | bytes | None = None
    """Certificate authorities to trust besides the system's."""
    user_agent: str | None = None
    """Put before ``semanas-client-python/VERSION`` in the user agent."""
    hooks: Hooks = field(default_factory=Hooks)
    """Functions that are told of tries and of the connection."""
    tracer: Tracer | None = None
    """An OpenTelemetry tracer: each try gets a client span, and the server its ``traceparent``. Needs ``semanas-client[otel]``."""

    def __post_init__(self) -> None:
        if self.unary_deadline is not None:
            _check_seconds("Options.unary_deadline", self.unary_deadline)
        _check_seconds("Options.connect_timeout", self.connect_timeout)
        if self.user_agent is not None and not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ConfigurationError("Options.user_agent must be printable ASCII")


def _check_seconds(name: str, seconds: float, *, zero_is_fine: bool = False) -> None:
    if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not zero_is_fine):
        raise ConfigurationError(f"{name} must be a positive number of seconds, not {seconds!r}")
