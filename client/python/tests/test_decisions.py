"""What is decided without a socket: waits, the state machine of a watch, names, what is printed."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import datetime
from typing import Any

import grpc
import pytest
from google.protobuf import text_format

import semanas
from semanas import JobState, RetryPolicy, SemanasError, v1
from semanas._errors import Details
from semanas._names import enum_name, enum_value
from semanas._requests import lookup, lookup_repeat
from semanas._retry import Repeat, Tries, resume_delay, unary_delay
from semanas._status import error_of

CODE = grpc.StatusCode
POLICY = RetryPolicy()
SECRETS = ("GOAA970724HYNNNL08", "12345678903", "GONZALEZ", "ACME")


class Ended:
    """The end of a call."""

    def __init__(self, code: grpc.StatusCode, details: str = "", trailers: Any = ()) -> None:
        self._told = (code, details, trailers)

    def code(self) -> grpc.StatusCode:
        return self._told[0]

    def details(self) -> str:
        return self._told[1]

    def trailing_metadata(self) -> Any:
        return self._told[2]


def error(code: grpc.StatusCode, retry_delay: float | None = None, reason: str = "REASON") -> SemanasError:
    kind = type(error_of(Ended(code)))
    return kind(Details("it failed", code=code, reason=reason, domain="semanas", retry_delay=retry_delay))


@pytest.mark.parametrize(
    ("code", "retry_after", "tries_made", "jitter", "expected"),
    [
        # Doubling, and half of it random, until the tries are used up.
        (CODE.UNAVAILABLE, None, 1, 0.0, 0.05),
        (CODE.UNAVAILABLE, None, 2, 0.0, 0.1),
        (CODE.UNAVAILABLE, None, 3, 0.5, 0.3),
        (CODE.UNAVAILABLE, None, 4, 0.0, None),
        # The server's wish is never undercut, and a long one is the caller's to decide.
        (CODE.UNAVAILABLE, 2.0, 1, 0.0, 2.0),
        (CODE.UNAVAILABLE, 2.0, 1, 0.5, 2.5),
        (CODE.UNAVAILABLE, 60.0, 1, 0.0, None),
        (CODE.RESOURCE_EXHAUSTED, 2.0, 1, 0.0, 2.0),
        # A limit without a time, and everything else, is not tried again.
        (CODE.RESOURCE_EXHAUSTED, None, 1, 0.0, None),
        (CODE.INTERNAL, 0.01, 1, 0.0, None),
        (CODE.DEADLINE_EXCEEDED, 0.01, 1, 0.0, None),
        (CODE.UNKNOWN, 0.01, 1, 0.0, None),
    ],
)
def test_when_a_unary_call_is_made_again(
    code: grpc.StatusCode, retry_after: float | None, tries_made: int, jitter: float, expected: float | None
) -> None:
    delay = unary_delay(POLICY, error(code, retry_after), tries_made, jitter)
    assert delay == (None if expected is None else pytest.approx(expected))


def test_a_wait_never_passes_the_longest_one() -> None:
    delay = unary_delay(RetryPolicy(tries_max=10**9), error(CODE.UNAVAILABLE), 4_000_000, 0.999_999)
    assert delay is not None
    assert delay <= POLICY.delay_max


def test_the_deadline_spans_all_tries() -> None:
    tries = Tries(POLICY, Repeat.HARMLESS, 10.0, now=100.0)
    # A little less than is left, for gRPC rounds it up.
    assert tries.begin(100.0) == pytest.approx(10.0, abs=0.01)
    assert tries.delay(error(CODE.UNAVAILABLE), 103.0, 0.0) == pytest.approx(0.05)
    assert tries.begin(104.0) == pytest.approx(6.0, abs=0.01)
    assert tries.delay(error(CODE.UNAVAILABLE), 109.99, 0.0) is None


def test_a_deadline_that_the_server_calls_cancelled_is_a_deadline() -> None:
    tries = Tries(POLICY, Repeat.HARMLESS, 10.0, now=100.0)
    bare = semanas.CancelledError(Details("Timeout expired", code=CODE.CANCELLED))
    assert isinstance(tries.named(bare, 109.99), semanas.DeadlineExceededError)
    assert tries.named(bare, 105.0) is bare
    assert tries.named(error(CODE.UNAVAILABLE), 109.99).code is CODE.UNAVAILABLE
    endless = Tries(POLICY, Repeat.HARMLESS, None, now=100.0)
    assert endless.named(bare, 1e9) is bare


@pytest.mark.parametrize(
    ("code", "reason", "is_resumed"),
    [
        (CODE.UNAVAILABLE, "STORE_UNAVAILABLE", True),
        (CODE.RESOURCE_EXHAUSTED, "SLOW_CONSUMER", True),
        (CODE.UNKNOWN, "", True),
        (CODE.CANCELLED, "", True),
        (CODE.INTERNAL, "INTERNAL", False),
        (CODE.CANCELLED, "INTERNAL", False),
        (CODE.OUT_OF_RANGE, "CURSOR_EXPIRED", False),
        (CODE.UNIMPLEMENTED, "", False),
        (CODE.NOT_FOUND, "", False),
    ],
)
def test_when_a_watch_is_resumed(code: grpc.StatusCode, reason: str, is_resumed: bool) -> None:
    assert (resume_delay(POLICY, error(code, reason=reason), 1, 0.0) is not None) == is_resumed


@pytest.mark.parametrize(
    ("max_age", "allow_repeat_charge", "expected"),
    [
        (None, False, Repeat.HARMLESS),
        (86_400, False, Repeat.HARMLESS),
        (300, False, Repeat.HARMLESS),
        (299.9, False, Repeat.ON_SERVERS_WORD),
        (0, False, Repeat.ON_SERVERS_WORD),
        (-1, False, Repeat.ON_SERVERS_WORD),
        (None, True, Repeat.ON_SERVERS_WORD),
    ],
)
def test_a_lookup_that_could_pay_twice_is_told(max_age: Any, allow_repeat_charge: bool, expected: Repeat) -> None:
    assert lookup_repeat(lookup("X", max_age, allow_repeat_charge, "", "")) is expected


@pytest.mark.parametrize("code", [code for code in CODE if code is not CODE.OK])
def test_every_code_is_an_error_with_words(code: grpc.StatusCode) -> None:
    told = error_of(Ended(code))
    assert told.code is code
    assert str(told) == code.name
    assert told.known_reason is None
    assert told.status is not None
    assert told.status.code == code.value[0]


def test_words_of_grpcs_core_become_plain_and_the_status_keeps_them() -> None:
    words = "Stream removed (Deadline Exceeded)"
    late = error_of(Ended(CODE.DEADLINE_EXCEEDED, words))
    assert str(late) == "the deadline passed before the server answered"
    assert late.status is not None
    assert late.status.message == words
    no_tls = error_of(Ended(CODE.UNAVAILABLE, "SSL_ERROR_SSL: WRONG_VERSION_NUMBER"))
    assert "does not speak TLS" in str(no_tls)


def test_names_of_enums_in_both_directions() -> None:
    assert enum_name(JobState, JobState.JOB_STATE_OUTCOME_UNKNOWN) == "OUTCOME_UNKNOWN"
    assert enum_name(JobState, 7) == "UNKNOWN(7)"
    assert enum_name(v1.OutcomeClass, v1.OutcomeClass.OUTCOME_CLASS_REJECTED) == "REJECTED"
    assert enum_value(JobState, "FAILED") == enum_value(JobState, "JOB_STATE_FAILED") == JobState.JOB_STATE_FAILED
    with pytest.raises(ValueError, match="there are: QUEUED, RUNNING"):
        enum_value(JobState, "MELTED")


def test_mistakes_in_arguments_are_said_at_once() -> None:
    with semanas.Client("http://127.0.0.1:1") as client:
        with pytest.raises(ValueError, match="KIBAN"):
            client.submit_work_history("X", provider="KABIN")  # type: ignore[arg-type]  # pyright: ignore
        with pytest.raises(TypeError, match=r"\['FAILED'\]"):
            client.list_work_histories(states="FAILED")  # type: ignore[arg-type]  # pyright: ignore
        with pytest.raises(ValueError, match="time zone"):
            client.list_work_histories(created_from=datetime(2026, 1, 1))
        job: Any = v1.WorkHistoryJob()
        for method in (
            client.lookup_nss,
            client.submit_work_history,
            client.get_work_history,
            client.watch_work_history,
        ):
            with pytest.raises(TypeError, match="must be a string, not WorkHistoryJob"):
                method(job)
        with pytest.raises(TypeError):
            client.get_work_history(limit=3)  # type: ignore[call-arg]  # pyright: ignore


def test_nothing_that_may_hold_personal_data_prints_it() -> None:
    subject = v1.Subject(curp=SECRETS[0], nss=SECRETS[1], paternal_surname=SECRETS[2])
    job = v1.WorkHistoryJob(job_id="wh_1", state=JobState.JOB_STATE_SUCCEEDED)
    job.work_history.person.curp = SECRETS[0]
    job.work_history.employments.add(employer=SECRETS[3])
    content = v1.JobEvent(sequence=2, state=job.state, job=job)
    message = v1.WatchWorkHistoryResponse(terminal=True, event=content)
    request = v1.SubmitWorkHistoryRequest(subject=subject)
    shown: list[Any] = [
        subject,
        request,
        v1.LookupNssRequest(curp=SECRETS[0]),
        v1.LookupNssResponse(nss=SECRETS[1]),
        job,
        job.work_history,
        job.work_history.employments,
        [job],
        v1.GetWorkHistoryResponse(job=job),
        v1.ListWorkHistoriesResponse(jobs=[job]),
        message,
        message.event,
        semanas.EventUpdate("c", True, content),
        semanas.SnapshotUpdate("c", True, job, v1.SnapshotCause.SNAPSHOT_CAUSE_START),
        semanas.FeedJobUpdate("c", job),
        semanas.JobNotSucceededError("job wh_1 ended FAILED", job),
        semanas.Credentials(bearer_token="ACME", client_key_pem="ACME"),
    ]
    for one in shown:
        for text in (repr(one), str(one), f"{one}"):
            assert not any(secret in text for secret in SECRETS), type(one)
    assert repr(job) == "WorkHistoryJob(job_id=wh_1, state=JOB_STATE_SUCCEEDED, event_sequence=0, ...)"
    assert repr(shown[12]) == "EventUpdate(sequence=2, state=SUCCEEDED)"
    assert "ACME" in text_format.MessageToString(job)


def test_errors_cross_processes_and_show_no_secret_in_a_traceback() -> None:
    job = v1.WorkHistoryJob(job_id="wh_1")
    job.work_history.person.curp = SECRETS[0]
    first = semanas.JobNotSucceededError(Details("ended", reason="NSS_NOT_FOUND", domain="semanas"), job)
    second = semanas.DeadlineExceededError("late")
    second.job_id, second.cursor = "wh_1", "c1"
    again = pickle.loads(pickle.dumps(first))
    assert (again.job, again.reason, again.known_reason) == (job, first.reason, first.known_reason)
    assert copy.copy(second).cursor == "c1"
    assert isinstance(semanas.ConfigurationError("x"), ValueError)
    assert SECRETS[0] not in "".join(traceback.format_exception(first))


def test_a_broken_stream_is_unavailable_whatever_grpc_calls_it() -> None:
    for code in (CODE.INTERNAL, CODE.CANCELLED, CODE.UNKNOWN):
        # As older and newer versions of gRPC word it.
        assert isinstance(error_of(Ended(code, "Received RST_STREAM with error code 2")), semanas.UnavailableError)
        told = error_of(Ended(code, "Stream removed (RST_STREAM (Received RST_STREAM with error code 2))"))
        assert isinstance(told, semanas.UnavailableError)
        assert told.code is CODE.UNAVAILABLE
    assert isinstance(error_of(Ended(CODE.OK)), semanas.InternalError)
