"""Every declaration, change and look that a dataset refuses, and what a tampered folder is told apart by."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from exuvia import _exuvia, lake
from exuvia.errors import LakeError, LakeOptionError, SchemaError

START = 1_770_076_800 * 10**9  # 2026-02-03
DAY = 86_400 * 10**9
TS = pa.field("ts", pa.timestamp("ns", "UTC"), nullable=False)
SYMBOL = pa.field("symbol", pa.string(), nullable=False)
VALUE = pa.field("value", pa.float64())
PLAIN = pa.schema([SYMBOL, TS, VALUE])


def rows(*numbers: int, schema: pa.Schema = PLAIN, symbol: str = "A") -> pa.Table:
    """A row for each number: so many seconds after midnight."""
    stamps = pa.array([START + n * 10**9 for n in numbers]).cast(schema.field("ts").type)
    columns = {"symbol": [symbol] * len(numbers), "ts": stamps, "value": [float(n) for n in numbers]}
    return pa.table({name: columns[name] for name in schema.names if name in columns}, schema=schema)


def values(scan: Any) -> list[float]:
    return sorted(pa.table(scan)["value"].to_pylist())


def replaced(field: pa.Field) -> pa.Schema:
    return pa.schema([field if old.name == field.name else old for old in PLAIN])


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
    with pytest.raises(LakeError, match="changed"):
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


def segment(made: lake.Dataset) -> Path:
    (path,) = Path(made.root, "_exuvia", "open").glob("*.seg")
    return path


def flushed(folder: Path, *parts: tuple[int, ...]) -> lake.Dataset:
    made = lake.Dataset.create(folder, PLAIN)
    with made.writer() as writer:
        for part in parts:
            writer.append(rows(*part))
            writer.flush()
    return made


def test_what_a_killed_writer_left_is_a_note_and_goes_with_the_next(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    path = segment(made)
    path.write_bytes(path.read_bytes() + b"half a frame")
    found = made.verify()
    assert found.problems == []
    ((file, what),) = found.notes
    assert file.endswith(path.name)
    assert "12 bytes behind byte" in what
    assert "were never committed: a writer was killed there" in what
    assert values(made.scan()) == [1.0, 2.0, 3.0]


def test_a_commit_of_which_rows_are_missing_does_not_count(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    path = segment(made)
    whole = path.read_bytes()
    at = whole.rindex(np.float64(3.0).tobytes())
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    assert values(made.scan()) == [1.0, 2.0], "the last commit was not whole when the power went"
    first = whole.index(np.float64(2.0).tobytes())
    path.write_bytes(whole[:first] + bytes(8) + whole[first + 8 :])
    found = made.verify()
    assert [what for _, what in found.problems if "damaged" in what or "broken" in what or "checksum" in what]
    with pytest.raises(LakeError, match="damaged"):
        made.scan().table()


def test_a_damaged_head_and_a_segment_of_another_dataset_are_named(tmp_path: Path) -> None:
    made, other = flushed(tmp_path / "d", (1,), (2,), (3,)), flushed(tmp_path / "e", (1,))
    path = segment(made)
    whole = path.read_bytes()
    path.write_bytes(segment(other).read_bytes())
    with pytest.raises(LakeError, match="it belongs to dataset 'e'"):
        made.scan()
    path.write_bytes(bytes(64) + whole[64:])
    (problem,) = made.verify().problems
    assert problem[0].endswith(path.name)
    assert "at byte 0: " in problem[1]


def test_a_file_of_damaged_pages_is_named_when_it_is_read(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer() as writer:
        writer.append(rows(*range(1000)))
        (sealed,) = writer.seal()
    path = Path(made.root, sealed.files[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(byte ^ 0x5A for byte in whole[4:200]) + whole[200:])
    with pytest.raises(LakeError, match=sealed.files[0]):
        made.scan().table()


def tampered(path: Path, change: Any) -> None:
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_rows_in_the_wrong_order_of_the_wrong_day_or_too_few_are_found(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN, sort_by=["value"])
    with made.writer() as writer:
        writer.append(rows(3, 1, 2))
        writer.seal()
    declared, manifest = (Path(made.root, "_exuvia", name) for name in ("dataset.json", "days/2026-02-03.json"))
    before = manifest.read_text()

    def said() -> str:
        (problem,) = lake.open(made.root).verify().problems
        return problem[1]

    tampered(manifest, lambda told: told["files"][0].update(rows=4))
    assert said() == "it has 3 rows, and the manifest says 4"
    manifest.write_text(before)
    tampered(manifest, lambda told: told["files"][0].update(bytes=10**6))
    assert "bytes" in said()
    manifest.write_text(before)
    manifest.unlink()
    other = manifest.with_name("2026-02-04.json")
    other.write_text(before)
    tampered(other, lambda told: told.update(day=told["day"] + 1))
    assert said() == "it has rows of 2026-02-03 to 2026-02-03, and belongs to 2026-02-04"
    other.unlink()
    manifest.write_text(before)
    assert lake.open(made.root).verify().problems == []
    # The file ascends by value, and so by time; not by the symbol's other end.
    with lake.open(made.root).writer() as writer:
        writer.append(rows(5, symbol="0"))
        writer.seal()
        writer.compact()
    tampered(declared, lambda told: told.update(sort_by=["symbol", "ts"]))
    assert said() == "its rows are not in the declared order"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "one"}', '{"format": 1}'])
def test_a_declaration_or_manifest_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    made = flushed(tmp_path / "d", (1,))
    with made.writer() as writer:
        writer.seal()
    for name in ("days/2026-02-03.json", "dataset.json"):
        Path(made.root, "_exuvia", name).write_text(text)
        with pytest.raises(LakeError, match=name):
            lake.open(made.root).scan().table()


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


def test_a_file_of_another_tool_under_the_next_name_is_left_alone(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    taken = Path(made.root, "date=2026-02-03", "part-0000.parquet")
    taken.parent.mkdir()
    taken.write_bytes(b"legacy's")
    with made.writer() as writer:
        writer.append(rows(1))
        (sealed,) = writer.seal()
    assert sealed.files == ["date=2026-02-03/part-0001.parquet"]
    assert taken.read_bytes() == b"legacy's"


def test_a_damaged_mark_or_head_ends_what_counts(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer() as writer:
        for number in (1, 2):
            writer.append(rows(number))
            writer.flush(f"mark {number}")
    path = segment(made)
    whole = path.read_bytes()
    at = whole.rindex(b"mark 2")
    path.write_bytes(whole[:at] + b"M" + whole[at + 1 :])
    assert (values(made.scan()), made.contents().mark) == ([1.0], "mark 1")
    at = whole.index(b'"dataset"')
    path.write_bytes(whole[:at] + b"'" + whole[at + 1 :])
    (problem,) = made.verify().problems
    assert "rows were committed behind it" in problem[1]


def test_a_folder_per_symbol_is_looked_into_for_the_symbol_alone(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN, path="{symbol}/{yyyymmdd}.parquet")
    with made.writer() as writer:
        for symbol in ("A", "B", "C"):
            writer.append(rows(1, 2, symbol=symbol))
        writer.seal()
    scan = made.scan(symbols=["B"])
    assert scan.table().num_rows == 2
    assert (scan.stats.files, scan.stats.files_skipped) == (1, 2)


def test_a_broken_declaration_is_not_written_over(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    path = Path(made.root, "_exuvia", "dataset.json")
    path.write_text("{")
    with pytest.raises(LakeError, match="dataset.json"):
        lake.Dataset.create(tmp_path / "d", PLAIN)
    assert path.read_text() == "{"


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


FULL = """
import resource, signal, sys
import numpy as np
import pyarrow as pa
from exuvia import lake
from exuvia.errors import LakeError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
made = lake.open(sys.argv[1])
count = 400_000
stamps = pa.array(1_770_076_800 * 10**9 + np.arange(count), pa.timestamp("ns", "UTC"))
rows = pa.table({"symbol": ["A"] * count, "ts": stamps, "value": np.random.default_rng(1).random(count)})
with made.writer() as writer:
    writer.append(rows)
    writer.flush()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
    try:
        writer.seal()
    except LakeError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert made.scan().table().num_rows == count
    print(writer.seal()[0].rows)
"""


def test_a_disk_that_fills_while_a_day_is_sealed_leaves_the_day_open(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    done = subprocess.run(
        [sys.executable, "-c", FULL, made.root], capture_output=True, text=True, timeout=60, check=True
    )
    assert "the disk is full or a size limit is reached" in done.stdout, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "400000"
    assert made.verify().problems == []


def test_a_scan_says_its_columns_before_it_is_read_and_comes_in_batches(tmp_path: Path) -> None:
    made = flushed(tmp_path / "d", (1, 2), (3,))
    scan = made.scan(["value", "symbol"])
    assert scan.schema.names == ["value", "symbol"]
    assert [batch.num_rows for batch in scan] == [2, 1]
    with pytest.raises(SchemaError, match="has no column 'price'|'price'"):
        made.scan(["price"])


def test_a_writer_without_a_users_name_says_so_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    made = lake.Dataset.create(tmp_path / "d", PLAIN)
    with made.writer(), pytest.raises(LakeError, match="of an unnamed user on "):
        made.writer()


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
