"""The driver of the conformance cases: reads a case a line, makes its calls, prints what came of it. It knows nothing of what is
expected. `driver.py async` makes them with AsyncClient, else with Client, each of whose calls then has a thread.

The protocol stands in tests/conformance/README.md; how results are written, in report.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import report
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider

from semanas import (
    AsyncClient,
    CallAttempt,
    Client,
    Credentials,
    Hooks,
    Options,
    RetryPolicy,
    SemanasError,
    WatchOptions,
)

Json = dict[str, Any]

# Any that is not zero.
_CALLERS_SPAN = 0xB7AD6B7169203331
_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)
# Which of the case's calls is being made; a thread takes it over from the task that starts it.
_CALL: contextvars.ContextVar[int] = contextvars.ContextVar("call")


class Case:
    """A case that is being run."""

    def __init__(self, case: Json, kind: type[Client] | type[AsyncClient]) -> None:
        self.attempts: list[Json] = []
        self.newest: dict[str, str] = {}
        hooks = Hooks(on_attempt=self._note)
        self.client: Any = kind(case["endpoint"], credentials=_credentials(case), options=_options(case, hooks))

    def _note(self, attempt: CallAttempt) -> None:
        self.attempts.append(
            {"call": _CALL.get(), "method": attempt.method, "number": attempt.number, "code": attempt.code.name}
        )

    async def run(self, call: Json) -> Any:
        """Makes one call and reports it."""
        if call["call"] == "together":
            return await asyncio.gather(*(self.run(one) for one in call["calls"]))
        made = getattr(self, f"_{call['call']}", None)
        if made is None:
            return {"unsupported": f"there is no call {call['call']}"}
        given = {name: self._filled(value) for name, value in call.items() if name != "call"}
        result = await made(**given)
        self.newest.update(report.found(result))
        return result

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.newest.get(value[1:], "")
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        return value

    async def _lookup_nss(self, request: Json) -> Json:
        return await self._unary(self.client.lookup_nss, _arguments(request), report.lookup)

    async def _submit_work_history(self, request: Json) -> Json:
        return await self._unary(self.client.submit_work_history, _arguments(request), report.submitted)

    async def _get_work_history_when_done(self, request: Json, time_limit_ms: int | None = None) -> Json:
        arguments = _arguments(request)
        if time_limit_ms is not None:
            arguments["time_limit"] = timedelta(milliseconds=time_limit_ms)
        return await self._unary(self.client.get_work_history_when_done, arguments, report.one_job)

    async def _get_work_history(self, **arguments: Any) -> Json:
        return await self._unary(self.client.get_work_history, arguments, report.one_job)

    async def _cancel_work_history(self, **arguments: Any) -> Json:
        return await self._unary(self.client.cancel_work_history, arguments, report.one_job)

    async def _get_provider_status(self) -> Json:
        return await self._unary(self.client.get_provider_status, {}, report.providers)

    async def _resolve_work_history(self, **arguments: Any) -> Json:
        return await self._unary(self.client.resolve_work_history, arguments, report.one_job)

    async def _health(self) -> Json:
        return await self._unary(self.client.health, {}, lambda health: {"health": health.value})

    async def _list_charges(self, **arguments: Any) -> Json:
        read = await self._read(self.client.list_charges(**arguments), report.charge, None)
        return {"ok": {"charges": read["items"]}} if read["end"] == "done" else {"error": read["end"]}

    async def _list_work_histories(self, filter: Json | None = None, stop_after: int | None = None) -> Json:  # noqa: A002
        read = await self._read(self.client.list_work_histories(**(filter or {})), report.job, stop_after)
        return {"jobs": read["items"], "end": read["end"]}

    async def _watch_work_history(
        self, stop_after: int | None = None, cancel_after_ms: int | None = None, **arguments: Any
    ) -> Json:
        return await self._watch(lambda: self.client.watch_work_history(**arguments), stop_after, cancel_after_ms)

    async def _watch_work_histories(
        self,
        filter: Json | None = None,  # noqa: A002
        cursor: str | None = None,
        stop_after: int | None = None,
        cancel_after_ms: int | None = None,
    ) -> Json:
        arguments = filter or {}
        return await self._watch(
            lambda: self.client.watch_work_histories(cursor=cursor, **arguments), stop_after, cancel_after_ms
        )

    async def _unary(self, method: Callable[..., Any], arguments: Json, tell: Callable[[Any], Json]) -> Json:
        try:
            return {"ok": tell(await _made(method, arguments))}
        except SemanasError as error:
            return {"error": report.error(error)}

    async def _watch(self, begin: Callable[[], Any], stop_after: int | None, cancel_after_ms: int | None) -> Json:
        watch = begin()
        closing = None
        if cancel_after_ms is not None:
            closing = asyncio.create_task(_close_after(watch, cancel_after_ms / 1000))
        read = await self._read(watch, report.update, stop_after)
        if closing is not None:
            was_cancelled = closing.done()
            closing.cancel()
            if was_cancelled and not isinstance(read["end"], str) and read["end"]["kind"] == "Cancelled":
                read["end"] = "stopped"
        await _close(watch)
        return {"updates": read["items"], "end": read["end"]}

    async def _read(self, items: Any, tell: Callable[[Any], Json], stop_after: int | None) -> Json:
        read: list[Json] = []
        if stop_after == 0:
            return {"items": read, "end": "stopped"}
        try:
            async for item in _each(items):
                read.append(tell(item))
                if len(read) == stop_after:
                    return {"items": read, "end": "stopped"}
        except SemanasError as error:
            return {"items": read, "end": report.error(error)}
        return {"items": read, "end": "done"}


async def _made(method: Callable[..., Any], arguments: Json) -> Any:
    if inspect.iscoroutinefunction(method):
        return await method(**arguments)
    return await asyncio.to_thread(method, **arguments)


async def _each(items: Any) -> AsyncIterator[Any]:
    if hasattr(items, "__aiter__"):
        async for item in items:
            yield item
        return
    iterator, end = iter(items), object()
    while (item := await asyncio.to_thread(next, iterator, end)) is not end:
        yield item


async def _close(watch: Any) -> None:
    if hasattr(watch, "aclose"):
        await watch.aclose()
    else:
        watch.close()


async def _close_after(watch: Any, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await _close(watch)


def _arguments(request: Json) -> Json:
    arguments = {name: value for name, value in request.items() if name != "max_age_ms"}
    if "max_age_ms" in request:
        arguments["max_age"] = timedelta(milliseconds=request["max_age_ms"])
    arguments.setdefault("curp", "")
    return arguments


def _credentials(case: Json) -> Credentials:
    given = dict(case.get("credentials", {}))
    tokens = given.pop("bearer_tokens", None)
    if tokens:
        # The next each time it is asked, and the last one for ever.
        given["bearer_token"] = lambda: tokens.pop(0) if len(tokens) > 1 else tokens[0]
    return Credentials(**given)


def _options(case: Json, hooks: Hooks) -> Options:
    given = case.get("options", {})
    options: Json = {"hooks": hooks}
    for name in ("allow_plaintext", "ca_certificate_pem", "user_agent"):
        if name in given:
            options[name] = given[name]
    for name in ("unary_deadline", "connect_timeout"):
        if f"{name}_ms" in given:
            milliseconds = given[f"{name}_ms"]
            options[name] = None if milliseconds is None else milliseconds / 1000
    if "trace_id" in given:
        options["tracer"] = TracerProvider().get_tracer("conformance")
    watch: Json = {}
    if "watch_heartbeat_interval_ms" in given:
        watch["heartbeat_interval"] = given["watch_heartbeat_interval_ms"] / 1000
    if "watch_reports_stale" in given:
        watch["reports_stale"] = given["watch_reports_stale"]
    watch["resume"] = _policy(given, "watch_resume", "watch", WatchOptions().resume)
    options["retry"] = _policy(given, "retry", "retry", Options().retry)
    return Options(watch=WatchOptions(**watch), **options)


def _policy(given: Json, switch: str, prefix: str, default: RetryPolicy | None) -> RetryPolicy | None:
    if given.get(switch) == "off" or default is None:
        return None
    return RetryPolicy(
        tries_max=given.get(f"{prefix}_tries_max", default.tries_max),
        delay_first=given.get(f"{prefix}_delay_first_ms", default.delay_first * 1000) / 1000,
        delay_max=given.get(f"{prefix}_delay_max_ms", default.delay_max * 1000) / 1000,
        server_delay_max=given.get(f"{prefix}_retry_after_max_ms", default.server_delay_max * 1000) / 1000,
    )


async def _run(case: Json, kind: type[Client] | type[AsyncClient]) -> Json:
    try:
        running = Case(case, kind)
    except SemanasError as error:
        return {"results": [{"error": report.error(error)} for _ in case["calls"]], "attempts": []}
    results = []
    _enter_trace(case.get("options", {}))
    for number, call in enumerate(case["calls"]):
        _CALL.set(number)
        results.append(await running.run(call))
    closed = running.client.close()
    if isinstance(closed, Awaitable):
        await closed
    return {"results": results, "attempts": running.attempts}


def _enter_trace(options: Json) -> None:
    """Makes the calls after it part of the case's trace, if it names one. It ends with the loop, which has a context of its own."""
    if "trace_id" in options:
        span = trace.SpanContext(int(options["trace_id"], 16), _CALLERS_SPAN, is_remote=True, trace_flags=_SAMPLED)
        context.attach(trace.set_span_in_context(trace.NonRecordingSpan(span)))


def main() -> None:
    """Runs cases until the end of input."""
    kind = AsyncClient if sys.argv[1:] == ["async"] else Client
    for line in sys.stdin:
        with contextlib.suppress(BrokenPipeError):
            case = json.loads(line)
            print(json.dumps({"case": case["case"], **asyncio.run(_run(case, kind))}), flush=True)


main()
