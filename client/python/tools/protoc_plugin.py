"""A buf plugin that is grpcio-tools' own protoc: the option names its generator, `python` or `grpc_python`.

buf speaks the plugins' protocol; protoc's built-in generators do not. This reads the request, lets protoc generate into a folder
that passes, and answers with the files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc


def main() -> None:
    request = CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        out.mkdir()
        described = Path(folder, "described.binpb")
        described.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        arguments = ["protoc", f"--descriptor_set_in={described}", f"--{request.parameter}_out={out}"]
        if protoc.main([*arguments, *request.file_to_generate]) != 0:
            sys.exit(f"error: protoc could not generate {request.parameter}")
        for file in sorted(out.rglob("*.py")):
            text = file.read_text()
            # protoc makes a file for the stubs of files without a service as well, with nothing in it.
            if request.parameter == "grpc_python" and "class " not in text:
                continue
            response.file.add(name=file.relative_to(out).as_posix(), content=text)
    sys.stdout.buffer.write(response.SerializeToString())


main()
