"""Keyword arguments into the messages of the contract. It judges nothing: what is wrong with a request, the server says."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ._names import enum_value
from ._retry import Repeat
from ._status import no_job
from .v1 import (
    ChargeState,
    JobFilter,
    JobState,
    ListChargesRequest,
    LookupNssRequest,
    Provider,
    ResolveWorkHistoryRequest,
    Subject,
    SubmitWorkHistoryRequest,
    TimeRange,
    WorkHistoryJob,
)

Span: TypeAlias = float | timedelta
"""A span of time: seconds, or a ``timedelta``."""
ProviderName: TypeAlias = Literal["KIBAN", "TU_IDENTIDAD", "NUBARIUM"] | Provider.ValueType
"""A provider by its short name or as a value of the enum."""
StateName: TypeAlias = (
    Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "OUTCOME_UNKNOWN"] | JobState.ValueType
)
"""A job's state by its short name or as a value of the enum."""
ChargeName: TypeAlias = Literal["OPEN", "YES", "NO", "UNKNOWN"] | ChargeState.ValueType
"""The state of a charge by its short name or as a value of the enum."""

Name = TypeVar("Name")

# An answer younger than this may be the one that a broken try of the same call has bought. Longer than any retrying lasts.
_YOUNG_ANSWER_MAX_S = 300


def string(name: str, value: str) -> str:
    """The value, if it is a string; protobuf's own words for another type name neither the field nor what it should be."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    return value


def seconds(span: Span) -> float:
    """A span in seconds."""
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def lookup(
    curp: str, max_age: Span | None, allow_repeat_charge: bool, purpose: str, consent_reference: str
) -> LookupNssRequest:
    """What LookupNss is asked."""
    return LookupNssRequest(
        curp=string("curp", curp),
        max_age=_duration(max_age),
        allow_repeat_charge=allow_repeat_charge,
        purpose=purpose,
        consent_reference=consent_reference,
    )


def lookup_repeat(request: LookupNssRequest) -> Repeat:
    """Whether the same lookup made twice could pay twice."""
    wants_young = request.HasField("max_age") and request.max_age.seconds < _YOUNG_ANSWER_MAX_S
    return Repeat.ON_SERVERS_WORD if request.allow_repeat_charge or wants_young else Repeat.HARMLESS


def submit(
    *,
    curp: str,
    nss: str,
    given_names: str,
    paternal_surname: str,
    maternal_surname: str,
    limit: int,
    request_id: str | None,
    max_age: Span | None,
    allow_repeat_charge: bool,
    provider: ProviderName | None,
    test_case_id: str,
    purpose: str,
    consent_reference: str,
    labels: Mapping[str, str] | None,
) -> SubmitWorkHistoryRequest:
    """What SubmitWorkHistory is asked. Without a ``request_id`` it is given one, so that a try after a broken connection gets the
    same job.
    """
    subject = Subject(
        curp=string("curp", curp),
        nss=nss,
        given_names=given_names,
        paternal_surname=paternal_surname,
        maternal_surname=maternal_surname,
    )
    return SubmitWorkHistoryRequest(
        subject=subject,
        limit=limit,
        request_id=request_id or str(uuid.uuid4()),
        max_age=_duration(max_age),
        allow_repeat_charge=allow_repeat_charge,
        provider=_provider(provider),
        test_case_id=test_case_id,
        purpose=purpose,
        consent_reference=consent_reference,
        labels=labels,
    )


def job_filter(
    states: Iterable[StateName],
    labels: Mapping[str, str] | None,
    created_from: datetime | None = None,
    created_before: datetime | None = None,
) -> JobFilter:
    """Which jobs."""
    return JobFilter(
        states=[enum_value(JobState, state) for state in _one_by_one(states)],
        labels=labels,
        create_time=_time_range(created_from, created_before),
    )


def charges(
    job_id: str,
    provider: ProviderName | None,
    states: Iterable[ChargeName],
    opened_from: datetime | None,
    opened_before: datetime | None,
    page_size: int,
) -> ListChargesRequest:
    """Which rows of the ledger."""
    return ListChargesRequest(
        page_size=page_size,
        job_id=job_id,
        provider=_provider(provider),
        states=[enum_value(ChargeState, state) for state in _one_by_one(states)],
        open_time=_time_range(opened_from, opened_before),
    )


def resolve(job_id: str, charge: ChargeName, note: str) -> ResolveWorkHistoryRequest:
    """How a job is settled."""
    return ResolveWorkHistoryRequest(job_id=job_id, charge=enum_value(ChargeState, charge), note=note)


def _provider(provider: ProviderName | None) -> Provider.ValueType:
    return Provider.PROVIDER_UNSPECIFIED if provider is None else enum_value(Provider, provider)


def _one_by_one(states: Iterable[Name]) -> Iterable[Name]:
    """A single string is a list of letters to Python, and surely not meant so."""
    if isinstance(states, str):
        raise TypeError(f"states must be a list: [{states!r}]")
    return states


def _duration(span: Span | None) -> Duration | None:
    if span is None:
        return None
    duration = Duration()
    duration.FromTimedelta(span if isinstance(span, timedelta) else timedelta(seconds=span))
    return duration


def _time_range(first: datetime | None, end: datetime | None) -> TimeRange | None:
    if first is None and end is None:
        return None
    return TimeRange(start_time=_timestamp(first), end_time=_timestamp(end))


def _timestamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError("a time needs a time zone: datetime.now(timezone.utc)")
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp


def submit_timeout(unary_deadline: float | None, time_limit: float | None) -> float:
    """Seconds for the Submit of a call that has a time limit as a whole; ``math.inf`` = none."""
    return min(unary_deadline or math.inf, math.inf if time_limit is None else time_limit)


def present(job: WorkHistoryJob | None) -> WorkHistoryJob:
    """The job of an answer, which the contract says is there."""
    if job is None:
        raise no_job()
    return job
