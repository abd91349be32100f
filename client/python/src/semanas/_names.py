"""Enum values by their short names, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from google.protobuf.internal.enum_type_wrapper import _EnumTypeWrapper

    Value = TypeVar("Value", bound=int)


def enum_name(enum: _EnumTypeWrapper[Any], value: int) -> str:
    """The short name of an enum's value: ``enum_name(JobState, job.state)`` gives ``"SUCCEEDED"``. A value that this version does
    not know gives ``"UNKNOWN(7)"``, where ``JobState.Name`` would raise.
    """
    known = enum.DESCRIPTOR.values_by_number.get(value)
    return f"UNKNOWN({value})" if known is None else known.name.removeprefix(_prefix(enum))


def enum_value(enum: _EnumTypeWrapper[Value], name: Value | str) -> Value:
    """The value of an enum by its short or full name; a number is taken as it is."""
    if not isinstance(name, str):
        return name
    prefix = _prefix(enum)
    full = name if name.startswith(prefix) else prefix + name
    if full not in enum.DESCRIPTOR.values_by_name:
        names = [known.removeprefix(prefix) for known in enum.DESCRIPTOR.values_by_name]
        raise ValueError(f"there is no {enum.DESCRIPTOR.name} {name!r}; there are: {', '.join(names[1:])}")
    return enum.Value(full)


def _prefix(enum: _EnumTypeWrapper[Any]) -> str:
    # The contract's linter sees to it that the first value is called PREFIX_UNSPECIFIED.
    return enum.DESCRIPTOR.values[0].name.removesuffix("UNSPECIFIED")
