"""The real server with the sandbox, as a child process. It ends with the block that started it, and with this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from types import TracebackType
from typing import TYPE_CHECKING

from ._fake import FakeServer

if TYPE_CHECKING:
    from typing_extensions import Self

_LINE = "SEMANAS_SERVER="
_START_TIME_MAX_S = 30
_STOP_TIME_MAX_S = 10


def find_program() -> str | None:
    """Where the program `semanas` is: the file that `SEMANAS_BIN` names, else `semanas` on the path, else `None`."""
    named = os.environ.get("SEMANAS_BIN")
    if not named:
        return shutil.which("semanas")
    if shutil.which(named) is None:
        raise FileNotFoundError(f"SEMANAS_BIN names {named}, which is not a program")
    return named


def start_server() -> DemoServer | FakeServer:
    """A server for a `with` block: a `DemoServer` when the program is at hand, else a `FakeServer`. Its `endpoint` says where."""
    program = find_program()
    return FakeServer() if program is None else DemoServer(program)


class DemoServer:
    """`semanas demo --serve`: the server with its sandbox of synthetic people, on a free port, for a `with` block."""

    def __init__(self, program: str | None = None) -> None:
        """Starts nothing yet. `program` is the path of `semanas`; `None` = the one that `find_program` finds."""
        self._program = program or find_program()
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""
        """Where it serves, once it has started: `http://127.0.0.1:PORT`."""

    def start(self) -> Self:
        """Starts it and waits until it serves."""
        if self._program is None:
            raise FileNotFoundError("the program semanas is not at hand: name it in SEMANAS_BIN or put it on the path")
        command = [self._program, "demo", "--serve", "--listen", "127.0.0.1:0", "--latency", "0"]
        with tempfile.TemporaryFile("w+") as errors:
            # It ends when its standard input does: also when this process is killed.
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
            line = self._first_line()
            if not line.startswith(_LINE):
                self.stop()
                errors.seek(0)
                raise RuntimeError(f"`{' '.join(command)}` did not serve: {errors.read().strip() or line.strip()}")
        self.endpoint = line.removeprefix(_LINE).strip()
        return self

    def stop(self) -> None:
        """Stops it and waits until it has stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.communicate(timeout=_STOP_TIME_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _first_line(self) -> str:
        process = self._process
        if process is None or process.stdout is None:
            return ""
        killer = threading.Timer(_START_TIME_MAX_S, process.kill)
        killer.start()
        try:
            return process.stdout.readline()
        finally:
            killer.cancel()
