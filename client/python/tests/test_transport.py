"""How both clients connect: plaintext, TLS, client certificates, tokens, proxies, broken and silent servers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import trustme
from faces import Face, connect, eventually

import semanas
from semanas import ConfigurationError, Credentials, Options, RetryPolicy, v1
from semanas._transport import system_authorities
from semanas.testing import FakeServer

Make = Callable[..., Face]

JOB = v1.GetWorkHistoryResponse(job=v1.WorkHistoryJob(job_id="wh_1"))
ONCE = Options(retry=None)


@dataclass
class Pki:
    """An authority, a server's certificate by it, and a client's."""

    authority: str
    server: tuple[bytes, bytes]
    client: tuple[str, str]


@pytest.fixture(scope="module")
def pki() -> Pki:
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1", "localhost"), authority.issue_cert("client@example.mx")

    def both(certificate: Any) -> tuple[bytes, bytes]:
        return certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()

    key, chain = both(client)
    return Pki(authority.cert_pem.bytes().decode(), both(server), (key.decode(), chain.decode()))


@contextlib.contextmanager
def mute_at_first(address: str, connections: int) -> Iterator[str]:
    """An address that takes so many connections without a word, and leads all that come later to the other one."""
    taken: list[socket.socket] = []
    opened: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while read := source.recv(65_536):
                sink.sendall(read)

    def lead(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.append(listener.accept()[0])
                if len(taken) > connections:
                    host, port = address.split(":")
                    opened.append(socket.create_connection((host, int(port))))
                    ends = taken[-1], opened[-1]
                    for source, sink in (ends, ends[::-1]):
                        threading.Thread(target=pump, args=(source, sink), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lead, args=(listener,), daemon=True).start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for one in (*taken, *opened):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()


@pytest.fixture
def secure(pki: Pki) -> Iterator[FakeServer]:
    """A server with TLS."""
    with FakeServer(credentials=grpc.ssl_server_credentials([pki.server])) as server:
        server.answer("GetWorkHistory", JOB)
        yield server


async def test_tls_by_an_authority_that_was_given(kind: str, secure: FakeServer, pki: Pki) -> None:
    async with connect(kind, secure.endpoint, options=Options(ca_certificate_pem=pki.authority)) as calls:
        assert (await calls("get_work_history", "wh_1")).job_id == "wh_1"


async def test_nothing_is_sent_to_a_server_that_nobody_vouches_for(kind: str, secure: FakeServer) -> None:
    async with connect(kind, secure.endpoint, options=ONCE) as calls:
        with pytest.raises(semanas.UnavailableError):
            await calls("get_work_history", "wh_1")
    assert not secure.calls


async def test_a_client_certificate_is_shown(kind: str, pki: Pki) -> None:
    demanding = grpc.ssl_server_credentials([pki.server], pki.authority.encode(), require_client_auth=True)
    options = Options(ca_certificate_pem=pki.authority, retry=None)
    key, chain = pki.client
    with FakeServer(credentials=demanding) as server:
        server.answer("GetWorkHistory", JOB)
        async with connect(kind, server.endpoint, options=options) as calls:
            with pytest.raises(semanas.UnavailableError):
                await calls("get_work_history", "wh_1")
        shown = Credentials(client_certificate_pem=chain, client_key_pem=key)
        async with connect(kind, server.endpoint, options=options, credentials=shown) as calls:
            assert (await calls("get_work_history", "wh_1")).job_id == "wh_1"
    assert len(server.calls) == 1


async def test_a_token_goes_with_every_try_and_stream_and_raw_call(fake: FakeServer, kind: str) -> None:
    tokens = ["one", "two", "three", "four"]
    fake.answer("GetWorkHistory", JOB)
    credentials = Credentials(bearer_token=lambda: tokens.pop(0))
    async with connect(kind, fake.endpoint, credentials=credentials) as calls:
        await calls("get_work_history", "wh_1")
        await calls.items("watch_work_history", "wh_1").all()
        await calls.raw("GetWorkHistory", v1.GetWorkHistoryRequest())
        await calls("health")
        # What the user's own function raises is the user's.
        with pytest.raises(IndexError):
            await calls("get_work_history", "wh_1")
    assert [call.metadata["authorization"] for call in fake.calls] == [
        f"Bearer {n}" for n in ("one", "two", "three", "four")
    ]


async def test_a_coroutine_may_give_the_token(fake: FakeServer) -> None:
    async def token() -> str:
        return "later"

    fake.answer("GetWorkHistory", JOB)
    async with semanas.AsyncClient(fake.endpoint, credentials=Credentials(bearer_token=token)) as client:
        await client.get_work_history("wh_1")
        await client.raw.work_histories.GetWorkHistory(v1.GetWorkHistoryRequest())
        async for _ in client.raw.work_histories.WatchWorkHistory(v1.WatchWorkHistoryRequest(job_id="wh_1")):
            pass
    assert [call.metadata["authorization"] for call in fake.calls] == ["Bearer later"] * 3
    assert fake.calls[1].time_left is not None


async def test_the_user_agent_begins_with_the_users_own(fake: FakeServer, client: Make) -> None:
    async with client(options=Options(user_agent="payroll/7")) as calls:
        await calls("health")
    assert fake.calls[0].metadata["user-agent"].startswith(f"payroll/7 semanas-client-python/{semanas.__version__} ")


async def test_loopback_never_goes_through_a_proxy(fake: FakeServer, client: Make, monkeypatch: Any) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with client(options=ONCE) as calls:
        await calls("health")


@pytest.mark.parametrize(
    ("endpoint", "named", "says"),
    [
        ("semanas.internal:50051", {}, "must look like"),
        ("", {}, "must look like"),
        ("ftp://semanas.internal", {}, "must look like"),
        ("http:// spaces", {}, "must look like"),
        ("https://semanas.internal/path", {}, "must look like"),
        ("https://me@semanas.internal", {}, "must look like"),
        ("https://semanas.internal:99999", {}, "must look like"),
        ("http://10.0.0.7:50051", {}, "allow_plaintext"),
        ("http://localhost.example.mx:50051", {}, "allow_plaintext"),
        (
            "http://10.0.0.7",
            {"credentials": Credentials(bearer_token="t"), "options": Options(allow_plaintext=True)},
            "bearer",
        ),
        ("https://semanas.internal", {"credentials": Credentials(bearer_token="two words")}, "visible ASCII"),
        ("https://semanas.internal", {"credentials": Credentials(client_key_pem="k")}, "belong together"),
        ("https://semanas.internal", {"options": Options(ca_certificate_pem="no pem")}, "no certificate"),
        ("http://localhost", {"options": Options(ca_certificate_pem="c")}, "write https://localhost:80"),
        ("http://localhost", {"credentials": Credentials(client_certificate_pem="c", client_key_pem="k")}, "https"),
    ],
)
async def test_what_cannot_be_used_is_said_before_anything_is_sent(
    kind: str, endpoint: str, named: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        connect(kind, endpoint, **named)
    assert caught.value.code is None
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        ("http://127.8.7.6", Options()),
        ("http://LOCALHOST:1", Options()),
        ("http://[::1]:50051", Options()),
        ("http://semanas.internal", Options(allow_plaintext=True)),
        ("https://semanas.internal/", Options()),
    ],
)
async def test_what_can_be_used_is_not_refused(kind: str, endpoint: str, options: Options) -> None:
    async with connect(kind, endpoint, options=options):
        pass


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Options(unary_deadline=0),
        lambda: Options(connect_timeout=float("nan")),
        lambda: Options(user_agent="a\nb"),
        lambda: RetryPolicy(tries_max=0),
        lambda: RetryPolicy(delay_first=-1),
    ],
)
def test_options_that_make_no_sense_are_refused(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ConfigurationError):
        wrong()


def test_the_systems_authorities_are_trusted(monkeypatch: Any) -> None:
    authorities = system_authorities()
    assert authorities is None or b"BEGIN CERTIFICATE" in authorities
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", os.devnull)
    assert system_authorities() is None


async def test_a_server_that_does_not_shake_hands_is_given_up(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        async with connect(kind, endpoint, options=Options(connect_timeout=0.3, retry=None)) as calls:
            with pytest.raises(semanas.UnavailableError):
                await asyncio.wait_for(calls("get_work_history", "wh_1"), 15)


async def test_a_server_that_comes_up_late_is_found(kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    tried: list[Any] = []
    hooks = semanas.Hooks(on_attempt=tried.append)
    options = Options(retry=RetryPolicy(tries_max=1_000, delay_first=0.02, delay_max=0.05), hooks=hooks)
    async with connect(kind, f"http://127.0.0.1:{port}", options=options) as calls:
        waiting = asyncio.ensure_future(calls("get_work_history", "wh_1"))
        await eventually(lambda: len(tried) >= 2)
        server = FakeServer(address=f"127.0.0.1:{port}")
        server.answer("GetWorkHistory", JOB)
        with server:
            assert (await waiting).job_id == "wh_1"


async def test_each_try_waits_for_a_connection_of_its_own(fake: FakeServer, kind: str) -> None:
    fake.answer("GetWorkHistory", JOB)
    # Together longer than all waits before retries.
    with mute_at_first(fake.endpoint.removeprefix("http://"), connections=3) as address:
        async with connect(kind, f"http://{address}", options=Options(connect_timeout=0.5)) as calls:
            assert (await calls("get_work_history", "wh_1")).job_id == "wh_1"


async def test_waiting_for_a_connection_ends_with_the_client(kind: str) -> None:
    tried: list[Any] = []
    hooks = semanas.Hooks(on_attempt=tried.append)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
        options = Options(connect_timeout=1, unary_deadline=None, retry=RetryPolicy(tries_max=1_000), hooks=hooks)
        async with connect(kind, endpoint, options=options) as calls:
            waiting = asyncio.ensure_future(calls("get_work_history", "wh_1"))
            await eventually(lambda: len(tried) >= 2)
        with pytest.raises(semanas.CancelledError):
            await asyncio.wait_for(waiting, 15)


async def test_a_client_that_crossed_a_fork_says_so(fake: FakeServer, client: Make, monkeypatch: Any) -> None:
    calls = client()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(RuntimeError, match="fork"):
        await calls("health")


def test_a_client_for_asyncio_belongs_to_one_loop(fake: FakeServer) -> None:
    client = semanas.AsyncClient(fake.endpoint)

    async def first() -> semanas.Health:
        return await client.health()

    async def second() -> None:
        with pytest.raises(RuntimeError, match="loop"):
            await client.health()

    assert asyncio.run(first()) is semanas.Health.SERVING
    asyncio.run(second())
