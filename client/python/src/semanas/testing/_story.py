"""What a fake answers by itself: people who all have a work history, and jobs that all succeed. Every name and number is invented."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

from google.protobuf.duration_pb2 import Duration

from .. import v1

INVENTED_NSS = "12345678903"
_CURP_LENGTH = 18
# The first event is the job's acceptance, the second its end.
_SEQUENCE_LAST = 2
# A feed that says nothing must not look dead within a test.
_HEARTBEAT_S = 3600


class Story:
    """The jobs that were submitted, as they end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._jobs: dict[str, v1.WorkHistoryJob] = {}

    def lookup(self, request: v1.LookupNssRequest) -> v1.LookupNssResponse | None:
        """The same NSS for everybody; `None` for what is no CURP."""
        if len(request.curp) != _CURP_LENGTH:
            return None
        return v1.LookupNssResponse(nss=INVENTED_NSS, disposition=v1.Disposition.DISPOSITION_STARTED)

    def submit(self, request: v1.SubmitWorkHistoryRequest) -> v1.SubmitWorkHistoryResponse:
        """A new job, which has just been accepted."""
        job = v1.WorkHistoryJob(
            job_id=f"wh_fake_{next(self._numbers)}", limit=request.limit, labels=request.labels, purpose=request.purpose
        )
        ended = v1.WorkHistoryJob()
        ended.CopyFrom(job)
        _end(ended)
        with self._lock:
            self._jobs[job.job_id] = ended
        job.state, job.event_sequence = v1.JobState.JOB_STATE_QUEUED, 1
        return v1.SubmitWorkHistoryResponse(
            job=job, disposition=v1.Disposition.DISPOSITION_STARTED, watch_cursor=f"{job.job_id}@1"
        )

    def find(self, job_id: str) -> v1.WorkHistoryJob | None:
        """The job as it ended."""
        with self._lock:
            return self._jobs.get(job_id)

    def watch(self, request: v1.WatchWorkHistoryRequest) -> Iterator[v1.WatchWorkHistoryResponse]:
        """How a job comes to its end; one that nobody has submitted does so too."""
        job = v1.WorkHistoryJob(job_id=request.job_id, state=v1.JobState.JOB_STATE_QUEUED, event_sequence=1)
        known = self.find(request.job_id)
        if known is not None:
            job.labels.update(known.labels)
            job.limit, job.purpose = known.limit, known.purpose
        if not request.cursor:
            snapshot = v1.JobSnapshot(job=job, cause=v1.SnapshotCause.SNAPSHOT_CAUSE_START)
            yield v1.WatchWorkHistoryResponse(cursor=f"{request.job_id}@1", snapshot=snapshot)
        _end(job)
        event = v1.JobEvent(sequence=job.event_sequence, state=job.state, job=job)
        yield v1.WatchWorkHistoryResponse(cursor=f"{request.job_id}@2", terminal=True, event=event)

    def list(self, chosen: v1.JobFilter) -> list[v1.WorkHistoryJob]:
        """The jobs without their histories, newest first, as lists and feeds give them."""
        with self._lock:
            jobs = list(reversed(self._jobs.values()))
        found = []
        for job in jobs:
            has_labels = all(job.labels.get(name) == value for name, value in chosen.labels.items())
            if has_labels and (not chosen.states or job.state in chosen.states):
                brief = v1.WorkHistoryJob()
                brief.CopyFrom(job)
                brief.ClearField("work_history")
                found.append(brief)
        return found

    def feed(self, request: v1.WatchWorkHistoriesRequest) -> Iterator[v1.WatchWorkHistoriesResponse]:
        """The jobs that are there."""
        for job in self.list(request.filter):
            yield v1.WatchWorkHistoriesResponse(cursor="fake-feed", job=job)
        synced = v1.FeedSynced(heartbeat_interval=Duration(seconds=_HEARTBEAT_S))
        yield v1.WatchWorkHistoriesResponse(cursor="fake-feed", synced=synced)


def _end(job: v1.WorkHistoryJob) -> None:
    job.state, job.event_sequence = v1.JobState.JOB_STATE_SUCCEEDED, _SEQUENCE_LAST
    job.work_history.employments.add(employer="EMPRESA DE PRUEBA", current=True)
    job.work_history.employment_count = 1
