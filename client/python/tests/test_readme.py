"""The examples run as written, against the server that they ask for: the real one when it is at hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from semanas.testing import DemoServer, FakeServer, start_server

ROOT = Path(__file__).parent.parent
RUN_TIME_MAX_S = 60


@pytest.fixture(scope="module")
def server() -> Iterator[DemoServer | FakeServer]:
    with start_server() as started:
        yield started


def run(server: DemoServer | FakeServer, *arguments: str) -> str:
    """What a program prints that finds the server in its environment."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "SEMANAS_SERVER": server.endpoint},
        capture_output=True,
        text=True,
        timeout=RUN_TIME_MAX_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def blocks() -> list[str]:
    """The programs of the README: what imports is complete."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    return [block for block in found if "import os" in block]


def test_there_are_examples() -> None:
    assert len(blocks()) == 2


@pytest.mark.parametrize("program", blocks())
def test_the_readmes_example_runs_as_written(server: DemoServer | FakeServer, program: str) -> None:
    printed = run(server, "-c", program)
    assert re.search(r"(\d+ employments|SUCCEEDED)", printed), printed


@pytest.mark.parametrize("face", [[], ["--asyncio"]])
def test_the_example_program_runs(server: DemoServer | FakeServer, face: list[str]) -> None:
    printed = run(server, str(ROOT / "examples/work_history.py"), "GOAA970724HYNNNL08", *face)
    assert "SUCCEEDED" in printed
    assert "employments" in printed
