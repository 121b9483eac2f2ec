"""Every declaration, change and row that a dataset refuses, and what it says of it."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from dataset_rows import PLAIN, SYMBOL, TS, VALUE, replaced, rows, values
from exuvia import lake
from exuvia.errors import LakeError, LakeOptionError, SchemaError


@pytest.mark.parametrize(
    ("schema", "arguments", "words"),
    [
        (PLAIN, {"name": "two\nlines"}, "at most 100 characters, without line breaks"),
        (PLAIN, {"name": "n" * 101}, "at most 100 characters"),
        (PLAIN.append(pa.field("tags", pa.list_(pa.string()))), {}, "declare plain columns"),
        (PLAIN.append(pa.field("half", pa.float16())), {}, "half: Float16.*declare plain columns"),
        (PLAIN.append(pa.field("code", pa.dictionary(pa.int8(), pa.string()))), {}, "declare plain columns"),
        (PLAIN.append(pa.field("value", pa.int64())), {}, "two columns have this name"),
        (PLAIN, {"time": "when"}, 'time "when".*there is no such column: there are symbol, ts, value'),
        (PLAIN, {"time": "value"}, "it is Float64: a timestamp, a Date32, or UTC nanoseconds as Int64 is needed"),
        (replaced(TS.with_nullable(True)), {}, "a row without a time belongs to no day"),
        (PLAIN, {"symbol": "uic"}, 'symbol "uic".*there is no such column'),
        (PLAIN, {"symbol": "value"}, "it is Float64: text or a whole number is needed"),
        (replaced(SYMBOL.with_nullable(True)), {}, "a row without a symbol falls into no bucket"),
        (PLAIN, {"buckets": 0}, 'buckets "0".*use 1 to 4096'),
        (PLAIN, {"buckets": 5000}, "use 1 to 4096"),
        (PLAIN, {"buckets": 2, "path": "{date}.parquet"}, "there are several buckets: put {bucket} in it"),
        (PLAIN, {"symbol": None, "path": "{symbol}/{date}.parquet"}, "no column is declared as the symbol"),
        (PLAIN, {"sort_by": ["value", "price"]}, 'sort_by "price".*there is no such column'),
        (PLAIN, {"bloom": ["price"]}, 'bloom "price".*there is no such column'),
        (PLAIN, {"row_group_rows": 0}, "a row group has rows"),
        (PLAIN, {"compression": "lz4"}, "lz4"),
        (PLAIN, {"path": "{date}/{hour}.parquet"}, "hour"),
        (PLAIN, {"path": "all.parquet"}, "all.parquet"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused_by_its_part(
    tmp_path: Path, schema: pa.Schema, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(LakeOptionError, match=words):
        lake.Dataset.create(tmp_path / "d", schema, **arguments)
    assert not (tmp_path / "d" / "_exuvia").exists()


@pytest.mark.parametrize("kind", ["bars", "quotes", "trades", "option_chains"])
def test_every_kind_is_a_dataset_that_opens_again(tmp_path: Path, kind: str) -> None:
    made = lake.Dataset.create(tmp_path / kind, kind)
    assert lake.open(tmp_path / kind).schema == made.schema
    assert lake.Dataset.create(tmp_path / kind, kind).schema == made.schema
    assert made.scan().table().num_rows == 0
    other = "trades" if kind == "bars" else "bars"
    with pytest.raises(LakeOptionError, match="declared otherwise|is .*, not "):
        lake.Dataset.create(tmp_path / kind, other)


def test_the_first_difference_of_two_declarations_is_named(tmp_path: Path) -> None:
    lake.Dataset.create(tmp_path / "d", PLAIN)
    with pytest.raises(LakeOptionError, match="its columns are symbol Utf8 not null, .*value Float64, not .*Float32"):
        lake.Dataset.create(tmp_path / "d", replaced(pa.field("value", pa.float32())))
    with pytest.raises(LakeOptionError, match="sort_by is symbol, ts, not ts"):
        lake.Dataset.create(tmp_path / "d", PLAIN, sort_by=["ts"])


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (pa.field("venue", pa.string(), nullable=False), "new column 'venue' is not null, and earlier rows have no"),
        (pa.field("value", pa.int64()), "'value' cannot become Int64, it is Float64: values could change"),
        (pa.field("value", pa.float64(), nullable=False), "'value' may be null in earlier rows, and must stay"),
        (pa.field("gone", pa.int32()), "an earlier version had this column: 'gone' cannot become Int32, it is Int64"),
    ],
)
def test_a_schema_does_not_evolve_into_one_that_loses_a_value(tmp_path: Path, field: pa.Field, words: str) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN.append(pa.field("gone", pa.int64())))
    with made.writer() as writer:
        said = writer.evolve(PLAIN)
        assert said == ["dropped 'gone' Int64: scans no longer show it; earlier files keep it until they are compacted"]
        wanted = replaced(field) if field.name in PLAIN.names else PLAIN.append(field)
        with pytest.raises(SchemaError, match=words):
            writer.evolve(wanted)
        with pytest.raises(SchemaError, match="'ts' is the time, the symbol, or one of those by which files are"):
            writer.evolve(pa.schema([SYMBOL, VALUE]))


def test_each_change_of_a_schema_says_what_it_did(tmp_path: Path) -> None:
    number = pa.field("number", pa.int32(), nullable=False)
    made = lake.Dataset.create(tmp_path / "d", PLAIN.append(number))
    with made.writer() as writer:
        writer.append(rows(1).append_column(number, pa.array([7], pa.int32())))
        writer.seal()
        assert writer.evolve(PLAIN.append(number.with_nullable(True))) == ["'number' may be null from now on"]
        wide = pa.field("number", pa.float64())
        assert writer.evolve(PLAIN.append(wide)) == [
            "widened 'number' from Int32 to Float64: earlier files are read as Float64"
        ]
        turned = pa.schema([wide, VALUE, TS, SYMBOL])
        (said,) = writer.evolve(turned)
        assert said.startswith("columns stand in another order: number Float64, value Float64, ts")
    now = lake.open(made.root)
    assert pa.table(now.scan())["number"].to_pylist() == [7.0]
    assert [version.number for version in now.contents().versions] == [1, 2, 3, 4]


def test_rows_of_a_schema_that_came_meanwhile_are_read_or_ask_for_opening_again(tmp_path: Path) -> None:
    before = lake.Dataset.create(tmp_path / "d", PLAIN)
    wider = PLAIN.append(pa.field("venue", pa.string()))
    with lake.open(before.root).writer() as writer:
        writer.evolve(wider)
        writer.append(rows(1).append_column("venue", [["X"]]))
        writer.flush()
    # A scan looks the schema up anew; what was listed of the old one says that it is old.
    table = pa.table(before.scan())
    assert table["venue"].to_pylist() == ["X"]
    with pytest.raises(LakeError, match="version 2 of the schema, which it does not know: open the dataset again"):
        before.symbols()
    assert lake.open(before.root).symbols() == ["A"]


def test_values_that_a_cast_would_change_are_refused(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", replaced(pa.field("value", pa.int32())))
    table = rows(1, 2).set_column(2, "value", pa.array([1.0, 2.5]))
    with made.writer() as writer:
        with pytest.raises(SchemaError, match="column 'value' cannot be converted from Float64 to Int32"):
            writer.append(table, cast=True)
        assert writer.append(table.slice(0, 1), cast=True).rows == 1
        assert writer.append(table.slice(0, 0), cast=True) == lake.Appended(0, {}, 0)
        with pytest.raises(LakeError, match="2026-13-01.*write a date as YYYY-MM-DD"):
            writer.seal("2026-13-01")
    assert values(made.scan()) == [1]


def test_a_writer_without_a_users_name_says_so_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer(), pytest.raises(LakeError, match="of an unnamed user on "):
        made.writer()
