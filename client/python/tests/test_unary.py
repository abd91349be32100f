"""Unary calls of both clients over real sockets: tries, deadlines, errors, hooks, traces, pages."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from faces import Face, connect, eventually, over_channel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import semanas
from semanas import CallAttempt, ConnectionState, ErrorReason, Health, Hooks, JobState, Options, RetryPolicy, v1
from semanas.testing import SILENCE, Failure, FakeServer

Make = Callable[..., Face]

QUICK = RetryPolicy(delay_first=0.01)
UNAVAILABLE = Failure(grpc.StatusCode.UNAVAILABLE, reason="STORE_UNAVAILABLE")
JOB = v1.GetWorkHistoryResponse(job=v1.WorkHistoryJob(job_id="wh_1", state=JobState.JOB_STATE_RUNNING))


async def test_a_call_is_made_again_with_the_same_request_id(fake: FakeServer, client: Make) -> None:
    submitted = v1.SubmitWorkHistoryResponse(job=v1.WorkHistoryJob(job_id="wh_1"))
    fake.answer("SubmitWorkHistory", UNAVAILABLE, UNAVAILABLE, submitted)
    async with client(options=Options(retry=QUICK)) as calls:
        answer = await calls("submit_work_history", "GOAA970724HYNNNL08", labels={"flow": "loan"}, provider="KIBAN")
    assert answer.job.job_id == "wh_1"
    requests = [call.request for call in fake.calls]
    assert len(requests) == 3
    assert len({request.request_id for request in requests}) == 1
    assert requests[0].request_id
    assert requests[0].labels == {"flow": "loan"}
    assert requests[0].provider == v1.Provider.PROVIDER_KIBAN


async def test_tries_are_bounded_and_the_last_real_error_is_told(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", UNAVAILABLE)
    async with client(options=Options(retry=QUICK)) as calls:
        with pytest.raises(semanas.UnavailableError) as caught:
            await calls("get_work_history", "wh_1")
    assert caught.value.reason == "STORE_UNAVAILABLE"
    assert isinstance(caught.value.__cause__, grpc.RpcError)
    assert len(fake.calls) == 4


async def test_retries_can_be_switched_off(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", UNAVAILABLE)
    async with client(options=Options(retry=None)) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls("get_work_history", "wh_1")
    assert len(fake.calls) == 1


async def test_exhausted_is_tried_again_only_when_the_server_says_when(fake: FakeServer, client: Make) -> None:
    exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
    async with client(options=Options(retry=QUICK)) as calls:
        fake.answer("GetWorkHistory", Failure(exhausted, retry_delay=0.02), JOB)
        assert (await calls("get_work_history", "wh_1")).job_id == "wh_1"
        fake.answer("GetWorkHistory", Failure(exhausted))
        with pytest.raises(semanas.ExhaustedError):
            await calls("get_work_history", "wh_1")
    assert len(fake.calls) == 3


async def test_a_lookup_that_buys_anew_is_made_again_only_on_the_servers_word(fake: FakeServer, client: Make) -> None:
    broken = Failure(grpc.StatusCode.UNAVAILABLE)
    found = v1.LookupNssResponse(nss="12345678903")
    async with client(options=Options(retry=QUICK)) as calls:
        fake.answer("LookupNss", broken, found)
        with pytest.raises(semanas.UnavailableError):
            await calls("lookup_nss", "GOAA970724HYNNNL08", max_age=0)
        fake.answer("LookupNss", UNAVAILABLE, found)
        assert (await calls("lookup_nss", "GOAA970724HYNNNL08", allow_repeat_charge=True)).nss == "12345678903"
        fake.answer("LookupNss", broken, found)
        assert (await calls("lookup_nss", "GOAA970724HYNNNL08", max_age=timedelta(days=1))).nss == "12345678903"
    assert len(fake.calls) == 5


async def test_a_wait_that_would_pass_the_deadline_is_not_begun(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", Failure(grpc.StatusCode.UNAVAILABLE, retry_delay=5))
    async with client(options=Options(unary_deadline=2)) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls("get_work_history", "wh_1")
    assert len(fake.calls) == 1


@pytest.mark.parametrize("make", [connect, over_channel])
async def test_every_way_to_make_a_client_gives_unary_calls_a_deadline(fake: FakeServer, kind: str, make: Any) -> None:
    fake.answer("GetWorkHistory", JOB)
    async with make(kind, fake.endpoint) as calls:
        await calls("get_work_history", "wh_1")
        await calls.raw("GetWorkHistory", v1.GetWorkHistoryRequest(job_id="wh_1"))
        await calls("get_work_history", "wh_1", timeout=7)
        await calls("get_work_history", "wh_1", timeout=math.inf)
        await calls.raw("GetWorkHistory", v1.GetWorkHistoryRequest(job_id="wh_1"), timeout=7)
        await calls.items("watch_work_history", "wh_1").all()
    left = [call.time_left and round(call.time_left) for call in fake.calls]
    assert left == [30, 30, 7, None, 7, None]


async def test_the_deadline_passes(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", SILENCE)
    async with client(options=Options(unary_deadline=0.2)) as calls:
        with pytest.raises(semanas.DeadlineExceededError) as caught:
            await calls("get_work_history", "wh_1")
    assert caught.value.job_id is None
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_an_error_tells_all_that_the_server_told(fake: FakeServer, client: Make) -> None:
    wrong = Failure(
        grpc.StatusCode.INVALID_ARGUMENT,
        reason="INVALID_CURP",
        message="the request is wrong",
        metadata={"provider": "KIBAN"},
        violations={"subject.curp": "wrong check digit"},
    )
    fake.answer("LookupNss", wrong)
    async with client() as calls:
        with pytest.raises(semanas.InvalidRequestError) as caught:
            await calls("lookup_nss", "BAD")
    error = caught.value
    assert error.known_reason == ErrorReason.ERROR_REASON_INVALID_CURP
    assert (error.domain, error.metadata) == ("semanas", {"provider": "KIBAN"})
    assert error.violations == (semanas.Violation("subject.curp", "wrong check digit"),)
    assert str(error) == "the request is wrong [INVALID_CURP]: subject.curp: wrong check digit"
    assert error.status is not None
    assert len(error.status.details) == 2


async def test_unknown_reasons_and_garbage_leave_the_code(fake: FakeServer, client: Make) -> None:
    not_found = grpc.StatusCode.NOT_FOUND
    async with client() as calls:
        fake.answer("GetWorkHistory", Failure(not_found, reason="MOON_TOO_BRIGHT"))
        with pytest.raises(semanas.NotFoundError) as unknown:
            await calls("get_work_history", "wh_1")
        fake.answer("GetWorkHistory", Failure(not_found, details=b"\xff\xff\xff", message="gone"))
        with pytest.raises(semanas.NotFoundError) as garbage:
            await calls("get_work_history", "wh_1")
        fake.answer("GetWorkHistory", Failure(not_found, reason="INTERNAL", domain="mesh.example"))
        with pytest.raises(semanas.NotFoundError) as foreign:
            await calls("get_work_history", "wh_1")
    assert (unknown.value.reason, unknown.value.known_reason) == ("MOON_TOO_BRIGHT", None)
    assert (garbage.value.reason, str(garbage.value)) == ("", "gone")
    assert (foreign.value.domain, foreign.value.known_reason) == ("mesh.example", None)


async def test_hooks_are_told_of_tries_and_states_and_cannot_break_a_call(fake: FakeServer, client: Make) -> None:
    told: list[CallAttempt] = []
    states: list[ConnectionState] = []

    def note(attempt: CallAttempt) -> None:
        told.append(attempt)
        raise ValueError("a broken hook")

    fake.answer("GetWorkHistory", UNAVAILABLE, JOB)
    hooks = Hooks(on_attempt=note, on_connection_state=states.append)
    async with client(options=Options(retry=QUICK, hooks=hooks)) as calls:
        await calls("get_work_history", "wh_1")
        await eventually(lambda: ConnectionState.READY in states)
    assert [(one.method, one.number, one.code.name) for one in told] == [
        ("GetWorkHistory", 1, "UNAVAILABLE"),
        ("GetWorkHistory", 2, "OK"),
    ]
    assert told[0].reason == "STORE_UNAVAILABLE"
    assert told[0].wait is not None
    assert told[1].wait is None


async def test_each_try_is_a_span_and_the_server_gets_its_traceparent(fake: FakeServer, client: Make) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    fake.answer("GetWorkHistory", UNAVAILABLE, JOB)
    async with client(options=Options(retry=QUICK, tracer=provider.get_tracer("test"))) as calls:
        await calls("get_work_history", "wh_1")
        await calls.items("watch_work_history", "wh_1").all()
    finished = spans.get_finished_spans()
    assert [span.name.rpartition("/")[2] for span in finished] == [
        "GetWorkHistory",
        "GetWorkHistory",
        "WatchWorkHistory",
    ]
    parents = [call.metadata["traceparent"] for call in fake.calls]
    sent = [int(parent.split("-")[2], 16) for parent in parents]
    contexts = [span.get_span_context() for span in finished]
    assert [context.span_id for context in contexts if context is not None] == sent
    provider.shutdown()


async def test_health_is_told_as_it_is(fake: FakeServer, client: Make) -> None:
    async with client() as calls:
        for health in Health:
            fake.health = health
            assert await calls("health") is health
    assert fake.calls[0].request == b"\n\x1dsemanas.v1.WorkHistoryService"


async def test_health_is_never_tried_again(fake: FakeServer, client: Make) -> None:
    told: list[CallAttempt] = []
    fake.stop()
    async with client(options=Options(hooks=Hooks(on_attempt=told.append))) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls("health")
    assert len(told) == 1


async def test_pages_are_fetched_as_they_are_reached(fake: FakeServer, client: Make) -> None:
    def page(numbers: list[int], token: str) -> v1.ListWorkHistoriesResponse:
        jobs = [v1.WorkHistoryJob(job_id=f"wh_{number}") for number in numbers]
        return v1.ListWorkHistoriesResponse(jobs=jobs, next_page_token=token)

    fake.answer("ListWorkHistories", page([1, 2], "second"), page([], "third"), page([3], ""))
    async with client() as calls:
        jobs = calls.items("list_work_histories", states=["FAILED"], labels={"a": "b"})
        assert (await anext(jobs)).job_id == "wh_1"
        assert len(fake.calls) == 1
        assert [job.job_id for job in await jobs.all()] == ["wh_2", "wh_3"]
    assert [call.request.page_token for call in fake.calls] == ["", "second", "third"]
    assert all(call.request.filter.states == [JobState.JOB_STATE_FAILED] for call in fake.calls)


async def test_the_calls_of_operators(fake: FakeServer, client: Make) -> None:
    fake.answer("ListCharges", v1.ListChargesResponse(charges=[v1.Charge(charge_id="at_1")]))
    fake.answer("GetProviderStatus", v1.GetProviderStatusResponse(providers=[v1.ProviderStatus(configured=True)]))
    fake.answer("ResolveWorkHistory", Failure(grpc.StatusCode.UNAVAILABLE))
    async with client(options=Options(retry=QUICK)) as calls:
        assert [charge.charge_id for charge in await calls.items("list_charges", job_id="wh_1").all()] == ["at_1"]
        assert (await calls("get_provider_status"))[0].configured
        with pytest.raises(semanas.UnavailableError):
            await calls("resolve_work_history", "wh_1", "YES", note="their books say so")
    resolved = fake.calls_of("ResolveWorkHistory")
    assert len(resolved) == 1
    assert resolved[0].request.charge == v1.ChargeState.CHARGE_STATE_YES


async def test_an_answer_without_its_job_is_an_error(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", v1.GetWorkHistoryResponse())
    async with client() as calls:
        with pytest.raises(semanas.InternalError):
            await calls("get_work_history", "wh_1")


async def test_closing_ends_what_is_under_way_and_a_closed_client_says_so(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", SILENCE)
    async with client() as calls:
        waiting = asyncio.ensure_future(calls("get_work_history", "wh_1"))
        await eventually(lambda: fake.under_way == 1)
    with pytest.raises(semanas.CancelledError):
        await waiting
    with pytest.raises(RuntimeError, match="closed"):
        await calls("health")


async def test_a_wait_between_tries_ends_with_the_client(fake: FakeServer, client: Make) -> None:
    fake.answer("GetWorkHistory", Failure(grpc.StatusCode.UNAVAILABLE, retry_delay=19))
    told: list[CallAttempt] = []
    async with client(options=Options(hooks=Hooks(on_attempt=told.append))) as calls:
        waiting = asyncio.ensure_future(calls("get_work_history", "wh_1"))
        await eventually(lambda: len(told) == 1)
    with pytest.raises(semanas.CancelledError):
        await asyncio.wait_for(waiting, 10)


async def test_an_answer_of_many_megabytes_is_read(fake: FakeServer, client: Make) -> None:
    job = v1.WorkHistoryJob(job_id="wh_1")
    job.work_history.person.full_name = "A" * (20 * 1024 * 1024)
    fake.answer("GetWorkHistory", v1.GetWorkHistoryResponse(job=job))
    async with client() as calls:
        assert len((await calls("get_work_history", "wh_1")).work_history.person.full_name) == 20 * 1024 * 1024


async def test_the_fake_tells_a_story_by_itself(client: Make) -> None:
    async with client() as calls:
        assert len((await calls("lookup_nss", "GOAA970724HYNNNL08")).nss) == 11
        with pytest.raises(semanas.InvalidRequestError) as wrong:
            await calls("lookup_nss", "short")
        assert (wrong.value.reason, wrong.value.violations[0].field) == ("INVALID_CURP", "curp")
        job = await calls("get_work_history_when_done", "GOAA970724HYNNNL08", labels={"team": "payroll"})
        assert job.work_history.employment_count == 1
        assert dict(job.labels) == {"team": "payroll"}
        assert (await calls("get_work_history", job.job_id)) == job
        assert (await calls("cancel_work_history", job.job_id)).state == job.state
        with pytest.raises(semanas.NotFoundError):
            await calls("get_work_history", "wh_unheard")
        listed = await calls.items("list_work_histories").all()
        assert [one.job_id for one in listed] == [job.job_id]
        assert not listed[0].HasField("work_history")
        assert await calls.items("list_work_histories", labels={"team": "other"}).all() == []
        feed = calls.items("watch_work_histories")
        assert (await anext(feed)).job.job_id == job.job_id
        assert isinstance(await anext(feed), semanas.FeedSyncedUpdate)
        await feed.close()
        assert await calls.items("list_charges").all() == []
        assert list(await calls("get_provider_status")) == []
        with pytest.raises(semanas.FailedPreconditionError):
            await calls("resolve_work_history", job.job_id, charge="NO")
