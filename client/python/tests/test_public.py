"""The public surface: documented, the same for both clients, and whole."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import semanas
import semanas.testing
import semanas.v1

MODULES = [semanas, semanas.testing]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_says_what_it_is(module: Any) -> None:
    assert module.__doc__
    for name in module.__all__:
        thing = getattr(module, name)
        if not inspect.isclass(thing) or "v1" in thing.__module__:
            continue
        assert thing.__doc__, name
        for member, value in vars(thing).items():
            is_public = not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property))
            assert not is_public or inspect.getdoc(getattr(thing, member)), f"{name}.{member}"
        if dataclasses.is_dataclass(thing):
            source = inspect.getsource(thing)
            for field in dataclasses.fields(thing):
                assert f"    {field.name}: " in source
                after = source.split(f"    {field.name}: ", 1)[1].split("\n", 1)[1].lstrip()
                assert after.startswith('"""'), f"{name}.{field.name} has no docstring"


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    def surface(kind: Any) -> dict[str, Any]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {name: [*inspect.signature(method).parameters.values()] for name, method in methods if name[0] != "_"}

    both, ours = surface(semanas.Client), surface(semanas.AsyncClient)
    assert both == ours
    documented = {name: inspect.getdoc(getattr(semanas.Client, name)) for name in both}
    assert documented == {name: inspect.getdoc(getattr(semanas.AsyncClient, name)) for name in both}


def test_submit_and_when_done_take_the_same_request() -> None:
    def request(method: Any) -> set[str]:
        return set(inspect.signature(method).parameters) - {"timeout", "time_limit"}

    submit = request(semanas.Client.submit_work_history)
    assert submit == request(semanas.Client.get_work_history_when_done)
    fields = set(semanas.v1.SubmitWorkHistoryRequest.DESCRIPTOR.fields_by_name) - {"subject"}
    assert submit == {"self"} | fields | set(semanas.v1.Subject.DESCRIPTOR.fields_by_name)


def test_every_message_and_enum_of_the_contract_is_there() -> None:
    folder = Path(semanas.v1.__file__).parent
    for file in folder.glob("*_pb2.py"):
        descriptor = importlib.import_module(f"semanas.v1.{file.stem}").DESCRIPTOR
        for name in (*descriptor.message_types_by_name, *descriptor.enum_types_by_name):
            assert name in semanas.v1.__all__


def test_every_kind_of_error_of_the_clients_is_there() -> None:
    kinds = (
        "Configuration InvalidRequest NotFound FailedPrecondition OutOfRange Exhausted Unavailable DeadlineExceeded "
        "Cancelled Unauthenticated PermissionDenied Internal JobNotSucceeded Other"
    )
    assert {f"{kind}Error" for kind in kinds.split()} == {
        kind.__name__ for kind in semanas.SemanasError.__subclasses__()
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(semanas.__file__).with_name("py.typed").exists()
