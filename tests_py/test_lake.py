"""The lake from Python: what goes in comes out to the bit, and every refusal says what to do."""

from __future__ import annotations

import contextlib
import copy
import datetime
import errno
import math
import os
import pickle
import random
import struct
import sys
import threading
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exuvia import lake
from exuvia.errors import (
    ExuviaError,
    LakeError,
    LakeNotFoundError,
    LakeOptionError,
    LakePermissionError,
    SchemaError,
)
from hypothesis import given
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

PRICES = [f"{side}_{part}" for side in ("bid", "ask") for part in ("open", "high", "low", "close")]
BOT_SCHEMA = pa.schema(
    [
        pa.field("uic", pa.int32(), nullable=False),
        pa.field("ts", pa.timestamp("ns", tz="UTC"), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in PRICES),
        pa.field("ticks", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar of a bot that knows nothing of exuvia."""

    uic: int
    ts: int
    bid_open: float
    bid_high: float
    bid_low: float
    bid_close: float
    ask_open: float
    ask_high: float
    ask_low: float
    ask_close: float
    ticks: int


def some_bars(rows: int, seed: int = 1) -> list[Bar]:
    dice = random.Random(seed)
    return [
        Bar(21, 1_770_000_000_000_000_000 + row * 60_000_000_000, *(dice.random() for _ in PRICES), row)
        for row in range(rows)
    ]


def bits(bars: Sequence[Bar]) -> list[bytes]:
    return [struct.pack("<iq8dq", *astuple(bar)) for bar in bars]


def bot_encode(bars: Sequence[Bar]) -> bytes:
    """How a bot writes its bars with pyarrow."""
    table = pa.Table.from_pylist([dict(zip(BOT_SCHEMA.names, astuple(bar), strict=True)) for bar in bars], BOT_SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def bot_decode(data: bytes) -> list[Bar]:
    """How a bot reads its bars with pyarrow."""
    table = pq.read_table(pa.BufferReader(data))
    assert table.schema.equals(BOT_SCHEMA), table.schema
    columns = [table[name].cast(pa.int64()) if name == "ts" else table[name] for name in BOT_SCHEMA.names]
    return [Bar(*row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]


FLOATS = st.one_of(
    st.floats(width=64),
    st.integers(0, 2**64 - 1).map(lambda number: struct.unpack("<d", struct.pack("<Q", number))[0]),
    st.sampled_from([0.0, -0.0, math.inf, -math.inf, 5e-324, sys.float_info.max]),
)
INT64 = st.integers(-(2**63), 2**63 - 1)
BARS = st.builds(Bar, st.integers(-(2**31), 2**31 - 1), INT64, *(FLOATS for _ in PRICES), INT64)


@given(st.lists(BARS, max_size=30), st.sampled_from(["zstd", "snappy", "none"]))
def test_every_bit_comes_back(bars: list[Bar], compression: str) -> None:
    data = lake.encode_bars(bars, compression=compression)
    assert bits(lake.decode_bars(data, Bar)) == bits(bars)


@given(st.lists(BARS, max_size=10))
def test_the_bot_reads_our_bars_and_we_read_the_bots(bars: list[Bar]) -> None:
    assert bits(bot_decode(lake.encode_bars(bars))) == bits(bars)
    assert bits(lake.decode_bars(bot_encode(bars), Bar)) == bits(bars)


def test_our_file_and_the_bots_compare_equal() -> None:
    bars = some_bars(500)
    found = lake.compare(lake.encode_bars(bars), bot_encode(bars))
    assert found == lake.Comparison(rows=500, total=0, differences=())
    assert found.equal


def test_a_file_names_its_maker_its_order_and_its_statistics() -> None:
    footer = pq.ParquetFile(pa.BufferReader(lake.encode_bars(some_bars(9)))).metadata
    assert footer.created_by.startswith("exuvia version ")
    group = footer.row_group(0)
    assert [column.column_index for column in group.sorting_columns] == [0, 1]
    assert group.column(10).statistics.max == 8
    assert group.column(0).compression == "ZSTD"


def test_a_table_of_bars_goes_in_like_objects_do() -> None:
    bars = some_bars(20)
    table = lake.decode_bars(lake.encode_bars(bars))
    assert lake.encode_bars(table) == lake.encode_bars(bars)
    assert table.num_rows == 20
    with pytest.raises(SchemaError, match="no column 'ticks'"):
        lake.encode_bars(pa.table(table).drop_columns(["ticks"]))


def test_the_schema_is_the_bots() -> None:
    assert pa.schema(lake.bars_schema()).equals(BOT_SCHEMA)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bid_open": "1.5"}, r"bars\[1\]\.bid_open is '1\.5' \(<class 'str'>\), expected a float"),
        ({"uic": 2**31}, r"bars\[1\]\.uic is 2147483648 .* expected an integer of 32 bits"),
        ({"ts": 1.5}, r"bars\[1\]\.ts is 1\.5 .* expected UTC nanoseconds"),
        ({"ticks": None}, r"bars\[1\]\.ticks is None"),
    ],
)
def test_a_wrong_attribute_is_named_with_row_and_value(change: dict[str, object], message: str) -> None:
    good = some_bars(1)[0]
    values = dict(zip(BOT_SCHEMA.names, astuple(good), strict=True))
    with pytest.raises(SchemaError, match=message):
        lake.encode_bars([good, Bar(**{**values, **change})])


def test_a_missing_attribute_is_named() -> None:
    with pytest.raises(SchemaError, match=r"bars\[0\] is <class 'int'> and has no attribute 'bid_open'"):
        lake.encode_bars([7])


def test_an_error_of_the_callers_record_comes_through() -> None:
    class StopError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise StopError

    with pytest.raises(StopError):
        lake.decode_bars(lake.encode_bars(some_bars(1)), refuse)


@pytest.mark.parametrize("keep", [0, 1, 4, 8, 100, -1])
def test_a_half_written_file_says_so(keep: int, tmp_path: Path) -> None:
    data = lake.encode_bars(some_bars(50))
    half = tmp_path / "half.parquet"
    half.write_bytes(data[:keep])
    with pytest.raises(LakeError, match=r"half\.parquet has \d+ bytes and no footer: it is half-written") as caught:
        lake.read_parquet(half)
    assert "never looks like this" in str(caught.value)
    assert isinstance(caught.value, OSError)


def test_another_format_is_called_that() -> None:
    with pytest.raises(LakeError, match=r'quotes\.csv is not a Parquet file: it begins with "ts,b"'):
        lake.decode_parquet(b"ts,bid,ask\n1,2,3\n", name="quotes.csv")


@given(st.data())
def test_damaged_bytes_are_an_error_or_a_table_never_a_panic(data: st.DataObject) -> None:
    whole = bytearray(lake.encode_bars(some_bars(30)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(LakeError, SchemaError):
        lake.decode_bars(whole, Bar)


def test_a_missing_file_is_a_file_not_found_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no such file or folder") as caught:
        lake.read_parquet(tmp_path / "none.parquet")
    assert isinstance(caught.value, LakeNotFoundError)
    assert isinstance(caught.value, ExuviaError)
    assert caught.value.errno == errno.ENOENT
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    with pytest.raises(FileNotFoundError):
        lake.sweep(tmp_path / "none")


def test_an_unwritable_folder_is_a_permission_error() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("needs a file system that refuses everyone, as /proc of Linux does")
    with pytest.raises((LakePermissionError, LakeNotFoundError)) as caught:
        lake.write_atomic("/proc/self/exuvia.json", b"{}")
    assert isinstance(caught.value, OSError)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions are those of POSIX")
def test_a_file_that_may_not_be_read_is_a_permission_error(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-20.parquet"
    pq.write_table(pa.table({"close": [1.5]}), path)
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may read everything: as nobody for a moment
    try:
        with pytest.raises(PermissionError) as caught:
            lake.read_parquet(path)
    finally:
        if root:
            os.seteuid(0)
    assert isinstance(caught.value, LakePermissionError)
    assert caught.value.errno == errno.EACCES
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.errno) == (str(caught.value), errno.EACCES)


def test_a_column_of_another_type_says_how_to_convert_it(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-20.parquet"
    pq.write_table(pa.table({"close": ["1.0825", "1.5"]}), path)
    schema = pa.schema([pa.field("close", pa.float64(), nullable=False)])
    with pytest.raises(SchemaError) as caught:
        lake.read_parquet(path, schema=schema)
    assert str(caught.value) == (
        f"parquet file {path} has column 'close' as Utf8, expected Float64: "
        "it was written by another tool; pass cast=True to convert"
    )
    assert isinstance(caught.value, TypeError)
    table = pa.table(lake.read_parquet(path, schema=schema, cast=True))
    assert table["close"].to_pylist() == [1.0825, 1.5]
    assert table.schema.equals(schema)


def test_a_conversion_that_would_change_a_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"ticks": [1.0, 2.5]}), path)
    with pytest.raises(SchemaError, match=r"value 2\.5 in row 1 would change"):
        lake.read_parquet(path, schema=pa.schema([("ticks", pa.int64())]), cast=True)


def test_microseconds_become_nanoseconds_only_if_asked() -> None:
    table = pa.table(lake.decode_bars(lake.encode_bars(some_bars(3))))
    coarse = table.set_column(1, "ts", table["ts"].cast(pa.timestamp("us", tz="UTC")))
    data = lake.encode_parquet(coarse)
    with pytest.raises(SchemaError, match="column 'ts' as Timestamp"):
        lake.decode_bars(data, Bar)
    assert lake.decode_bars(data, Bar, cast=True) == some_bars(3)


def test_nulls_where_there_may_be_none_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"close": [1.0, None, None]}), path)
    schema = pa.schema([pa.field("close", pa.float64(), nullable=False)])
    with pytest.raises(SchemaError, match=r"2 null\(s\) in column 'close', the first in row 1"):
        lake.read_parquet(path, schema=schema)


def test_unknown_options_are_refused() -> None:
    table = pa.table({"a": [2, 1]})
    for options in ({"compression": "lzo"}, {"level": 23}, {"level": 0}, {"sorted_by": ["a"]}):
        with pytest.raises(LakeOptionError) as caught:
            lake.encode_parquet(table, **options)
        assert isinstance(caught.value, ValueError)
    with pytest.raises(SchemaError, match="no column 'b'"):
        lake.encode_parquet(table, sorted_by=["b"])
    with pytest.raises(SchemaError, match="is not an Arrow table"):
        lake.encode_parquet([1, 2])


@pytest.mark.parametrize(("day", "name"), [("../..", "a"), ("2026-02-30", "a"), ("2026-02-03", "../a")])
def test_a_path_cannot_leave_the_lake(day: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(LakeOptionError):
        lake.write_bars(tmp_path / "lake", day, name, [])
    assert list(tmp_path.iterdir()) == []


def test_columns_come_as_asked(tmp_path: Path) -> None:
    path = lake.write_bars(tmp_path, "2026-02-03", "bars_1m", some_bars(4))
    assert path == str(tmp_path / "date=2026-02-03" / "bars_1m.parquet")
    assert lake.read_parquet(path, ["ticks", "uic"]).column_names == ["ticks", "uic"]
    assert lake.read_parquet(path, columns="ts").column_names == ["ts"]
    with pytest.raises(SchemaError, match="no column 'volume': it has 'uic', 'ts'"):
        lake.read_parquet(path, ["volume"])


def test_a_write_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for text in (b"old", b"new", bytearray(b"newest")):
        lake.write_atomic(path, text)
    assert path.read_bytes() == b"newest"
    lake.write_atomic(tmp_path / "token", b"secret", private=True)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["state.json", "token"]


def test_a_comparison_says_where_and_what() -> None:
    one, other = some_bars(30), some_bars(30)
    object.__setattr__(other[12], "bid_close", math.nextafter(one[12].bid_close, 2))
    object.__setattr__(one[20], "ask_low", 0.0)
    object.__setattr__(other[20], "ask_low", -0.0)
    found = lake.compare(lake.encode_bars(one), lake.decode_bars(lake.encode_bars(other)), limit=1)
    assert (found.rows, found.total, found.equal) == (30, 2, False)
    assert found.differences == (
        lake.Difference("$.rows[12].bid_close", repr(one[12].bid_close), repr(other[12].bid_close)),
    )
    assert pickle.loads(pickle.dumps(found)) == copy.copy(found)
    assert hash(found) == hash(copy.copy(found))


def test_two_lakes_are_compared_file_by_file(tmp_path: Path) -> None:
    for side in ("a", "b"):
        lake.write_bars(tmp_path / side, "2026-02-03", "bars_1m", some_bars(5))
    assert lake.compare(tmp_path / "a", tmp_path / "b").equal
    lake.write_bars(tmp_path / "b", "2026-02-04", "bars_1m", some_bars(5))
    found = lake.compare(tmp_path / "a", tmp_path / "b")
    path = '$.files["date=2026-02-04/bars_1m.parquet"]'
    assert found.differences == (lake.Difference(path, "missing", "present"),)


def test_other_threads_run_while_a_table_is_written() -> None:
    dice = random.Random(1)
    table = pa.table({"a": pa.array(dice.choices(range(10**9), k=300_000))})
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    before = time.perf_counter()
    lake.encode_parquet(table, level=12)
    after = time.perf_counter()
    done.set()
    thread.join()
    inside = [at for at in ticks if before < at < after]
    assert len(inside) >= min(10, (after - before) / 0.02), (len(inside), after - before)


def test_times_are_utc_nanoseconds() -> None:
    table = pa.table(lake.decode_bars(lake.encode_bars(some_bars(1))))
    assert table["ts"][0].as_py() == datetime.datetime(2026, 2, 2, 2, 40, tzinfo=datetime.UTC)
