"""When a call is made again, and after how long. Pure: time and randomness are arguments, and nobody waits here."""

from __future__ import annotations

import enum

import grpc

from ._errors import ERROR_DOMAIN, CancelledError, ExhaustedError, SemanasError, UnavailableError
from ._options import RetryPolicy
from ._status import too_late

# What a broken connection may look like. With a reason of Semanas it is the server's word instead, and final.
_MAY_BE_A_BREAK = frozenset(
    {
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
# 2^16 first waits are longer than any longest wait; more doublings would only overflow.
_DOUBLINGS_MAX = 16
# How long a try waits at least for a connection that could not be made before: gRPC tries to connect each 0.12 s at the latest, and
# this leaves time for a handshake across an ocean.
_PATIENCE_S = 0.25
# gRPC rounds a deadline up before it tells the server; this much less, and the server is not told more than the caller gave.
_ROUNDING_S = 0.005
# How much earlier than ours the server's clock for the same deadline may run out: the rounding above, and a thread that waits its turn.
_SERVERS_LEAD_S = 0.05


class Repeat(enum.Enum):
    """Whether a call may be made again."""

    HARMLESS = enum.auto()
    """As often as the policy says."""
    ON_SERVERS_WORD = enum.auto()
    """Only after the server itself said that it did not do it: a try after a broken connection could buy twice."""
    NEVER = enum.auto()
    """Whoever asks wants to know it as it is."""


class Tries:
    """The tries of one unary call, within one deadline."""

    def __init__(self, policy: RetryPolicy | None, repeat: Repeat, time_limit: float | None, now: float) -> None:
        self._policy = policy
        self._repeat = repeat
        self._deadline = None if time_limit is None else now + time_limit
        self._began = now
        self._longest = 0.0
        self.made = 0
        """Tries that have begun."""

    def begin(self, now: float) -> float | None:
        """Counts a try; gives the seconds that it may take."""
        self.made += 1
        self._began = now
        return None if self._deadline is None else max(0.0, self._deadline - now - _ROUNDING_S)

    def named(self, error: SemanasError, now: float) -> SemanasError:
        """The error by its true name: a server whose clock for the same deadline runs out first may call that CANCELLED."""
        is_late = self._deadline is not None and now >= self._deadline - _SERVERS_LEAD_S
        if isinstance(error, CancelledError) and not error.domain and is_late:
            return too_late("the deadline passed before the server answered")
        return error

    def delay(self, error: SemanasError, now: float, jitter: float) -> float | None:
        """Seconds until the next try; ``None`` when the error is the answer. A wait that would pass the deadline is not begun,
        so that the caller gets the real reason and not the deadline's.
        """
        if self._repeat is Repeat.NEVER:
            return None
        if self._repeat is Repeat.ON_SERVERS_WORD and error.domain != ERROR_DOMAIN:
            return None
        delay = unary_delay(self._policy, error, self.made, jitter)
        if delay is not None and self._deadline is not None and now + delay >= self._deadline:
            return None
        self._longest = max(self._longest, now - self._began)
        return delay

    def patience(self, connect_timeout: float, now: float) -> float:
        """Seconds that the next try waits for a connection. A server that is not there is known at once; one that took connections
        and was too busy to answer on them may need as long again as it has had. At least half of the time that is left remains
        for the call.
        """
        patience = min(max(_PATIENCE_S, self._longest), connect_timeout)
        return patience if self._deadline is None else max(0.0, min(patience, (self._deadline - now) / 2))


def is_broken(error: SemanasError) -> bool:
    """Whether it may be the connection that failed, and not somebody behind it that has answered."""
    return isinstance(error, UnavailableError) and not error.reason and error.retry_delay is None


def unary_delay(policy: RetryPolicy | None, error: SemanasError, tries_made: int, jitter: float) -> float | None:
    """How long to wait before a unary call is made again; ``None`` when it is not. ``jitter`` is in [0, 1).

    A limit that names no time is not waited out, because it may have no end.
    """
    if isinstance(error, UnavailableError) or (isinstance(error, ExhaustedError) and error.retry_delay is not None):
        return _wait(policy, error.retry_delay, tries_made, jitter)
    return None


def resume_delay(policy: RetryPolicy | None, error: SemanasError, failures: int, jitter: float) -> float | None:
    """How long to wait before a broken watch is resumed; ``None`` when resuming is of no use.

    A watch costs nothing to resume, so that everything is tried again that is not a word of the server about the watch itself.
    """
    if isinstance(error, (UnavailableError, ExhaustedError)):
        return _wait(policy, error.retry_delay, failures, jitter)
    is_servers_word = bool(error.reason) and error.domain == ERROR_DOMAIN
    if error.code in _MAY_BE_A_BREAK and not is_servers_word:
        return _wait(policy, None, failures, jitter)
    return None


def _wait(policy: RetryPolicy | None, retry_delay: float | None, tries_made: int, jitter: float) -> float | None:
    """A server's word is kept to the full, with up to half as much again so that not all come back at once; otherwise the wait
    doubles from try to try and half of it is random.
    """
    if policy is None or tries_made >= policy.tries_max:
        return None
    if retry_delay is None:
        doubled = policy.delay_first * (1 << min(tries_made - 1, _DOUBLINGS_MAX))
        full = min(doubled, policy.delay_max)
        return full * (0.5 + 0.5 * jitter)
    if retry_delay > policy.server_delay_max:
        return None
    return max(retry_delay, policy.delay_first) * (1.0 + 0.5 * jitter)
