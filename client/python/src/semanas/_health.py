"""The standard health protocol's two messages.

They live in a pool of their own: grpcio-health-checking, which a user may have as well, registers the same names in the shared one.
"""

from __future__ import annotations

import enum
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

HEALTH_METHOD = "/grpc.health.v1.Health/Check"
_SERVICE = "semanas.v1.WorkHistoryService"
_SERVING = 1
_NOT_SERVING = 2


class Health(enum.Enum):
    """Whether the server takes work."""

    SERVING = "SERVING"
    """It does."""
    NOT_SERVING = "NOT_SERVING"
    """It is up and takes none: it is starting, draining, or its store does not answer."""
    UNKNOWN = "UNKNOWN"
    """It does not say."""


def _classes() -> tuple[Any, Any]:
    file = FileDescriptorProto(name="semanas-client/health.proto", package="grpc.health.v1", syntax="proto3")
    for message, field, kind in (
        ("HealthCheckRequest", "service", "TYPE_STRING"),
        # An enum in the contract; on the wire the same as a number.
        ("HealthCheckResponse", "status", "TYPE_INT32"),
    ):
        declared = file.message_type.add(name=message)
        declared.field.add(name=field, number=1, type=kind, label="LABEL_OPTIONAL")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    find = pool.FindMessageTypeByName
    request, response = (find(f"grpc.health.v1.{name}") for name in ("HealthCheckRequest", "HealthCheckResponse"))
    return GetMessageClass(request), GetMessageClass(response)


_Request, _Response = _classes()


def encode_check() -> bytes:
    """The request: is the service that does the work served?"""
    request: bytes = _Request(service=_SERVICE).SerializeToString()
    return request


def decode_check(answer: bytes) -> Health:
    """What the server says of it."""
    status = _Response.FromString(answer).status
    return {_SERVING: Health.SERVING, _NOT_SERVING: Health.NOT_SERVING}.get(status, Health.UNKNOWN)
