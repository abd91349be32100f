"""How the driver writes what a client gave, in the protocol's words."""

from __future__ import annotations

from typing import Any

from semanas import (
    DeadlineExceededError,
    ErrorReason,
    EventUpdate,
    FeedJobUpdate,
    FeedResetUpdate,
    FeedStaleUpdate,
    FeedSyncedUpdate,
    FeedUpdate,
    JobNotSucceededError,
    JobState,
    JobUpdate,
    Provider,
    SemanasError,
    SnapshotCause,
    SnapshotUpdate,
    StaleUpdate,
    WorkHistoryJob,
    enum_name,
)
from semanas.v1 import (
    Charge,
    ChargeState,
    Disposition,
    LookupNssResponse,
    ProviderStatus,
    SubmitWorkHistoryResponse,
)

Json = dict[str, Any]

_ENDED = {
    JobState.JOB_STATE_SUCCEEDED,
    JobState.JOB_STATE_FAILED,
    JobState.JOB_STATE_CANCELLED,
    JobState.JOB_STATE_OUTCOME_UNKNOWN,
}


def job(job: WorkHistoryJob) -> Json:
    """A JOB."""
    told: Json = {
        "job_id": job.job_id,
        "state": enum_name(JobState, job.state),
        "sequence": job.event_sequence,
        "terminal": job.state in _ENDED,
        "attempts": len(job.attempts),
        "labels": dict(job.labels),
    }
    if job.HasField("work_history"):
        told["employments"] = len(job.work_history.employments)
    if job.failure.reason:
        told["reason"] = enum_name(ErrorReason, job.failure.reason)
    return told


def lookup(answer: LookupNssResponse) -> Json:
    """What LookupNss gave."""
    return {"nss": answer.nss, "disposition": enum_name(Disposition, answer.disposition)}


def submitted(answer: SubmitWorkHistoryResponse) -> Json:
    """What Submit gave."""
    disposition = enum_name(Disposition, answer.disposition)
    return {"job": job(answer.job), "disposition": disposition, "watch_cursor": answer.watch_cursor}


def one_job(given: WorkHistoryJob) -> Json:
    """What calls that give a job gave."""
    return {"job": job(given)}


def charge(row: Charge) -> Json:
    """A row of the ledger."""
    return {"charge_id": row.charge_id, "job_id": row.job_id, "state": enum_name(ChargeState, row.state)}


def providers(given: list[ProviderStatus]) -> Json:
    """The providers' state."""
    told = [{"provider": enum_name(Provider, one.provider), "configured": one.configured} for one in given]
    return {"providers": told}


def update(update: JobUpdate | FeedUpdate) -> Json:
    """An UPDATE."""
    told: Json = {"cursor": update.cursor}
    match update:
        case SnapshotUpdate(job=snapshot, cause=cause, is_terminal=is_terminal):
            name = enum_name(SnapshotCause, cause)
            told |= {"kind": "snapshot", "cause": name, "job": job(snapshot), "terminal": is_terminal}
        case EventUpdate(event=event, is_terminal=is_terminal):
            state = enum_name(JobState, event.state)
            told |= {"kind": "event", "sequence": event.sequence, "state": state, "terminal": is_terminal}
            if update.job is not None:
                told["job"] = job(update.job)
        case StaleUpdate() | FeedStaleUpdate():
            told |= {"kind": "stale"}
        case FeedJobUpdate(job=changed):
            told |= {"kind": "job", "job": job(changed)}
        case FeedSyncedUpdate():
            told |= {"kind": "synced"}
        case FeedResetUpdate(cause=cause):
            told |= {"kind": "reset", "cause": enum_name(SnapshotCause, cause)}
    return told


def error(error: SemanasError) -> Json:
    """An ERROR."""
    told: Json = {
        "kind": type(error).__name__.removesuffix("Error"),
        "reason": error.reason,
        "known": error.known_reason is not None,
        "domain": error.domain,
        "metadata": dict(error.metadata),
        "violations": [{"field": one.field, "description": one.description} for one in error.violations],
        "message": error.message,
    }
    if error.code is not None:
        told["code"] = error.code.name
    if error.retry_delay is not None:
        told["retry_delay_ms"] = round(error.retry_delay * 1000)
    if isinstance(error, JobNotSucceededError):
        told["job"] = job(error.job)
    if isinstance(error, DeadlineExceededError) and error.job_id is not None:
        told |= {"job_id": error.job_id, "cursor": error.cursor}
    return told


def found(result: Any) -> dict[str, str]:
    """What a result gives for `$job_id` and `$cursor` in later calls."""
    newest: dict[str, str] = {}
    if not isinstance(result, dict):
        return newest
    told = result.get("ok") or result.get("error") or {}
    for holder in (told, told.get("job"), *(one.get("job") for one in result.get("updates", ()))):
        if holder and holder.get("job_id"):
            newest["job_id"] = holder["job_id"]
    for cursor in (told.get("watch_cursor"), told.get("cursor"), *(one["cursor"] for one in result.get("updates", ()))):
        if cursor:
            newest["cursor"] = cursor
    return newest
