"""What the messages of the two watches mean to a reader. It decides nothing about connections."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Generic, TypeAlias, TypeVar

from google.protobuf.duration_pb2 import Duration

from ._names import enum_name
from .v1 import (
    JobEvent,
    JobState,
    SnapshotCause,
    Stale,
    WatchWorkHistoriesResponse,
    WatchWorkHistoryResponse,
    WorkHistoryJob,
)

Update = TypeVar("Update")


class _Quiet:
    """A ``repr`` without personal data: the place and the state, never the answer."""

    def __repr__(self) -> str:
        told = {}
        if isinstance(self, EventUpdate):
            told = {"sequence": self.event.sequence, "state": enum_name(JobState, self.event.state)}
        elif isinstance(self, (SnapshotUpdate, FeedJobUpdate)):
            told = {"job_id": self.job.job_id, "state": enum_name(JobState, self.job.state)}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in told.items())})"


@dataclass(frozen=True, repr=False)
class SnapshotUpdate(_Quiet):
    """The job as it stands. With another cause than START it replaces what was seen before."""

    cursor: str
    """Position after this update: give it to a later watch to go on from here."""
    is_terminal: bool
    """True on the last update."""
    job: WorkHistoryJob
    """The job."""
    cause: SnapshotCause.ValueType
    """Why it stands here and not the events after the cursor."""


@dataclass(frozen=True, repr=False)
class EventUpdate(_Quiet):
    """An event of the job. Each comes once, in order, none missing."""

    cursor: str
    """Position after this update: give it to a later watch to go on from here."""
    is_terminal: bool
    """True on the last update."""
    event: JobEvent
    """What happened."""

    @property
    def job(self) -> WorkHistoryJob | None:
        """The whole job, on the last update."""
        return self.event.job if self.event.HasField("job") else None


@dataclass(frozen=True)
class StaleUpdate:
    """The server cannot read its store; what follows may be late. Only with ``WatchOptions.reports_stale``."""

    cursor: str = field(repr=False)
    """Position after this update."""
    since: datetime | None
    """Since when, in UTC."""
    is_terminal: bool = field(default=False, init=False, repr=False)
    """Never the last update."""
    job: None = field(default=None, init=False, repr=False)
    """It says nothing about the job."""


@dataclass(frozen=True, repr=False)
class FeedJobUpdate(_Quiet):
    """A job as it stands; it replaces what was known of it. The same state may come twice."""

    cursor: str
    """Position after this update."""
    job: WorkHistoryJob
    """The job, without its work history."""


@dataclass(frozen=True)
class FeedSyncedUpdate:
    """All jobs of the beginning were given; changes follow."""

    cursor: str = field(repr=False)
    """Position after this update."""


@dataclass(frozen=True)
class FeedResetUpdate:
    """Forget what was known: the newest jobs follow."""

    cursor: str = field(repr=False)
    """Position after this update."""
    cause: SnapshotCause.ValueType
    """Why."""


@dataclass(frozen=True)
class FeedStaleUpdate:
    """The server cannot read its store; what follows may be late. Only with ``WatchOptions.reports_stale``."""

    cursor: str = field(repr=False)
    """Position after this update."""
    since: datetime | None
    """Since when, in UTC."""


JobUpdate: TypeAlias = SnapshotUpdate | EventUpdate | StaleUpdate
"""One step of a job."""
FeedUpdate: TypeAlias = FeedJobUpdate | FeedSyncedUpdate | FeedResetUpdate | FeedStaleUpdate
"""One step of the feed of all jobs."""


class Meaning(enum.Enum):
    """What a message means for the stream that it came on."""

    START = enum.auto()
    """For the reader; says nothing yet about the stream's health, since a server may begin and break again and again."""
    PROGRESS = enum.auto()
    """For the reader; the stream is healthy."""
    LAST = enum.auto()
    """For the reader, and nothing follows."""
    STALE = enum.auto()
    """For a reader who asked to be told."""
    REPEATED = enum.auto()
    """Seen before."""
    GAP = enum.auto()
    """Something before it is missing."""
    HEARTBEAT = enum.auto()
    """A sign of life."""
    DRAINING = enum.auto()
    """The server asks to resume later."""
    UNKNOWN = enum.auto()
    """Newer than this version."""


@dataclass
class Place:
    """Where a reader stands."""

    cursor: str
    heartbeat_interval: float
    last_sequence: int | None = None


@dataclass(frozen=True)
class Frame(Generic[Update]):
    """A message, understood."""

    meaning: Meaning
    update: Update | None = None
    resume_delay: float = 0.0


def read_job_message(message: WatchWorkHistoryResponse, place: Place) -> Frame[JobUpdate]:
    """Says what a message means to a reader who stands at ``place``, and moves them."""
    content = message.WhichOneof("content")
    frame: Frame[JobUpdate]
    if content == "snapshot":
        snapshot = message.snapshot
        _learn_heartbeat(place, snapshot.heartbeat_interval)
        place.last_sequence = snapshot.job.event_sequence
        update = SnapshotUpdate(message.cursor, message.terminal, snapshot.job, snapshot.cause)
        frame = Frame(Meaning.LAST if message.terminal else Meaning.START, update)
    elif content == "event":
        frame = _read_event(message, place)
        if frame.update is None:
            return frame
    elif content == "stale":
        frame = Frame(Meaning.STALE, StaleUpdate(message.cursor, _since(message.stale)))
    elif content == "heartbeat":
        frame = Frame(Meaning.HEARTBEAT)
    elif content == "draining":
        frame = Frame(Meaning.DRAINING, resume_delay=_positive(message.draining.resume_delay))
    else:
        frame = Frame(Meaning.UNKNOWN)
    _advance(place, message.cursor)
    return frame


def read_feed_message(message: WatchWorkHistoriesResponse, place: Place) -> Frame[FeedUpdate]:
    """Says what a message of the feed means to a reader who stands at ``place``, and moves them."""
    content, cursor = message.WhichOneof("content"), message.cursor
    frame: Frame[FeedUpdate]
    if content == "job":
        frame = Frame(Meaning.PROGRESS, FeedJobUpdate(cursor, message.job))
    elif content == "synced":
        _learn_heartbeat(place, message.synced.heartbeat_interval)
        frame = Frame(Meaning.START, FeedSyncedUpdate(cursor))
    elif content == "reset":
        frame = Frame(Meaning.START, FeedResetUpdate(cursor, message.reset.cause))
    elif content == "stale":
        frame = Frame(Meaning.STALE, FeedStaleUpdate(cursor, _since(message.stale)))
    elif content == "heartbeat":
        frame = Frame(Meaning.HEARTBEAT)
    elif content == "draining":
        frame = Frame(Meaning.DRAINING, resume_delay=_positive(message.draining.resume_delay))
    else:
        frame = Frame(Meaning.UNKNOWN)
    _advance(place, cursor)
    return frame


def _read_event(message: WatchWorkHistoryResponse, place: Place) -> Frame[JobUpdate]:
    """After a resume from a caller's own cursor the last sequence is not known, and whatever comes first is the next."""
    event, last = message.event, place.last_sequence
    if last is not None and event.sequence <= last:
        return Frame(Meaning.REPEATED)
    if last is not None and event.sequence > last + 1:
        return Frame(Meaning.GAP)
    place.last_sequence = event.sequence
    update = EventUpdate(message.cursor, message.terminal, event)
    return Frame(Meaning.LAST if message.terminal else Meaning.PROGRESS, update)


def _advance(place: Place, cursor: str) -> None:
    place.cursor = cursor or place.cursor


def _learn_heartbeat(place: Place, interval: Duration) -> None:
    """An interval of zero would make every stream look dead at once."""
    place.heartbeat_interval = _positive(interval) or place.heartbeat_interval


def _positive(span: Duration) -> float:
    """Seconds; zero for a span that is absent or negative."""
    return max(0.0, span.seconds + span.nanos / 1e9)


def _since(stale: Stale) -> datetime | None:
    if not stale.HasField("since_time"):
        return None
    try:
        return stale.since_time.ToDatetime(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None
