"""The client for code that blocks: its methods, one for each thing that can be asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import grpc

from . import _paths as paths
from . import _requests as requests
from ._connection import Connection, Raw
from ._errors import DeadlineExceededError
from ._follow import Follower
from ._health import Health
from ._options import Credentials, Options
from ._requests import ChargeName, ProviderName, Span, StateName
from ._retry import Repeat
from ._status import no_job, succeeded
from ._updates import FeedUpdate, JobUpdate, read_feed_message, read_job_message
from ._watch import Watch
from .v1 import (
    CancelWorkHistoryRequest,
    Charge,
    GetProviderStatusRequest,
    GetWorkHistoryRequest,
    ListWorkHistoriesRequest,
    LookupNssResponse,
    ProviderStatus,
    SubmitWorkHistoryRequest,
    SubmitWorkHistoryResponse,
    WatchWorkHistoriesRequest,
    WatchWorkHistoryRequest,
    WorkHistoryJob,
)

if TYPE_CHECKING:
    from typing_extensions import Self

Item = TypeVar("Item")


class Client:
    """A client of one Semanas deployment, for code that blocks. It may be shared by threads, and not across a fork.

    Nothing is sent before the first call. Use it in a ``with`` block or call ``close()``. Every method raises subclasses of
    ``SemanasError``; each unary call takes a ``timeout`` in seconds for itself with all its tries (``None`` =
    ``Options.unary_deadline``, ``math.inf`` = none).
    """

    def __init__(
        self, endpoint: str, *, credentials: Credentials | None = None, options: Options | None = None
    ) -> None:
        """A client of the server at ``endpoint``: ``https://host[:port]``, or ``http://host[:port]`` on the same machine.

        Raises ``ConfigurationError`` when these do not fit together.
        """
        self._connection = Connection.open(endpoint, credentials or Credentials(), options or Options())

    @classmethod
    def from_channel(cls, channel: grpc.Channel, *, options: Options | None = None) -> Self:
        """A client over a channel of the caller's making: other transports, balancing, interceptors, own TLS and credentials.

        What ``options`` say about the connection has no effect, and closing the client leaves the channel open. Switch the
        channel's own retries off (``("grpc.enable_retries", 0)``), and allow 32 MiB for an answer.
        """
        client = cls.__new__(cls)
        client._connection = Connection(channel, Credentials(), options or Options(), is_own=False)
        return client

    @property
    def raw(self) -> Raw:
        """The generated stubs over the same connection, for what this client does not offer."""
        return self._connection.raw()

    def close(self) -> None:
        """Ends all calls and watches and closes the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lookup_nss(
        self,
        curp: str,
        *,
        max_age: Span | None = None,
        allow_repeat_charge: bool = False,
        purpose: str = "",
        consent_reference: str = "",
        timeout: float | None = None,
    ) -> LookupNssResponse:
        """Gives the NSS for a CURP: from a recent answer, from a lookup that is under way, or bought once.

        Takes as long as the provider does, within the deadline; after ``DeadlineExceededError`` the lookup goes on, and the same
        call later gets its answer. ``max_age`` accepts an answer this old (absent = the server's default, zero = buy a new one);
        ``allow_repeat_charge`` is leave to pay again after a lookup whose outcome is unknown. ``NotFoundError`` and
        ``FailedPreconditionError`` are definite answers about the person.
        """
        request = requests.lookup(curp, max_age, allow_repeat_charge, purpose, consent_reference)
        service = self._connection.work_histories
        return self._connection.call(
            service.LookupNss, paths.LOOKUP_NSS, request, timeout, requests.lookup_repeat(request)
        )

    def submit_work_history(
        self,
        curp: str,
        *,
        nss: str = "",
        given_names: str = "",
        paternal_surname: str = "",
        maternal_surname: str = "",
        limit: int = 0,
        request_id: str | None = None,
        max_age: Span | None = None,
        allow_repeat_charge: bool = False,
        provider: ProviderName | None = None,
        test_case_id: str = "",
        purpose: str = "",
        consent_reference: str = "",
        labels: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> SubmitWorkHistoryResponse:
        """Starts a job, joins the one that is under way for this person, or gives back a recent answer. Returns at once.

        Names are needed for the route by Kiban; ``curp`` alone is enough for the route by NSS. ``limit`` keeps that many
        employments, newest first (0 = all). Without a ``request_id`` one is made, so that a retry gets the same job.
        """
        request = requests.submit(
            curp=curp,
            nss=nss,
            given_names=given_names,
            paternal_surname=paternal_surname,
            maternal_surname=maternal_surname,
            limit=limit,
            request_id=request_id,
            max_age=max_age,
            allow_repeat_charge=allow_repeat_charge,
            provider=provider,
            test_case_id=test_case_id,
            purpose=purpose,
            consent_reference=consent_reference,
            labels=labels,
        )
        return self._submit(request, timeout)

    def watch_work_history(
        self, job_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> Watch[JobUpdate]:
        """Follows a job until it ends, across broken connections and restarts of the server.

        Without a ``cursor`` the first update is a snapshot; with one, only later events follow. ``limit`` cuts the answer's
        employments (0 = all, ``None`` = as asked by Submit). Each event comes once, in order, none missing. Leaving the loop
        ends the RPC.
        """
        return self._watch_job(job_id, cursor, limit, None)

    def get_work_history_when_done(
        self,
        curp: str,
        *,
        nss: str = "",
        given_names: str = "",
        paternal_surname: str = "",
        maternal_surname: str = "",
        limit: int = 0,
        request_id: str | None = None,
        max_age: Span | None = None,
        allow_repeat_charge: bool = False,
        provider: ProviderName | None = None,
        test_case_id: str = "",
        purpose: str = "",
        consent_reference: str = "",
        labels: Mapping[str, str] | None = None,
        time_limit: Span | None = None,
    ) -> WorkHistoryJob:
        """Submits and watches to the end: gives the job that SUCCEEDED, with its ``work_history``.

        ``time_limit`` spans everything; without one it waits until the job's own deadline ends it. Raises
        ``JobNotSucceededError`` when the job ended otherwise, and ``DeadlineExceededError`` with ``job_id`` and ``cursor`` when
        the time was up: the job goes on, and a watch from there misses nothing.
        """
        began = time.monotonic()
        request = requests.submit(
            curp=curp,
            nss=nss,
            given_names=given_names,
            paternal_surname=paternal_surname,
            maternal_surname=maternal_surname,
            limit=limit,
            request_id=request_id,
            max_age=max_age,
            allow_repeat_charge=allow_repeat_charge,
            provider=provider,
            test_case_id=test_case_id,
            purpose=purpose,
            consent_reference=consent_reference,
            labels=labels,
        )
        limit_s = None if time_limit is None else requests.seconds(time_limit)
        submitted = self._submit(request, requests.submit_timeout(self._connection.options.unary_deadline, limit_s))
        # A job that was joined may have been started with a wider limit: ours is said again.
        job_id, deadline = submitted.job.job_id, None if limit_s is None else began + limit_s
        with self._watch_job(job_id, None, limit, deadline) as watch:
            try:
                for update in watch:
                    if update.is_terminal:
                        return succeeded(requests.present(update.job))
            except DeadlineExceededError as error:
                error.job_id, error.cursor = job_id, watch.cursor
                raise
        raise no_job()

    def get_work_history(
        self, job_id: str, *, limit: int | None = None, timeout: float | None = None
    ) -> WorkHistoryJob:
        """Gives a job as it stands, with the work history once it is there. ``NotFoundError`` when there is no such job."""
        request = GetWorkHistoryRequest(job_id=requests.string("job_id", job_id), limit=limit)
        service = self._connection.work_histories
        answer = self._connection.call(service.GetWorkHistory, paths.GET_WORK_HISTORY, request, timeout)
        return requests.present(answer.job if answer.HasField("job") else None)

    def cancel_work_history(self, job_id: str, *, timeout: float | None = None) -> WorkHistoryJob:
        """Asks a job to stop and gives it as it stands then. Before a paid call it is cancelled at once; a call under way is not
        thrown away.
        """
        request = CancelWorkHistoryRequest(job_id=requests.string("job_id", job_id))
        service = self._connection.work_histories
        answer = self._connection.call(service.CancelWorkHistory, paths.CANCEL_WORK_HISTORY, request, timeout)
        return requests.present(answer.job if answer.HasField("job") else None)

    def list_work_histories(
        self,
        *,
        states: Iterable[StateName] = (),
        labels: Mapping[str, str] | None = None,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> Iterator[WorkHistoryJob]:
        """All jobs, newest first, without work histories; a page is fetched when it is reached, each within ``timeout``.

        Only those in any of ``states``, with all of ``labels``, and created inside the span; none of these = all.
        """
        which = requests.job_filter(states, labels, created_from, created_before)
        method, path = self._connection.work_histories.ListWorkHistories, paths.LIST_WORK_HISTORIES

        def fetch(page_token: str) -> tuple[Iterable[WorkHistoryJob], str]:
            request = ListWorkHistoriesRequest(page_size=page_size, page_token=page_token, filter=which)
            page = self._connection.call(method, path, request, timeout)
            return page.jobs, page.next_page_token

        return _pages(fetch)

    def watch_work_histories(
        self,
        *,
        states: Iterable[StateName] = (),
        labels: Mapping[str, str] | None = None,
        cursor: str | None = None,
        initial_count: int = 0,
    ) -> Watch[FeedUpdate]:
        """Follows all jobs that the caller may see, without end: the newest ``initial_count`` first (0 = 100), then every change.

        ``cursor`` goes on from an earlier update instead.
        """
        which = requests.job_filter(states, labels)

        def request(at: str) -> WatchWorkHistoriesRequest:
            return WatchWorkHistoriesRequest(cursor=at, filter=which, initial_count=initial_count)

        follower = Follower(read_feed_message, cursor, self._connection.options.watch)
        method, path = self._connection.work_histories.WatchWorkHistories, paths.WATCH_WORK_HISTORIES
        return self._connection.watch(method, path, request, follower)

    def health(self, *, timeout: float | None = None) -> Health:
        """Whether the server takes work. Never retried: whoever asks wants to know it as it is."""
        return self._connection.health(timeout)

    def list_charges(
        self,
        *,
        job_id: str = "",
        provider: ProviderName | None = None,
        states: Iterable[ChargeName] = (),
        opened_from: datetime | None = None,
        opened_before: datetime | None = None,
        page_size: int = 0,
        timeout: float | None = None,
    ) -> Iterator[Charge]:
        """For operators: the ledger of charges, newest first; a page is fetched when it is reached, each within ``timeout``."""
        request = requests.charges(job_id, provider, states, opened_from, opened_before, page_size)
        method = self._connection.operations.ListCharges

        def fetch(page_token: str) -> tuple[Iterable[Charge], str]:
            request.page_token = page_token
            page = self._connection.call(method, paths.LIST_CHARGES, request, timeout)
            return page.charges, page.next_page_token

        return _pages(fetch)

    def get_provider_status(self, *, timeout: float | None = None) -> list[ProviderStatus]:
        """For operators: each provider's state as this deployment sees it."""
        method = self._connection.operations.GetProviderStatus
        answer = self._connection.call(method, paths.GET_PROVIDER_STATUS, GetProviderStatusRequest(), timeout)
        return list(answer.providers)

    def resolve_work_history(
        self, job_id: str, charge: ChargeName, *, note: str = "", timeout: float | None = None
    ) -> WorkHistoryJob:
        """For operators: settles a job whose charge is unknown, after the provider's books were asked (``"YES"`` or ``"NO"``)."""
        request = requests.resolve(job_id, charge, note)
        method = self._connection.operations.ResolveWorkHistory
        # A repeat whose first try arrived would be refused as settled already, which would be wrong to report.
        repeat = Repeat.ON_SERVERS_WORD
        answer = self._connection.call(method, paths.RESOLVE_WORK_HISTORY, request, timeout, repeat)
        return requests.present(answer.job if answer.HasField("job") else None)

    def _submit(self, request: SubmitWorkHistoryRequest, timeout: float | None) -> SubmitWorkHistoryResponse:
        service = self._connection.work_histories
        answer = self._connection.call(service.SubmitWorkHistory, paths.SUBMIT_WORK_HISTORY, request, timeout)
        requests.present(answer.job if answer.HasField("job") else None)
        return answer

    def _watch_job(
        self, job_id: str, cursor: str | None, limit: int | None, deadline: float | None
    ) -> Watch[JobUpdate]:
        requests.string("job_id", job_id)

        def request(at: str) -> WatchWorkHistoryRequest:
            return WatchWorkHistoryRequest(job_id=job_id, cursor=at, limit=limit)

        follower = Follower(read_job_message, cursor, self._connection.options.watch)
        method, path = self._connection.work_histories.WatchWorkHistory, paths.WATCH_WORK_HISTORY
        return self._connection.watch(method, path, request, follower, deadline)


def _pages(fetch: Callable[[str], tuple[Iterable[Item], str]]) -> Iterator[Item]:
    page_token = ""
    while True:
        items, page_token = fetch(page_token)
        yield from items
        if not page_token:
            return
