"""What a scan of a dataset finds: days and symbols of any type, in any number of files, in the order declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dataset_rows import DAY, PLAIN, START, SYMBOL, TS, VALUE, flushed, rows, values
from exuvia import _exuvia, lake
from exuvia.errors import LakeError, LakeOptionError, SchemaError


@pytest.mark.parametrize(
    "kind", [pa.timestamp("s", "UTC"), pa.timestamp("ms"), pa.timestamp("us", "UTC"), pa.date32(), pa.int64()]
)
def test_days_are_those_of_the_time_in_any_unit(tmp_path: Path, kind: pa.DataType) -> None:
    schema = pa.schema([SYMBOL, pa.field("ts", kind, nullable=False), VALUE])
    made = lake.Dataset.create(tmp_path / "d", schema)
    stamps: Any = pa.array([START, START + DAY], pa.timestamp("ns"))
    stamps = pa.array([START, START + DAY]) if kind == pa.int64() else stamps.cast(kind)
    with made.writer() as writer:
        writer.append(pa.table({"symbol": ["A", "A"], "ts": stamps, "value": [1.0, 2.0]}, schema=schema))
        assert [sealed.day for sealed in writer.seal()] == ["2026-02-03", "2026-02-04"]
    assert values(made.scan(start="2026-02-04")) == [2.0]
    assert values(made.scan(end="2026-02-04")) == [1.0]


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.uint32(), pa.uint64(), pa.int16()])
def test_symbols_that_are_numbers_are_found_by_them(tmp_path: Path, kind: pa.DataType) -> None:
    most = {"uint32": 4_294_967_295, "int64": 2**40, "uint64": 2**40, "int16": 32_767}.get(str(kind), 2**31 - 1)
    numbers = [0, 1, 2, 5, 21, most]
    schema = pa.schema([pa.field("uic", kind, nullable=False), TS, VALUE])
    made = lake.Dataset.create(tmp_path / "d", schema, symbol="uic", row_group_rows=1)
    table = rows(*range(6), schema=pa.schema([TS, VALUE])).add_column(0, schema.field("uic"), pa.array(numbers, kind))
    with made.writer() as writer:
        writer.append(table)
        writer.seal()
    for at, number in enumerate(numbers):
        scan = made.scan(symbols=[number])
        assert values(scan) == [float(at)]
        assert scan.stats.groups_skipped >= 4
    assert made.symbols() == sorted(map(str, numbers))
    with pytest.raises(LakeOptionError, match="7"):
        made.scan(symbols=[7])


def test_a_dataset_without_symbols_has_none_to_ask_for(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", pa.schema([TS, VALUE]), symbol=None)
    with made.writer() as writer:
        writer.append(rows(1, 2, schema=pa.schema([TS, VALUE])))
        writer.flush()
    assert made.symbols() == []
    with pytest.raises(SchemaError, match="no column is declared as the symbol"):
        made.scan(symbols=["A"])


def test_more_symbols_than_are_listed_are_read_from_the_rows(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    names = [f"S{n:04}" for n in range(600)]
    table = rows(*range(600)).set_column(0, SYMBOL, pa.array(names))
    with made.writer() as writer:
        writer.append(table)
        writer.seal()
    assert made.contents().days[0].files[0].symbols is None
    assert made.symbols() == names
    assert values(made.scan(symbols=["S0042"])) == [42.0]
    assert values(made.scan(symbols=["none"])) == [], "it may be a symbol of a file that lists none"


def test_more_files_than_are_held_open_are_opened_one_after_another(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN, path="{symbol}/{date}.parquet")
    names = [f"S{n:03}" for n in range(300)]
    with made.writer() as writer:
        writer.append(rows(*range(300)).set_column(0, SYMBOL, pa.array(names)))
        writer.seal()
    assert values(made.scan()) == [float(n) for n in range(300)]
    scan = made.scan()
    for name in names:
        Path(made.root, name, "2026-02-03.parquet").unlink()
    # The day is as it was: nobody has sealed or compacted it, its file is gone.
    with pytest.raises(LakeError, match=r"S256.*there is no such file"):
        scan.table()
    with pytest.raises(LakeError):
        made.scan()


def test_open_rows_that_are_not_asked_for_are_not_read(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer() as writer:
        for first in (0, 100, 200):
            writer.append(rows(*range(first, first + 10), symbol=f"S{first}"))
            writer.flush()
    scan = made.scan(start=START + 100 * 10**9, end=START + 105 * 10**9)
    assert values(scan) == [100.0, 101.0, 102.0, 103.0, 104.0]
    assert (scan.stats.open, scan.stats.open_skipped) == (1, 2)
    assert values(made.scan(symbols=["S200"])) == [float(n) for n in range(200, 210)]
    with made.writer() as writer:
        writer.seal()
    assert values(made.scan(start=START + 50 * 10**9, end=START + 60 * 10**9)) == []


def test_a_folder_per_symbol_is_looked_into_for_the_symbol_alone(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN, path="{symbol}/{yyyymmdd}.parquet")
    with made.writer() as writer:
        for symbol in ("A", "B", "C"):
            writer.append(rows(1, 2, symbol=symbol))
        writer.seal()
    scan = made.scan(symbols=["B"])
    assert scan.table().num_rows == 2
    assert (scan.stats.files, scan.stats.files_skipped) == (1, 2)


def test_nested_columns_go_into_plain_files() -> None:
    table = pa.table(
        {
            "tags": pa.array([["a"], [], None]),
            "large": pa.array([[1], [2, 3], []], pa.large_list(pa.int64())),
            "pair": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float64(), 2)),
            "both": pa.array([{"x": 1, "y": "a"}] * 3),
            "by": pa.array([[("k", 1)], [], [("l", 2)]], pa.map_(pa.string(), pa.int32())),
        }
    )
    back = pa.table(lake.decode_parquet(lake.encode_parquet(table)))
    assert back.to_pydict() == table.to_pydict()


def test_keys_of_any_text_are_matched_and_nothing_on_both_sides_is_nothing(tmp_path: Path) -> None:
    for side, kind in (("a", pa.large_string()), ("b", pa.string())):
        names = pa.array(["ES", "NQ"], kind)
        lake.write_parquet(tmp_path / side / "2026-02-03.parquet", pa.table({"symbol": names, "value": [1.0, 2.0]}))
    found = lake.parity(tmp_path / "a", tmp_path / "b", key=["symbol"])
    assert (found.matched, found.columns["value"].differ) == (2, 0)
    counted, left, right, schema, one, other = _exuvia.lake_align([], [], ["symbol"], 5)
    assert (counted, left, right, schema) == ((0, 0), (0, []), (0, []), [])
    assert (one.num_rows, other.num_rows) == (0, 0)


def test_a_scan_says_its_columns_before_it_is_read_and_comes_in_batches(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    scan = made.scan(["value", "symbol"])
    assert scan.schema.names == ["value", "symbol"]
    assert [batch.num_rows for batch in scan] == [2, 1]
    with pytest.raises(SchemaError, match="has no column 'price'|'price'"):
        made.scan(["price"])


def test_rows_without_a_declared_order_stay_as_they_came(tmp_path: Path) -> None:
    schema = pa.schema([TS, VALUE])
    made = lake.Dataset.create(tmp_path / "d", schema, symbol=None, sort_by=[])
    with made.writer() as writer:
        for part in ((3, 1), (2, 0)):
            writer.append(rows(*part, schema=schema))
            writer.flush()
        assert writer.seal("2026-02-05") == [lake.Sealed("2026-02-05", 0, [], 0)]
        (sealed,) = writer.seal("2026-02-03")
    assert sealed.rows == 4
    assert pa.table(made.scan())["value"].to_pylist() == [3.0, 1.0, 2.0, 0.0]
    assert made.verify().problems == []


def test_views_of_lists_are_written_as_they_are() -> None:
    for kind in (pa.list_view(pa.int64()), pa.large_list_view(pa.int64())):
        table = pa.table({"tags": pa.array([[1], [2, 3], []], kind)})
        back = pa.table(lake.decode_parquet(lake.encode_parquet(table)))
        assert (back["tags"].type, back["tags"].to_pylist()) == (kind, [[1], [2, 3], []])
