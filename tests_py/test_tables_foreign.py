"""Tables of other libraries that fail while they are read: the error says how far it came and what they said."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from exuvia import lake
from exuvia.errors import SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Once:
    """A table that hands out one stream, however often it is asked."""

    def __init__(self, table: pa.Table) -> None:
        """Opens the stream."""
        self.capsule: Any = table.__arrow_c_stream__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.capsule


class Stream(ctypes.Structure):
    """`struct ArrowArrayStream` of the Arrow C stream interface."""


Call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.c_void_p)
Say = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Stream))
Release = ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))
Stream._fields_ = [
    ("get_schema", Call),
    ("get_next", Call),
    ("get_last_error", Say),
    ("release", Release),
    ("private_data", ctypes.c_void_p),
]


class WithoutSchema:
    """A stream whose schema cannot be had, with a reason or without one."""

    def __init__(self, reason: bytes | None) -> None:
        """Lays out the stream."""
        self.reason = None if reason is None else ctypes.create_string_buffer(reason)
        self.released = 0
        self.calls = (Call(lambda *_: 5), Call(lambda *_: 5), Say(lambda _: self.address()), Release(self.release))
        self.stream = Stream(*self.calls, None)

    def address(self) -> int | None:
        return None if self.reason is None else ctypes.addressof(self.reason)

    def release(self, _: object) -> None:
        self.released += 1

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(self.stream), b"arrow_array_stream", None)


def test_a_reader_that_breaks_says_after_how_many_batches_and_why() -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": [1]})
        yield pa.record_batch({"a": [2]})
        raise RuntimeError("the feed broke")

    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), batches())
    with pytest.raises(SchemaError, match="batch 2 of this table cannot be read: .*the feed broke"):
        lake.encode_parquet(reader)


def test_a_stream_that_was_read_is_not_taken_for_an_empty_table() -> None:
    once = Once(pa.table({"a": [1]}))
    assert pa.table(lake.decode_parquet(lake.encode_parquet(once))).to_pydict() == {"a": [1]}
    with pytest.raises(SchemaError, match="the stream of this table was read before: make a new one"):
        lake.encode_parquet(once)


@pytest.mark.parametrize(("reason", "said"), [(b"no such column", "no such column"), (None, "it does not say why")])
def test_a_schema_that_cannot_be_had_is_told_with_the_reason_and_its_stream_is_released(
    reason: bytes | None, said: str
) -> None:
    table = WithoutSchema(reason)
    with pytest.raises(SchemaError, match=f"the schema of this table cannot be read: {said}$"):
        lake.encode_parquet(table)
    assert table.released == 1


def test_nulls_within_lists_of_fixed_length_are_written_and_come_back() -> None:
    table = pa.table({"a": pa.array([[None, None], [None, None]], pa.list_(pa.null(), 2))})
    assert pa.table(lake.decode_parquet(lake.encode_parquet(table))).to_pydict() == table.to_pydict()
