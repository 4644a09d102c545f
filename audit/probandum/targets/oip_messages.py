"""The messages of the Open Inference Protocol's gRPC service, built from their field numbers when they are needed.

Source: the protocol's ``open_inference_grpc.proto``, and Triton's extension for the index of a repository. Maps are
written as repeated entries, which is how protobuf sends them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from probandum.targets.loading import need

SERVICE = "inference.GRPCInferenceService"

#: Of each message its fields in the order of their numbers: a type, ``*`` where repeated, and a name.
_MESSAGES: Mapping[str, str] = {
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "string name, string version, string* extensions",
    "ModelMetadataRequest": "string name, string version",
    "ModelMetadataResponse": (
        "string name, string* versions, string platform, TensorMetadata* inputs, TensorMetadata* outputs"
    ),
    "TensorMetadata": "string name, string datatype, int64* shape",
    "ModelInferRequest": (
        "string model_name, string model_version, string id, ParameterEntry* parameters, InferInputTensor* inputs, "
        "InferRequestedOutputTensor* outputs, bytes* raw_input_contents"
    ),
    "InferInputTensor": "string name, string datatype, int64* shape, ParameterEntry* parameters, Contents contents",
    "InferRequestedOutputTensor": "string name, ParameterEntry* parameters",
    "ModelInferResponse": (
        "string model_name, string model_version, string id, ParameterEntry* parameters, InferOutputTensor* outputs, "
        "bytes* raw_output_contents"
    ),
    "InferOutputTensor": "string name, string datatype, int64* shape, ParameterEntry* parameters, Contents contents",
    "Contents": (
        "bool* bool_contents, int32* int_contents, int64* int64_contents, uint32* uint_contents, "
        "uint64* uint64_contents, float* fp32_contents, double* fp64_contents, bytes* bytes_contents"
    ),
    "ParameterEntry": "string key, InferParameter value",
    "InferParameter": "bool bool_param, int64 int64_param, string string_param, double double_param",
    "RepositoryIndexRequest": "string repository_name, bool ready",
    "RepositoryIndexResponse": "ModelIndex* models",
    "ModelIndex": "string name, string version, string state, string reason",
}
#: Where at most one field is set, and a field that is set to false or 0 is sent.
_CHOICES = frozenset({"InferParameter"})


@cache
def messages() -> Mapping[str, type[Any]]:
    """The message classes by name; MissingDependency where protobuf is not installed."""
    needed_for = "target oip over gRPC"
    descriptor = need("google.protobuf.descriptor_pb2", needed_for=needed_for, extra="oip")
    pool = need("google.protobuf.descriptor_pool", needed_for=needed_for, extra="oip").DescriptorPool()
    factory = need("google.protobuf.message_factory", needed_for=needed_for, extra="oip")
    file = descriptor.FileDescriptorProto(name="probandum/open_inference.proto", package="inference", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if name in _CHOICES:
            message.oneof_decl.add(name="choice")
        for number, each in enumerate(filter(None, fields.split(", ")), 1):
            kind, _, field = each.partition(" ")
            made = message.field.add(name=field, number=number)
            made.label = made.LABEL_REPEATED if kind.endswith("*") else made.LABEL_OPTIONAL
            if kind.rstrip("*") in _MESSAGES:
                made.type, made.type_name = made.TYPE_MESSAGE, f".inference.{kind.rstrip('*')}"
            else:
                made.type = getattr(made, f"TYPE_{kind.rstrip('*').upper()}")
            if name in _CHOICES:
                made.oneof_index = 0
    pool.Add(file)
    return {name: factory.GetMessageClass(pool.FindMessageTypeByName(f"inference.{name}")) for name in _MESSAGES}


def entries(parameters: Mapping[str, Any]) -> list[Any]:
    """Parameters as a message holds them; TypeError where one is no text, number or truth value.

    InferParameter: ``bool_param`` 1, ``int64_param`` 2, ``string_param`` 3, ``double_param`` 4.
    """
    made = []
    for key, value in parameters.items():
        entry = messages()["ParameterEntry"](key=key)
        if isinstance(value, bool):
            entry.value.bool_param = value
        elif isinstance(value, int):
            entry.value.int64_param = value
        elif isinstance(value, float):
            entry.value.double_param = value
        else:
            entry.value.string_param = str(value)
        made.append(entry)
    return made
