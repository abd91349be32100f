"""Watches of both clients over real sockets: each event once, through everything that breaks a stream."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from faces import Face, eventually

import semanas
from semanas import (
    CallAttempt,
    EventUpdate,
    FeedJobUpdate,
    FeedResetUpdate,
    FeedSyncedUpdate,
    Hooks,
    JobState,
    JobUpdate,
    Options,
    RetryPolicy,
    SnapshotCause,
    SnapshotUpdate,
    StaleUpdate,
    WatchOptions,
    v1,
)
from semanas.testing import SILENCE, Failure, FakeServer

Make = Callable[..., Face]

RUNNING, SUCCEEDED, FAILED = JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_SUCCEEDED, JobState.JOB_STATE_FAILED
QUICK = Options(watch=WatchOptions(resume=RetryPolicy(tries_max=4, delay_first=0.01)))


def snapshot(sequence: int, cause: Any = SnapshotCause.SNAPSHOT_CAUSE_START, interval: float = 5) -> Any:
    """A snapshot whose cursor is `cN`."""
    job = v1.WorkHistoryJob(job_id="wh_1", state=RUNNING, event_sequence=sequence)
    message = v1.WatchWorkHistoryResponse(cursor=f"c{sequence}", snapshot=v1.JobSnapshot(job=job, cause=cause))
    message.snapshot.heartbeat_interval.FromMilliseconds(round(interval * 1000))
    return message


def event(sequence: int) -> Any:
    """An event whose cursor is `cN`."""
    return v1.WatchWorkHistoryResponse(cursor=f"c{sequence}", event=v1.JobEvent(sequence=sequence, state=RUNNING))


def last(sequence: int, state: Any = SUCCEEDED) -> Any:
    """The terminal event."""
    job = v1.WorkHistoryJob(job_id="wh_1", state=state, event_sequence=sequence)
    if state == FAILED:
        job.failure.reason = v1.ErrorReason.ERROR_REASON_NSS_NOT_FOUND
        job.failure.message = "there is none"
    content = v1.JobEvent(sequence=sequence, state=state, job=job)
    return v1.WatchWorkHistoryResponse(cursor=f"c{sequence}", terminal=True, event=content)


def heartbeat(cursor: str) -> Any:
    """A sign of life."""
    return v1.WatchWorkHistoryResponse(cursor=cursor, heartbeat=v1.Heartbeat())


def draining(milliseconds: int) -> Any:
    """The server is about to end the stream."""
    message = v1.WatchWorkHistoryResponse(draining=v1.Draining())
    message.draining.resume_delay.FromMilliseconds(milliseconds)
    return message


def sequences(updates: list[JobUpdate]) -> list[int]:
    """What each update counts up to."""
    return [
        one.event.sequence if isinstance(one, EventUpdate) else getattr(one.job, "event_sequence", -1)
        for one in updates
    ]


def cursors(fake: FakeServer) -> list[str]:
    """With which cursors the watch was opened."""
    return [call.request.cursor for call in fake.calls_of("WatchWorkHistory")]


async def check(fake: FakeServer, client: Make, streams: list[Any], expected: list[int], at: list[str]) -> list[Any]:
    """A job watched through these streams shows these sequences, and was opened with these cursors."""
    fake.answer("WatchWorkHistory", *streams)
    async with client(options=QUICK) as calls:
        updates = await calls.items("watch_work_history", "wh_1").all()
    assert sequences(updates) == expected
    assert cursors(fake) == at
    assert [one.is_terminal for one in updates] == [False] * (len(updates) - 1) + [True]
    return updates


async def test_each_event_once_in_order_heartbeats_and_news_hidden(fake: FakeServer, client: Make) -> None:
    unknown = v1.WatchWorkHistoryResponse(cursor="c1u")
    stale = v1.WatchWorkHistoryResponse(cursor="c1s", stale=v1.Stale())
    stream = [snapshot(1), unknown, stale, heartbeat("c1h"), event(2), event(2), event(1), last(3)]
    updates = await check(fake, client, [stream], [1, 2, 3], [""])
    assert isinstance(updates[0], SnapshotUpdate)
    assert updates[0].cause == SnapshotCause.SNAPSHOT_CAUSE_START
    assert updates[2].job.state == SUCCEEDED
    assert [one.cursor for one in updates] == ["c1", "c2", "c3"]


@pytest.mark.parametrize(
    "end",
    [
        Failure(grpc.StatusCode.UNAVAILABLE),
        Failure(grpc.StatusCode.UNAVAILABLE, reason="SERVER_DRAINING", retry_delay=0.01),
        Failure(grpc.StatusCode.INTERNAL),
        Failure(grpc.StatusCode.UNKNOWN),
        Failure(grpc.StatusCode.CANCELLED),
        Failure(grpc.StatusCode.DEADLINE_EXCEEDED),
        Failure(grpc.StatusCode.INTERNAL, reason="HTTP_502", domain="mesh.example"),
        Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, reason="SLOW_CONSUMER"),
        None,
        draining(10),
    ],
)
async def test_a_stream_that_ends_early_is_resumed_with_the_last_cursor(
    fake: FakeServer, client: Make, end: Any
) -> None:
    first = [snapshot(1), event(2), heartbeat("c2h"), *([end] if end is not None else [])]
    await check(fake, client, [first, [event(2), last(3)]], [1, 2, 3], ["", "c2h"])


async def test_a_gap_breaks_the_stream_and_the_good_cursor_is_kept(fake: FakeServer, client: Make) -> None:
    await check(fake, client, [[snapshot(1), event(3)], [event(2), last(3)]], [1, 2, 3], ["", "c1"])


async def test_after_a_reset_counting_goes_on_from_the_snapshot(fake: FakeServer, client: Make) -> None:
    reset = snapshot(7, SnapshotCause.SNAPSHOT_CAUSE_RESET)
    slow = snapshot(3, SnapshotCause.SNAPSHOT_CAUSE_SLOW_READER)
    await check(fake, client, [[snapshot(1), reset, event(8), slow, event(4), last(5)]], [1, 7, 8, 3, 4, 5], [""])


async def test_from_a_cursor_only_later_events_follow(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [event(5), last(6)])
    async with client() as calls:
        updates = await calls.items("watch_work_history", "wh_1", cursor="c4", limit=3).all()
    assert sequences(updates) == [5, 6]
    request = fake.calls[0].request
    assert (request.job_id, request.cursor, request.limit) == ("wh_1", "c4", 3)


async def test_silence_for_three_heartbeats_is_a_dead_connection(fake: FakeServer, client: Make) -> None:
    quiet = [snapshot(1, interval=0.05), heartbeat("c1h"), SILENCE]
    await check(fake, client, [quiet, [SILENCE], [last(2)]], [1, 2], ["", "c1h", "c1h"])


async def test_silence_while_opening_is_one_too(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [SILENCE], [last(1)])
    watch = WatchOptions(heartbeat_interval=0.05, resume=RetryPolicy(delay_first=0.01))
    async with client(options=Options(watch=watch)) as calls:
        assert sequences(await calls.items("watch_work_history", "wh_1").all()) == [1]
    assert len(fake.calls) == 2


async def test_a_reader_that_takes_its_time_is_not_silence(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1, interval=0.03), last(2)])
    async with client() as calls:
        watch = calls.items("watch_work_history", "wh_1")
        await anext(watch)
        passed = time.monotonic() + 0.3
        await eventually(lambda: time.monotonic() > passed)
        assert sequences(await watch.all()) == [2]
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("end", "kind_of_error"),
    [
        (Failure(grpc.StatusCode.OUT_OF_RANGE, reason="CURSOR_EXPIRED"), semanas.OutOfRangeError),
        (Failure(grpc.StatusCode.INTERNAL, reason="INTERNAL"), semanas.InternalError),
        (Failure(grpc.StatusCode.NOT_FOUND), semanas.NotFoundError),
        (Failure(grpc.StatusCode.UNIMPLEMENTED), semanas.OtherError),
        (Failure(grpc.StatusCode.UNAUTHENTICATED), semanas.UnauthenticatedError),
        (Failure(grpc.StatusCode.PERMISSION_DENIED), semanas.PermissionDeniedError),
    ],
)
async def test_the_servers_word_ends_the_watch(
    fake: FakeServer, client: Make, end: Failure, kind_of_error: type[semanas.SemanasError]
) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1), end])
    async with client(options=QUICK) as calls:
        watch = calls.items("watch_work_history", "wh_1")
        await anext(watch)
        with pytest.raises(kind_of_error):
            await anext(watch)
        with pytest.raises(StopAsyncIteration):
            await anext(watch)
    assert len(fake.calls) == 1


async def test_snapshots_alone_use_the_tries_up_and_events_renew_them(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1)])
    async with client(options=QUICK) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls.items("watch_work_history", "wh_1").all()
    assert len(fake.calls) == 4
    fake.calls.clear()
    streams = [[event(number)] for number in range(2, 10)]
    await check(
        fake,
        client,
        [[snapshot(1)], *streams, [last(10)]],
        list(range(1, 11)),
        [f"c{n}" if n else "" for n in range(10)],
    )


async def test_resuming_can_be_switched_off(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1), Failure(grpc.StatusCode.UNAVAILABLE)])
    async with client(options=Options(watch=WatchOptions(resume=None))) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls.items("watch_work_history", "wh_1").all()
    assert len(fake.calls) == 1


async def test_a_reader_may_ask_to_be_told_that_the_store_is_away(fake: FakeServer, client: Make) -> None:
    stale = v1.WatchWorkHistoryResponse(cursor="c1s", stale=v1.Stale())
    stale.stale.since_time.FromSeconds(0)
    fake.answer("WatchWorkHistory", [snapshot(1), stale, last(2)])
    async with client(options=Options(watch=WatchOptions(reports_stale=True))) as calls:
        updates = await calls.items("watch_work_history", "wh_1").all()
    assert isinstance(updates[1], StaleUpdate)
    assert updates[1].since is not None
    assert updates[1].since.year == 1970


async def test_leaving_the_loop_ends_the_rpc_at_once(fake: FakeServer, kind: str, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1), event(2), SILENCE])
    told: list[CallAttempt] = []
    async with client(options=Options(hooks=Hooks(on_attempt=told.append))) as calls:
        if kind == "sync":

            def leave() -> None:
                for _ in calls.client.watch_work_history("wh_1"):
                    break

            await asyncio.to_thread(leave)
        else:
            async for _ in calls.client.watch_work_history("wh_1"):
                break
        # Not after a collection or a turn of the loop: it has happened.
        assert [(one.method, one.code.name) for one in told] == [("WatchWorkHistory", "CANCELLED")]
        await eventually(lambda: fake.under_way == 0)
    await eventually(lambda: all(thread.name != "semanas-watchdog" for thread in threading.enumerate()))


async def test_a_watch_is_closed_by_somebody_else(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", SILENCE)
    async with client() as calls:
        watch = calls.items("watch_work_history", "wh_1")
        waiting = asyncio.ensure_future(anext(watch))
        await eventually(lambda: fake.under_way == 1)
        await watch.close()
        with pytest.raises(semanas.CancelledError):
            await asyncio.wait_for(waiting, 10)
        await eventually(lambda: fake.under_way == 0)
    assert len(fake.calls) == 1


async def test_a_wait_before_resuming_ends_with_the_watch(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1), draining(100_000)])
    told: list[CallAttempt] = []
    async with client(options=Options(hooks=Hooks(on_attempt=told.append))) as calls:
        watch = calls.items("watch_work_history", "wh_1")
        await anext(watch)
        waiting = asyncio.ensure_future(anext(watch))
        await eventually(lambda: len(told) == 1)
        assert told[0].wait is not None
        assert told[0].wait >= 100
        await calls.client.close() if asyncio.iscoroutinefunction(calls.client.close) else calls.client.close()
        with pytest.raises(semanas.CancelledError):
            await asyncio.wait_for(waiting, 10)


async def test_a_cancelled_task_stays_cancelled(fake: FakeServer) -> None:
    fake.answer("WatchWorkHistory", SILENCE)
    async with semanas.AsyncClient(fake.endpoint) as client:
        watch = client.watch_work_history("wh_1")
        reading = asyncio.ensure_future(anext(watch))
        await eventually(lambda: fake.under_way == 1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await eventually(lambda: fake.under_way == 0)


async def test_when_done_gives_the_job_that_succeeded(fake: FakeServer, client: Make) -> None:
    async with client() as calls:
        job = await calls("get_work_history_when_done", "GOAA970724HYNNNL08", limit=3, time_limit=20)
    assert job.state == SUCCEEDED
    assert job.work_history.employments[0].employer == "EMPRESA DE PRUEBA"
    watched = fake.calls_of("WatchWorkHistory")[0].request
    assert (watched.job_id, watched.limit, watched.cursor) == (job.job_id, 3, "")


async def test_when_done_tells_of_a_job_that_did_not_succeed(fake: FakeServer, client: Make) -> None:
    unheard_of: Any = 77
    async with client() as calls:
        fake.answer("WatchWorkHistory", [snapshot(1), last(2, FAILED)])
        with pytest.raises(semanas.JobNotSucceededError) as failed:
            await calls("get_work_history_when_done", "GOAA970724HYNNNL08")
        fake.answer("WatchWorkHistory", [snapshot(1), last(2, unheard_of)])
        with pytest.raises(semanas.JobNotSucceededError) as unknown:
            await calls("get_work_history_when_done", "GOAA970724HYNNNL08")
    assert failed.value.job.failure.reason == v1.ErrorReason.ERROR_REASON_NSS_NOT_FOUND
    assert str(failed.value) == "job wh_1 ended FAILED: there is none [NSS_NOT_FOUND]"
    assert failed.value.code is None
    assert "UNKNOWN(77)" in str(unknown.value)


async def test_when_done_says_where_to_go_on_when_the_time_is_up(fake: FakeServer, client: Make) -> None:
    fake.answer("WatchWorkHistory", [snapshot(1), event(2), SILENCE])
    async with client() as calls:
        with pytest.raises(semanas.DeadlineExceededError) as caught:
            await calls("get_work_history_when_done", "GOAA970724HYNNNL08", time_limit=0.5)
        await eventually(lambda: fake.under_way == 0)
        fake.answer("WatchWorkHistory", [snapshot(1), draining(60_000)])
        with pytest.raises(semanas.DeadlineExceededError) as waiting:
            await calls("get_work_history_when_done", "GOAA970724HYNNNL08", time_limit=0.5)
    assert (caught.value.job_id, caught.value.cursor) == ("wh_fake_1", "c2")
    assert (waiting.value.job_id, waiting.value.cursor) == ("wh_fake_2", "c1")


async def test_the_feed_goes_on_over_breaks_without_end(fake: FakeServer, client: Make) -> None:
    def change(number: int) -> Any:
        job = v1.WorkHistoryJob(job_id=f"wh_{number}")
        return v1.WatchWorkHistoriesResponse(cursor=f"f{number}", job=job)

    synced = v1.WatchWorkHistoriesResponse(cursor="fs", synced=v1.FeedSynced())
    reset = v1.WatchWorkHistoriesResponse(cursor="fr", reset=v1.FeedReset(cause=SnapshotCause.SNAPSHOT_CAUSE_RESET))
    leave = v1.WatchWorkHistoriesResponse(draining=v1.Draining())
    fake.answer("WatchWorkHistories", [change(1), synced, leave], [change(2)], [reset, change(1), SILENCE])
    async with client(options=QUICK) as calls:
        feed = calls.items("watch_work_histories", states=["RUNNING", FAILED], initial_count=7)
        updates = [await anext(feed) for _ in range(5)]
        await feed.close()
    kinds = [FeedJobUpdate, FeedSyncedUpdate, FeedJobUpdate, FeedResetUpdate, FeedJobUpdate]
    assert [type(update) for update in updates] == kinds
    requests = [call.request for call in fake.calls]
    assert [request.cursor for request in requests] == ["", "fs", "f2"]
    assert all(request.initial_count == 7 for request in requests)
    assert requests[0].filter.states == [RUNNING, FAILED]
