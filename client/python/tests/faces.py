"""Both clients behind one face, so that each test is written once and run with each: what blocks is given a thread."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio

from semanas import AsyncClient, Client

DEADLINE_S = 20


class Face:
    """A client of one of the two kinds."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def __aenter__(self) -> Face:
        return self

    async def __aexit__(self, *_: object) -> None:
        await _done(self.client.close)

    async def __call__(self, method: str, *arguments: Any, **named: Any) -> Any:
        """Makes a unary call."""
        return await _done(getattr(self.client, method), *arguments, **named)

    def items(self, method: str, *arguments: Any, **named: Any) -> Items:
        """Begins a watch or a list."""
        return Items(getattr(self.client, method)(*arguments, **named))

    async def raw(self, method: str, request: Any, **named: Any) -> Any:
        """Makes a call by the generated stubs."""
        return await _done(getattr(self.client.raw.work_histories, method), request, **named)


class Items:
    """What a watch or a list gives."""

    def __init__(self, items: Any) -> None:
        self.items: Any = items

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if hasattr(self.items, "__anext__"):
            return await self.items.__anext__()
        end = object()
        item = await asyncio.to_thread(next, self.items, end)
        if item is end:
            raise StopAsyncIteration
        return item

    async def all(self) -> list[Any]:
        """Everything until the end."""
        return [item async for item in self]

    async def close(self) -> None:
        """Lets go of a watch."""
        await _done(getattr(self.items, "aclose", None) or self.items.close)


def connect(kind: str, endpoint: str, **named: Any) -> Face:
    """A client of the kind `sync` or `async`."""
    return Face((Client if kind == "sync" else AsyncClient)(endpoint, **named))


def over_channel(kind: str, endpoint: str, **named: Any) -> Face:
    """A client over a channel that is made by hand."""
    address = endpoint.removeprefix("http://")
    if kind == "sync":
        return Face(Client.from_channel(grpc.insecure_channel(address), **named))
    return Face(AsyncClient.from_channel(grpc.aio.insecure_channel(address), **named))


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits until something holds; fails after a time that only a broken program needs."""
    loop, never = asyncio.get_running_loop(), threading.Event()
    end = loop.time() + DEADLINE_S
    while not holds():
        assert loop.time() < end, "it never came to hold"
        await asyncio.to_thread(never.wait, 0.01)


async def _done(method: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    # The stubs' methods are objects, of which only the call tells whether it blocks.
    is_aio = inspect.iscoroutinefunction(method) or "aio" in type(method).__module__ or "aio" in method.__module__
    if is_aio:
        return await method(*arguments, **named)
    return await asyncio.to_thread(method, *arguments, **named)
