"""Builds the reference into docs/. A warning is an error: what cannot be read is not documented."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any, Generic, TypeVar

import pdoc
from google.protobuf.internal import enum_type_wrapper

from semanas.v1 import operations_service_pb2_grpc as operations
from semanas.v1 import work_history_service_pb2_grpc as work_histories

Value = TypeVar("Value")


class Enum(Generic[Value]):
    """Stands for a type that protobuf has for type checkers only."""


def main() -> None:
    # pdoc reads annotations at run time, where these names do not exist.
    told: Any = enum_type_wrapper
    told._EnumTypeWrapper = Enum
    told = operations
    told.OperationsServiceAsyncStub = operations.OperationsServiceStub
    told = work_histories
    told.WorkHistoryServiceAsyncStub = work_histories.WorkHistoryServiceStub
    warnings.simplefilter("error")
    pdoc.render.configure(docformat="markdown")
    pdoc.pdoc("semanas", "semanas.testing", "semanas.v1", output_directory=Path(sys.argv[1]))


if __name__ == "__main__":
    main()
