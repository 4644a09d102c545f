"""The files beside an ONNX model that hold its weights (external data), found in the model without running it.

Each stands in a tensor as ``external_data: location`` (onnx.proto, ``TensorProto`` fields 13 and 14). Every model of
more than 2 GB, the most that a protobuf message may be, has such files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from probandum.errors import DataError

#: The kind of message in each field of a kind that tensors can lie in or below, by onnx.proto.
_HELD: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
}
#: ``TensorProto.external_data`` and ``.data_location``, which is 1 where the data lie in a file.
_ENTRY, _LOCATION, _EXTERNAL = 13, 14, 1
#: ``StringStringEntryProto.key`` and ``.value``.
_KEY, _VALUE = 1, 2
_SIZES = {1: 8, 5: 4}


def external_files(path: Path, data: bytes) -> dict[str, Path]:
    """The files that hold weights of the model in ``path``, by what the model calls them, in order of these names.

    DataError where a name leads out of the model's folder, which may be a file of anybody's. Of a file that is no ONNX
    model as the standard has it, such as one in onnxruntime's own format, none.
    """
    try:
        names = sorted({*_locations(memoryview(data), "model")})
    except ValueError:
        return {}
    for name in names:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or not inside.parts:
            raise DataError(
                f"{path.name}: its weights lie in {name!r}, which is not below its own folder",
                remedy="save the model again with its external data beside it",
            )
    return {name: path.parent / name for name in names}


def class_labels(data: bytes) -> tuple[str, ...]:
    """The names in the probabilities of a model that gives a map of them (ZipMap), sorted; none where it has not one.

    They stand in a node of the graph: ``NodeProto`` fields 4 (its kind) and 5, ``AttributeProto`` fields 1 (name), 8
    (whole numbers) and 9 (texts).
    """
    try:
        maps = [
            _labels_of(node)
            for field, graph in _fields(memoryview(data))
            if field == 7 and not isinstance(graph, int)
            for place, node in _fields(graph)
            if place == 1 and not isinstance(node, int) and _is_map(node)
        ]
    except (ValueError, UnicodeDecodeError):
        return ()
    return maps[0] if len(maps) == 1 else ()


def _is_map(node: memoryview) -> bool:
    kinds = (bytes(said) for field, said in _fields(node) if field == 4 and not isinstance(said, int))
    return b"ZipMap" in kinds


def _labels_of(node: memoryview) -> tuple[str, ...]:
    for field, attribute in _fields(node):
        if field != 5 or isinstance(attribute, int):
            continue
        found = list(_fields(attribute))
        called = b"".join(bytes(value) for place, value in found if place == 1 and not isinstance(value, int))
        texts = [bytes(value).decode() for place, value in found if place == 9 and not isinstance(value, int)]
        labels = sorted(texts) or [str(number) for number in sorted(_integers(found))]
        if called.startswith(b"classlabels_") and labels:
            return tuple(labels)
    return ()


def _integers(fields: Sequence[tuple[int, int | memoryview]]) -> Iterator[int]:
    """Whole numbers of a repeated field 8, packed or one after the other; negative ones stand as 64 bits."""
    for place, value in fields:
        if place != 8:
            continue
        if isinstance(value, int):
            yield value - (1 << 64) * (value >> 63)
            continue
        start = 0
        while start < len(value):
            number, start = _number(value, start)
            yield number - (1 << 64) * (number >> 63)


def missing_file(path: Path, files: Mapping[str, Path]) -> str | None:
    """What to say of a model one of whose files of weights is not there; None where all are."""
    lost = next((name for name, file in files.items() if not file.is_file()), None)
    if lost is None:
        return None
    return (
        f"{path.name}: its weights lie in {lost} beside it (external data), which is not there; put both in one folder"
    )


def _locations(message: memoryview, kind: str) -> Iterator[str]:
    """The locations of all tensors in a message; ValueError where it is none."""
    held = _HELD[kind]
    for field, value in _fields(message):
        inner = held.get(field)
        if inner is None or isinstance(value, int):
            continue
        if inner == "tensor":
            yield from _location(value)
        else:
            yield from _locations(value, inner)


def _location(tensor: memoryview) -> Iterator[str]:
    """Where the data of one tensor lie, where that is in a file."""
    fields = list(_fields(tensor))
    if (_LOCATION, _EXTERNAL) not in [each for each in fields if isinstance(each[1], int)]:
        return
    for field, value in fields:
        if field == _ENTRY and not isinstance(value, int):
            entry = {key: bytes(each).decode() for key, each in _fields(value) if not isinstance(each, int)}
            if entry.get(_KEY) == "location":
                yield entry.get(_VALUE, "")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of every field of a protobuf message; ValueError where it is none."""
    place = 0
    while place < len(message):
        tag, place = _number(message, place)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            number, place = _number(message, place)
            yield field, number
            continue
        if wire == 2:
            size, place = _number(message, place)
        elif wire in _SIZES:
            size = _SIZES[wire]
        else:
            raise ValueError("no field of a message of today")
        if place + size > len(message):
            raise ValueError("the last field is cut off")
        yield field, message[place : place + size]
        place += size


def _number(message: memoryview, place: int) -> tuple[int, int]:
    """The number at ``place``, seven bits a byte, the lowest first, and where it ends.

    >>> _number(memoryview(bytes([172, 2, 9])), 0)
    (300, 2)
    """
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("no number")
