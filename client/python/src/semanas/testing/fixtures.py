"""The fixtures for pytest: `pytest_plugins = ["semanas.testing.fixtures"]` in the `conftest.py` at the root of your tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import DemoServer, FakeServer, start_server


@pytest.fixture(scope="session")
def semanas_server() -> Iterator[DemoServer | FakeServer]:
    """A server for the whole run: the real one with synthetic people when `semanas` is at hand, else a fake."""
    with start_server() as server:
        yield server


@pytest.fixture
def semanas_fake() -> Iterator[FakeServer]:
    """A fake server for one test, which is told what to answer: `semanas_fake.answer("LookupNss", ...)`."""
    with FakeServer() as server:
        yield server
