"""The fixtures for pytest, which finds them by the package's entry point. Nothing is imported before a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._demo import DemoServer
    from ._fake import FakeServer


@pytest.fixture(scope="session")
def semanas_server() -> Iterator[DemoServer | FakeServer]:
    """A server for the whole run: the real one with synthetic people when `semanas` is at hand, else a fake."""
    from . import start_server

    with start_server() as server:
        yield server


@pytest.fixture
def semanas_fake() -> Iterator[FakeServer]:
    """A fake server for one test, which is told what to answer: `semanas_fake.answer("LookupNss", ...)`."""
    from . import FakeServer

    with FakeServer() as server:
        yield server
