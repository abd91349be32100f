"""Gives messages that may hold personal data a ``repr`` that shows none, so that a log line or a traceback cannot leak it.

``google.protobuf.text_format`` still prints everything for whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# The messages of the contract whose own fields are about a person; what holds one of them is treated alike.
_PERSONAL = frozenset(
    {
        "Employment",
        "LookupNssRequest",
        "LookupNssResponse",
        "Money",
        "Movement",
        "Person",
        "Subject",
        "Weeks",
        "WorkHistory",
    }
)
# Fields that the contract says are safe to log.
_SAFE = ("job_id", "state", "sequence", "event_sequence")


def redact(classes: Iterable[Any]) -> None:
    """Replaces ``repr`` and ``str`` of those of the message classes that may hold personal data."""
    for kind in classes:
        if _is_personal(kind.DESCRIPTOR, set()):
            kind.__repr__ = _quiet
            kind.__str__ = _quiet


def _quiet(message: Any) -> str:
    fields = message.DESCRIPTOR.fields_by_name
    told = [f"{name}={_text(fields[name], getattr(message, name))}" for name in _SAFE if name in fields]
    return f"{message.DESCRIPTOR.name}({', '.join([*told, '...'])})"


def _text(field: Any, value: Any) -> str:
    known = field.enum_type.values_by_number.get(value) if field.enum_type else None
    return str(value) if known is None else str(known.name)


def _is_personal(descriptor: Any, seen: set[str]) -> bool:
    if descriptor.name in _PERSONAL:
        return True
    if descriptor.full_name in seen:
        return False
    seen.add(descriptor.full_name)
    return any(_is_personal(field.message_type, seen) for field in descriptor.fields if field.message_type)
