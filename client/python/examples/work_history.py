"""Asks for the work history of a person and shows how it comes about; Ctrl-C leaves it, and the job goes on.

    python examples/work_history.py GOAA970724HYNNNL08 [--asyncio]

The server is the one that SEMANAS_SERVER names, else http://127.0.0.1:50051 (`semanas demo` serves there).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import semanas
from semanas import AsyncClient, Client, EventUpdate, JobState, JobUpdate, SnapshotUpdate, WorkHistoryJob, enum_name


def follow(endpoint: str, curp: str) -> WorkHistoryJob | None:
    """With the client that blocks."""
    with Client(endpoint) as client:
        job_id = client.submit_work_history(curp, purpose="example").job.job_id
        for update in client.watch_work_history(job_id):
            show(update)
            if update.is_terminal:
                return update.job
    return None


async def follow_async(endpoint: str, curp: str) -> WorkHistoryJob | None:
    """The same with asyncio."""
    async with AsyncClient(endpoint) as client:
        job_id = (await client.submit_work_history(curp, purpose="example")).job.job_id
        async for update in client.watch_work_history(job_id):
            show(update)
            if update.is_terminal:
                return update.job
    return None


def show(update: JobUpdate) -> None:
    """A line for each step."""
    match update:
        case SnapshotUpdate(job=job):
            print(f"{job.job_id} is {enum_name(JobState, job.state)}")
        case EventUpdate(event=event):
            stage = enum_name(semanas.JobStage, event.stage)
            print(f"  {event.sequence:>2} {enum_name(JobState, event.state)} {stage if event.stage else ''}".rstrip())
        case _:
            print("  the server's store does not answer; it goes on")


def main() -> int:
    """The exit code: 0 when there is a work history."""
    parser = argparse.ArgumentParser(description="Show how a work history comes about")
    parser.add_argument("curp")
    parser.add_argument("--asyncio", action="store_true", help="use the client for asyncio")
    given = parser.parse_args()
    endpoint = os.environ.get("SEMANAS_SERVER", "http://127.0.0.1:50051")
    try:
        job = asyncio.run(follow_async(endpoint, given.curp)) if given.asyncio else follow(endpoint, given.curp)
    except semanas.SemanasError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if job is None or job.state != JobState.JOB_STATE_SUCCEEDED:
        print(f"no work history: {job.failure.message if job else 'the job has vanished'}", file=sys.stderr)
        return 1
    print(f"{job.work_history.employment_count} employments:")
    for one in job.work_history.employments:
        until = "today" if one.current else str(one.end_date.year or "?")
        print(f"  {one.start_date.year or '?'} to {until}: {one.employer}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
