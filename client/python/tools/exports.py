"""Writes src/semanas/v1/__init__.py: every message, enum and enum value of the contract under one name, in `make gen`."""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).parent.parent / "src"
FOLDER = ROOT / "semanas" / "v1"

HEAD = '''"""The messages and enums of the contract, generated. Written by tools/exports.py; `make gen` writes it again.

The stubs are in `work_history_service_pb2_grpc` and `operations_service_pb2_grpc`. Messages that may hold personal data print none.
"""

'''

FOOT = """
from .._redact import redact as _redact

_redact(kind for kind in list(globals().values()) if isinstance(kind, type) and hasattr(kind, "DESCRIPTOR"))
"""


def main() -> None:
    import sys

    # Not the package itself, which needs what is being written here.
    package = type(sys)("semanas")
    package.__path__ = [str(ROOT / "semanas")]
    sys.modules["semanas"] = package
    (FOLDER / "__init__.py").write_text("")
    lines, names = [], []
    for file in sorted(FOLDER.glob("*_pb2.py")):
        descriptor = importlib.import_module(f"semanas.v1.{file.stem}").DESCRIPTOR
        here = [*descriptor.message_types_by_name, *descriptor.enum_types_by_name]
        if here:
            lines.append(f"from .{file.stem} import (\n" + "".join(f"    {name},\n" for name in sorted(here)) + ")\n")
            names += here
    exported = "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(names)) + "]\n"
    imports, redact = FOOT.strip().split("\n\n")
    (FOLDER / "__init__.py").write_text(HEAD + imports + "\n" + "".join(lines) + exported + "\n" + redact + "\n")


main()
