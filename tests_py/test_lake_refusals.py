"""Tables that a file cannot hold and files that were damaged: an error that names the place, never a panic."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exuvia import lake
from exuvia.errors import (
    CompareError,
    LakeError,
    LakeNotFoundError,
    LakeOptionError,
    SchemaError,
    ValueRangeError,
)
from exuvia.migrate import compare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WORDS = ["EURUSD", None, "GBPUSD", "EURUSD"]


def some_table() -> pa.Table:
    dice = np.random.default_rng(1)
    prices = np.round(1.39 + np.cumsum(dice.normal(size=3_000)) * 1e-5, 5)
    return pa.table({"uic": np.repeat(np.arange(3), 1_000), "price": prices, "state": ["Open", "Closed", None] * 1_000})


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(WORDS, dtype=pl.Categorical),
        pl.Series(WORDS, dtype=pl.Enum(["EURUSD", "GBPUSD"])),
        pl.Series([[word] for word in WORDS], dtype=pl.List(pl.Categorical)),
        pl.Series([{"word": word} for word in WORDS], dtype=pl.Struct({"word": pl.Categorical})),
        pl.Series([None, None], dtype=pl.Null),
        pl.Series([[None], []], dtype=pl.List(pl.Null)),
    ],
    ids=["categorical", "enum", "list", "struct", "null", "list of null"],
)
def test_columns_of_polars_are_written_and_come_back(column: pl.Series) -> None:
    frame = pl.DataFrame({"word": column})
    data = lake.encode_parquet(frame)
    back = pl.DataFrame(lake.decode_parquet(data))
    assert back["word"].to_list() == column.to_list()
    assert pl.read_parquet(data)["word"].to_list() == column.to_list()
    assert lake.compare(frame, frame).equal
    assert compare(frame, frame).equal


@pytest.mark.parametrize("words", [pa.array(["x", "y"], pa.string_view()), pa.array([b"x", b"y"], pa.binary_view())])
def test_dictionaries_of_views_are_written(words: pa.Array) -> None:
    table = pa.table({"a": pa.DictionaryArray.from_arrays([1, 0, None, 1], words)})
    back = pa.table(lake.decode_parquet(lake.encode_parquet(table)))
    assert back["a"].to_pylist() == table["a"].to_pylist()


def words_of_views() -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array([1, 0, 1, 0], pa.int32()), pa.array(["x", "y"], pa.string_view()))


@pytest.mark.parametrize(
    "column",
    [
        pa.ListArray.from_arrays([0, 1, 4], words_of_views()),
        pa.LargeListArray.from_arrays([0, 1, 4], words_of_views()),
        pa.FixedSizeListArray.from_arrays(words_of_views(), 2),
        pa.MapArray.from_arrays([0, 1, 4], ["a", "b", "c", "d"], words_of_views()),
        pa.StructArray.from_arrays([words_of_views()], names=["word"]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array([7, 8, 7]).dictionary_encode(),
        pa.ListViewArray.from_arrays([0, 1], [2, 1], pa.array([1, 2])),
    ],
    ids=lambda column: str(column.type),
)
def test_words_of_views_become_plain_ones_wherever_they_are_nested_and_all_else_stays(column: pa.Array) -> None:
    table = pa.table({"n": range(len(column)), "a": column})
    back = pa.table(lake.decode_parquet(lake.encode_parquet(table)))
    assert back.to_pydict() == table.to_pydict()
    assert str(back["a"].type) == str(column.type).replace("string_view", "string")


UNION = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"ok": [1, 2], "bad": UNION}), "column 'bad' is .*, which cannot be .*: Parquet has no unions"),
        (pa.table({"bad": pa.ListArray.from_arrays([0, 2], UNION)}), "column 'bad' is .*: Parquet has no unions"),
        (pa.table({"bad": pa.LargeListArray.from_arrays([0, 2], UNION)}), "column 'bad' is .*: Parquet has no unions"),
        (pa.table({"bad": pa.ListViewArray.from_arrays([0], [2], UNION)}), "column 'bad' is .*: Parquet has no unions"),
        (
            pa.table({"bad": pa.LargeListViewArray.from_arrays([0], [2], UNION)}),
            "column 'bad' is .*: Parquet has no unions",
        ),
        (pa.table({"bad": pa.FixedSizeListArray.from_arrays(UNION, 2)}), "column 'bad' is .*: Parquet has no unions"),
        (
            pa.table({"bad": pa.MapArray.from_arrays([0, 2], ["k", "l"], UNION)}),
            "column 'bad' is .*: Parquet has no unions",
        ),
        (
            pa.table({"bad": pa.RunEndEncodedArray.from_arrays([1, 2], UNION)}),
            "column 'bad' is .*: Parquet has no unions",
        ),
        (pa.table({"bad": pa.array([{}], pa.struct([]))}), "column 'bad' is .*: Parquet has no structs without fields"),
        (pa.table([[1], [2], [3]], names=["a", "b", "a"]), "the table has 2 columns named 'a'"),
        (pa.array([1]), "is not an Arrow table|is a column of Int64, not a table|cannot be read as an Arrow table"),
        (pa.chunked_array([[1]]), "is a column of Int64, not a table"),
        (pl.DataFrame({"big": pl.Series([2**100], dtype=pl.Int128)}), "column 'big' has a type that is not read"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "cannot be read as an Arrow table: .*Duplicate column names"),
        (pd.DataFrame({"a": [1, "x"]}), "cannot be read as an Arrow table: "),
    ],
)
def test_a_table_that_cannot_be_written_names_its_column(table: Any, said: str, tmp_path: Path) -> None:
    for write in (lake.encode_parquet, lambda table: lake.write_parquet(tmp_path / "a.parquet", table)):
        with pytest.raises(SchemaError, match=said):
            write(table)
    assert list(tmp_path.iterdir()) == []


def test_two_columns_of_one_name_are_neither_compared_nor_taken_for_bars() -> None:
    twice, bars = pa.table([[1], [1]], names=["a", "a"]), pa.table(lake.decode_bars(lake.encode_bars([])))
    with pytest.raises(SchemaError, match="2 columns named 'a'"):
        lake.compare(twice, pa.table([[1], [9]], names=["a", "a"]))
    with pytest.raises(SchemaError, match="2 columns named 'ticks'"):
        lake.encode_bars(bars.append_column("ticks", pa.array([], pa.int64())))


def test_a_library_that_cannot_export_its_table_is_the_cause() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    for error, call in [(SchemaError, lake.compare), (CompareError, compare)]:
        with pytest.raises(error, match="Duplicate column names found") as caught:
            call(frame, frame)
        assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_every_page_has_a_checksum_that_other_readers_verify(compression: str) -> None:
    table = some_table()
    data = lake.encode_parquet(table, compression=compression)
    assert pq.read_table(pa.BufferReader(data), page_checksum_verification=True).equals(table)
    for at in page_bytes(data):
        broken = bytearray(data)
        broken[at] ^= 1
        with pytest.raises(LakeError, match="is damaged: .*CRC"):
            lake.decode_parquet(broken)
        with pytest.raises(OSError, match="CRC checksum verification failed"):
            pq.read_table(pa.BufferReader(bytes(broken)), page_checksum_verification=True)


def page_bytes(data: bytes) -> list[int]:
    """Offsets of some bytes in the two pages of the prices: in their second halves, where no header is."""
    prices = pq.read_metadata(pa.BufferReader(data)).row_group(0).column(1)
    first, second = prices.dictionary_page_offset, prices.data_page_offset
    assert first is not None
    end = first + prices.total_compressed_size
    dice = random.Random(1)
    return [dice.randrange((start + stop) // 2, stop) for start, stop in [(first, second), (second, end)] * 9]


@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_a_bit_flipped_before_the_footer_never_changes_a_value_in_silence(compression: str) -> None:
    table = some_table().slice(0, 400)
    data, dice = lake.encode_parquet(table, compression=compression), random.Random(1)
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    refused = 0
    for _ in range(500):
        broken = bytearray(data)
        broken[dice.randrange(4, footer)] ^= 1 << dice.randrange(8)
        try:
            assert pa.table(lake.decode_parquet(broken)).equals(table)
        except (LakeError, SchemaError):
            refused += 1
    assert refused > 350


def test_checksums_cost_two_percent_at_most() -> None:
    for table in (some_table(), pa.table(lake.decode_bars(lake.encode_bars([])))):
        for compression in ("zstd", "snappy"):
            out = pa.BufferOutputStream()
            pq.write_table(table, out, compression=compression, write_page_checksum=True)
            assert len(lake.encode_parquet(table, compression=compression)) <= 1.02 * out.getvalue().size + 2_500


def test_many_pages_and_row_groups_keep_their_places() -> None:
    rows = 1_200_000
    table = pa.table(
        {"a": np.arange(rows), "b": np.arange(rows) % 7, "c": pa.array([str(i % 100) for i in range(rows)])}
    )
    data = lake.encode_parquet(table, sorted_by=["a"], metadata={"day": "2026-02-03"})
    assert pa.table(lake.decode_parquet(data)).equals(table)
    assert pq.read_table(pa.BufferReader(data), page_checksum_verification=True).equals(table)
    footer = pq.read_metadata(pa.BufferReader(data))
    assert footer.num_row_groups == 2
    assert footer.metadata is not None
    assert footer.metadata[b"day"] == b"2026-02-03"
    assert footer.row_group(1).column(0).statistics.max == rows - 1
    narrow = pl.scan_parquet(data).filter(pl.col("a") == rows - 5).collect()
    assert narrow.rows() == [(rows - 5, (rows - 5) % 7, str((rows - 5) % 100))]


def test_what_a_decoder_gave_up_on_is_not_printed() -> None:
    script = """
import contextlib, random, sys
import pyarrow as pa
from exuvia import _exuvia, lake
from exuvia.errors import LakeError, PanicError, SchemaError
data = lake.encode_parquet(pa.table({"a": [1, 2, None] * 50, "s": ["x", "y", "z"] * 50}))
dice = random.Random(3)
for _ in range(400):
    broken = bytearray(data)
    broken[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    with contextlib.suppress(LakeError, SchemaError):
        lake.decode_parquet(broken)
for kind in ("enter", "stay", "guard"):
    try:
        _exuvia._panic_in_gate(kind)
    except PanicError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.count("gate.rs:") == 3, done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compression": None}, 'compression None .*NoneType.* is not possible: use "zstd", "snappy" or "none"'),
        ({"level": 2**40}, "level 1099511627776 .* is not possible: use 1 to 22"),
        ({"level": "3"}, "level '3' .* is not possible: use 1 to 22"),
        ({"metadata": {"a": 1}}, "metadata \\{'a': 1\\} .* is not possible: use a mapping from str to str"),
        ({"sorted_by": [1]}, "sorted_by \\[1\\] .* is not possible: use names of columns"),
    ],
)
def test_an_option_of_another_type_is_named_with_its_value(options: dict[str, Any], said: str) -> None:
    with pytest.raises(LakeOptionError, match=said):
        lake.encode_parquet(pa.table({"a": [1]}), **options)
    if not options.keys() & {"metadata", "sorted_by"}:
        with pytest.raises(LakeOptionError, match=said):
            lake.encode_bars([], **options)


def test_what_is_no_schema_is_named() -> None:
    data = lake.encode_bars([])
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: lake.decode_parquet(data, schema=5), "schema 5 .* is not possible: use an Arrow schema"),  # type: ignore[arg-type]
        (lambda: lake.decode_parquet(data, columns=[5]), "columns \\[5\\] .* is not possible: use names of columns"),  # type: ignore[list-item]
    ]
    for call, said in calls:
        with pytest.raises(LakeOptionError, match=said):
            call()
    with pytest.raises(ValueRangeError, match="limit -1 is out of range"):
        lake.compare(data, data, limit=-1)


def test_bars_of_another_type_are_told_apart_from_a_file_of_another_tool(tmp_path: Path) -> None:
    bars = pa.table(lake.decode_bars(lake.encode_bars([])))
    wrong = bars.set_column(3, "bid_high", pa.array([], pa.string()))
    for write in (lake.encode_bars, lambda table: lake.write_bars(tmp_path, "2026-02-03", "bars", table)):
        with pytest.raises(SchemaError, match="the bars have column 'bid_high' as Utf8, expected Float64") as caught:
            write(wrong)
        assert "another tool" not in str(caught.value)
        assert "cast=True" not in str(caught.value)


def test_a_write_that_fails_names_the_file_that_was_meant(tmp_path: Path) -> None:
    target = tmp_path / "taken"
    (target / "inside").mkdir(parents=True)
    with pytest.raises(LakeError, match=r"cannot write \S*/taken: ") as caught:
        lake.write_atomic(target, b"x")
    assert ".tmp" not in str(caught.value)
    with pytest.raises(LakeError, match="cannot write ") as caught:
        lake.write_atomic(tmp_path / ("a" * 255), b"x")
    assert ".tmp" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_folder_is_not_compared_with_nothing(tmp_path: Path) -> None:
    full, empty, other = tmp_path / "full", tmp_path / "empty", tmp_path / "other"
    lake.write_bars(full, "2026-02-03", "bars", [])
    empty.mkdir()
    other.mkdir()
    for sides in ((full, tmp_path / "gone"), (tmp_path / "gone", full)):
        with pytest.raises(LakeNotFoundError, match=r"cannot compare \S*/gone: there is no such file or folder"):
            lake.compare(*sides)
    with pytest.raises(LakeError, match="nothing to compare: there is no Parquet file in .*empty or .*other"):
        lake.compare(empty, other)
    assert lake.compare(full, empty).total == 1
    [file] = full.rglob("*.parquet")
    for sides in ((full, file), (file, full), (full, file.read_bytes())):
        with pytest.raises(LakeOptionError, match="is a folder and .* is not: compare two folders, or two tables"):
            lake.compare(*sides)


def test_an_order_is_not_declared_over_nested_columns(tmp_path: Path) -> None:
    nested = pa.table({"a": [1, 2], "b": [[1], [2]]})
    with pytest.raises(LakeError, match="sorted_by is not possible in a table with nested columns"):
        lake.write_parquet(tmp_path / "a.parquet", nested, sorted_by=["a"])
    assert list(tmp_path.iterdir()) == []
    lake.write_parquet(tmp_path / "a.parquet", nested)


def test_a_null_is_shown_as_null_beside_the_value_that_differs() -> None:
    [first, second] = lake.compare(pa.table({"a": [1, None, 3]}), pa.table({"a": [1, 2, None]})).differences
    assert (first.path, first.left, first.right) == ("$.rows[1].a", "null", "2")
    assert (second.path, second.left, second.right) == ("$.rows[2].a", "3", "null")


def test_an_encrypted_file_is_called_that() -> None:
    data = lake.encode_parquet(pa.table({"a": [1]}))
    with pytest.raises(LakeError, match="the footer is encrypted"):
        lake.decode_parquet(data[:-4] + b"PARE")
