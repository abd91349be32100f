"""What the tests share: a fake server, and both kinds of client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faces import Face, connect

from semanas.testing import FakeServer


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which client."""
    return str(request.param)


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    """A server that answers what it is told."""
    with FakeServer() as server:
        yield server


@pytest.fixture
def client(kind: str, fake: FakeServer) -> Callable[..., Face]:
    """Makes a client of the fake server: `client(options=...)`."""

    def make(**named: Any) -> Face:
        return connect(kind, fake.endpoint, **named)

    return make
