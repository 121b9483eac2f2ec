"""Datasets from Python: what is appended is read, by every library, and every refusal says what to do."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from exuvia import lake
from exuvia.errors import (
    LakeError,
    LakeHeldError,
    LakeNotFoundError,
    LakeOptionError,
    LakePermissionError,
    SchemaError,
)
from exuvia.lake.instants import nanoseconds

DAY = 86_400 * 10**9
START = 1_770_076_800 * 10**9  # 2026-02-03
SYMBOLS = ["AAPL", "BRK.B", "EUR/USD", "MSFT", "NVDA"]


def quotes(first: int, rows: int, *, step: int = 10**9) -> pa.Table:
    """Quotes one step apart from row `first` on, over all symbols."""
    number = np.arange(first, first + rows)
    return pa.table(
        {
            "symbol": [SYMBOLS[n % 5] for n in number],
            "ts": pa.array(START + number * step, pa.timestamp("ns", "UTC")),
            "bid": number + 0.25,
            "ask": pa.array([None if n % 11 == 0 else n + 0.5 for n in number], pa.float64()),
            "bid_size": number * 1.0,
            "ask_size": number * 2.0,
        }
    )


def ordered(table: Any) -> pa.Table:
    return pa.table(table).cast(quotes(0, 1).schema).sort_by("bid")


@pytest.fixture
def filled(tmp_path: Path) -> lake.Dataset:
    """Two sealed days, one of them with late rows in a second part, and an open one."""
    made = lake.Dataset.create(tmp_path / "quotes", "quotes", buckets=2)
    with made.writer() as writer:
        writer.append(quotes(0, 2_000, step=86_400 * 10**6))
        assert [sealed.rows for sealed in writer.seal()] == [1_000, 1_000]
        late = writer.append(quotes(0, 10))
        assert late == lake.Appended(10, {"2026-02-03": 10}, 10)
        writer.seal("2026-02-03")
        writer.append(quotes(2_000, 500, step=86_400 * 10**6))
    return made


def expected() -> pa.Table:
    step = 86_400 * 10**6
    return pa.concat_tables([quotes(0, 2_500, step=step), quotes(0, 10)]).sort_by("bid")


def sealed_part() -> pa.Table:
    return pa.concat_tables([quotes(0, 2_000, step=86_400 * 10**6), quotes(0, 10)]).sort_by("bid")


def test_a_scan_reads_sealed_days_and_the_open_one(filled: lake.Dataset) -> None:
    assert ordered(filled.scan().table()).equals(expected())
    assert ordered(pa.table(filled.scan())).equals(expected())
    batches = list(filled.scan())
    assert sum(batch.num_rows for batch in batches) == 2_510
    assert filled.symbols() == sorted(SYMBOLS)


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(pa.table, id="pyarrow"),
        pytest.param(lambda scan: pl.DataFrame(scan).to_arrow(), id="polars"),
        pytest.param(
            lambda scan: duckdb.from_arrow(pa.RecordBatchReader.from_stream(scan)).to_arrow_table(), id="duckdb"
        ),
        pytest.param(lambda scan: pa.Table.from_pandas(pa.table(scan).to_pandas()), id="pandas"),
    ],
)
def test_every_library_takes_a_scan(filled: lake.Dataset, read: Any) -> None:
    assert ordered(read(filled.scan())).equals(expected())


def test_pyarrow_reads_the_files(filled: lake.Dataset) -> None:
    found = pyarrow.dataset.dataset(filled.root, partitioning="hive").to_table()
    assert set(found["date"].to_pylist()) == {"2026-02-03", "2026-02-04"}
    assert ordered(found.drop_columns(["date", "bucket"])).equals(sealed_part())


def test_pandas_reads_the_files(filled: lake.Dataset) -> None:
    found = pd.read_parquet(filled.root).drop(columns=["date", "bucket"])
    assert ordered(pa.Table.from_pandas(found, preserve_index=False)).equals(sealed_part())


def test_polars_reads_the_files(filled: lake.Dataset) -> None:
    found = pl.scan_parquet(f"{filled.root}/**/*.parquet", hive_partitioning=True).drop("date", "bucket").collect()
    assert ordered(found.to_arrow()).equals(sealed_part())


def test_duckdb_reads_the_files_and_their_filters(filled: lake.Dataset) -> None:
    files = f"{filled.root}/**/*.parquet"
    found = duckdb.read_parquet(files).filter("symbol = 'EUR/USD'").aggregate("count(*), sum(bid)").fetchall()
    rows = sealed_part().filter(pa.compute.field("symbol") == "EUR/USD")
    assert found == [(rows.num_rows, pa.compute.sum(rows["bid"]).as_py())]
    probe = "select distinct bloom_filter_excludes from parquet_bloom_probe(?, 'symbol', 'NONE')"
    assert duckdb.execute(probe, [files]).fetchall() == [(True,)]


def test_a_file_says_how_it_is_sorted_and_compressed(filled: lake.Dataset) -> None:
    path = Path(filled.root, filled.contents().days[0].files[0].path)
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert [column.column_index for column in group.sorting_columns] == [0, 1]
    assert group.column(0).compression == "ZSTD"
    assert group.column(1).statistics.has_min_max
    stamps = pq.read_table(path, partitioning=None).sort_by([("symbol", "ascending"), ("ts", "ascending")])
    assert stamps.equals(pq.read_table(path, partitioning=None))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (START + DAY // 2, START + DAY),
        ("2026-02-03T12:00:00Z", "2026-02-04"),
        ("2026-02-03T13:00:00+01:00", datetime.date(2026, 2, 4)),
        (datetime.datetime(2026, 2, 3, 12, tzinfo=datetime.UTC), pd.Timestamp("2026-02-04", tz="UTC")),
        (np.datetime64("2026-02-03T12"), np.int64(START + DAY)),
    ],
)
def test_time_may_be_said_in_many_ways(filled: lake.Dataset, start: Any, end: Any) -> None:
    scan = filled.scan(["bid", "symbol"], start=start, end=end, symbols=["AAPL", "NVDA"])
    table = pa.table(scan.table())
    assert table.column_names == ["bid", "symbol"]
    assert sorted(table["bid"].to_pylist()) == [n + 0.25 for n in range(500, 1_000) if n % 5 in {0, 4}]
    assert scan.stats.files_skipped > 0, "the part with the late rows of the morning"
    assert scan.stats.open == 0


def test_what_is_no_instant_is_refused() -> None:
    for when, words in [
        ("yesterday", "write 2026-02-03"),
        ("2026-02-03T14:00", "has no zone"),
        (datetime.datetime(2026, 2, 3), "make it aware"),
    ]:
        with pytest.raises(LakeOptionError, match=words):
            nanoseconds(when)


def test_a_symbol_that_is_nowhere_is_named(filled: lake.Dataset) -> None:
    with pytest.raises(
        LakeOptionError, match=r'no symbol "eurusd": it has "EUR/USD"|no symbol "EURUSD": it has "EUR/USD"'
    ):
        filled.scan(symbols=["AAPL", "EURUSD"])
    with pytest.raises(SchemaError, match="no column 'price': it has 'symbol'"):
        filled.scan(["price"])


def test_whole_numbers_may_be_symbols(tmp_path: Path) -> None:
    schema = pa.schema(
        [pa.field("uic", pa.int32(), False), pa.field("ts", pa.timestamp("us"), False), ("x", pa.float32())]
    )
    made = lake.Dataset.create(tmp_path / "d", schema, symbol="uic", buckets=8)
    stamps = pa.array([START // 1_000] * 100, pa.timestamp("us"))
    with made.writer() as writer:
        writer.append(
            pa.table(
                {"uic": pa.array(range(100), pa.int32()), "ts": stamps, "x": pa.array([1.0] * 100, pa.float32())},
                schema,
            )
        )
        writer.seal()
    scan = made.scan(symbols=[17, 18])
    assert sorted(pa.table(scan.table())["uic"].to_pylist()) == [17, 18]
    assert scan.stats.files == 2
    with pytest.raises(SchemaError, match='symbol "ES" is no whole number'):
        made.scan(symbols=["ES"])


def test_legacy_readers_open_what_is_written_under_their_names(tmp_path: Path) -> None:
    """A reader that knows `SYMBOL/YYYYMMDD.parquet`, microseconds without a zone, and rows by time."""
    schema = pa.schema(
        [pa.field("t", pa.timestamp("us"), False), pa.field("sym", pa.string(), False), ("px", pa.float32())]
    )
    made = lake.Dataset.create(
        tmp_path / "ticks",
        schema,
        time="t",
        symbol="sym",
        path="{symbol}/{yyyymmdd}.parquet",
        sort_by=["t"],
        compression="snappy",
    )
    stamps = [START // 1_000 + n for n in (5, 1, 3)]
    rows = pa.table(
        {"t": pa.array(stamps, pa.timestamp("us")), "sym": ["ES", "NQ", "ES"], "px": pa.array([1, 2, 3], pa.float32())},
        schema,
    )
    with made.writer() as writer:
        writer.append(rows)
        writer.seal()
        writer.append(rows.slice(2).set_column(0, schema.field(0), pa.array([START // 1_000], pa.timestamp("us"))))
        writer.seal()
    files = sorted(path.relative_to(made.root).as_posix() for path in Path(made.root).rglob("*.parquet"))
    assert files == ["ES/20260203.parquet", "NQ/20260203.parquet"]
    found = pq.read_table(Path(made.root, files[0]), partitioning=None)
    assert found.schema.equals(schema)
    assert found["px"].to_pylist() == [3.0, 3.0, 1.0], "late rows are merged in their order"


def test_a_second_writer_is_refused_by_name_also_in_another_process(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "q", "quotes")
    script = "import sys; from exuvia import lake; lake.open(sys.argv[1]).writer()"
    with made.writer():
        with pytest.raises(
            LakeHeldError, match=rf"has a writer already: process {os.getpid()} \(.+\) of .+ on .+; a dataset"
        ):
            made.writer()
        other = subprocess.run(
            [sys.executable, "-c", script, made.root], capture_output=True, text=True, timeout=60, check=False
        )
        assert f"has a writer already: process {os.getpid()}" in other.stderr
    assert subprocess.run([sys.executable, "-c", script, made.root], timeout=60, check=False).returncode == 0


def test_an_error_inside_of_with_gives_up_what_was_not_flushed(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "q", "quotes")
    with pytest.raises(ZeroDivisionError), made.writer() as writer:
        writer.append(quotes(0, 10))
        writer.flush("ten")
        writer.append(quotes(10, 10))
        raise ZeroDivisionError
    assert made.scan().table().num_rows == 10
    with made.writer() as writer:
        assert writer.mark == "ten"
    with pytest.raises(LakeError, match="is closed: open another one"):
        writer.flush()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda table: table.set_column(2, "bid", pa.array(["1.5"] * 3)),
            "column 'bid' is Utf8, and the dataset has Float64",
        ),
        (lambda table: table.drop_columns(["ask"]), "column 'ask' is missing: the dataset has symbol Utf8 not null"),
        (lambda table: table.append_column("iv", table["bid"]), "'iv' is not in the dataset"),
        (
            lambda table: table.set_column(0, "symbol", pa.array(["A", None, None])),
            r"2 null\(s\) in column 'symbol', the first in row 1",
        ),
        (lambda table: table.set_column(1, "ts", table["ts"].cast(pa.timestamp("ms", "UTC"))), "append with cast=True"),
        (
            lambda table: table.set_column(1, "ts", pa.array([START // 10**6] * 3, pa.timestamp("ns", "UTC"))),
            r"1970-01-01T00:29:30.*is its unit another one",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused(filled: lake.Dataset, change: Any, words: str) -> None:
    with filled.writer() as writer:
        with pytest.raises(SchemaError, match=words) as caught:
            writer.append(change(quotes(0, 3)))
        assert "rows for dataset 'quotes': " in str(caught.value)
        assert writer.flush() == 0
    assert filled.scan().table().num_rows == 2_510


def test_text_of_every_flavour_goes_in_as_it_is_meant(tmp_path: Path) -> None:
    made = lake.Dataset.create(tmp_path / "q", "quotes")
    table = quotes(0, 100)
    dictionary = table.set_column(0, "symbol", table["symbol"].dictionary_encode())
    large = table.set_column(0, "symbol", table["symbol"].cast(pa.large_string()))
    coarse = table.set_column(1, "ts", table["ts"].cast(pa.timestamp("s", "UTC")))
    with made.writer() as writer:
        for flavour in (table, dictionary, large, pl.DataFrame(table), table.to_pandas(), duckdb.from_arrow(table)):
            writer.append(flavour, cast=isinstance(flavour, duckdb.DuckDBPyRelation))
        writer.append(coarse, cast=True)
    assert made.scan().table().num_rows == 700


def test_a_clock_that_was_turned_back_loses_nothing(tmp_path: Path) -> None:
    """Nothing is decided by the clock of the machine: rows of yesterday, after today's, are yesterday's."""
    made = lake.Dataset.create(tmp_path / "q", "quotes")
    with made.writer() as writer:
        for at in (86_400, 0, 172_800, 43_200):
            writer.append(quotes(at, 10))
            writer.flush()
        sealed = {of.day: of.rows for of in writer.seal(before=datetime.date(2026, 2, 5))}
        assert sealed == {"2026-02-03": 20, "2026-02-04": 10}
        assert writer.append(quotes(5, 1)).late == 1
    assert made.scan().table().num_rows == 41
    assert {day.day: day.open_rows for day in made.contents().days} == {
        "2026-02-03": 1,
        "2026-02-04": 0,
        "2026-02-05": 10,
    }


def test_a_schema_evolves_and_keeps_what_it_said(filled: lake.Dataset) -> None:
    wider = pa.schema(filled.schema).append(pa.field("iv", pa.float64()))
    with filled.writer() as writer:
        assert writer.evolve(wider) == ["added 'iv' Float64: it is null in earlier rows"]
        with pytest.raises(SchemaError, match="'bid' cannot become Float32, it is Float64: values could change"):
            writer.evolve(wider.set(2, pa.field("bid", pa.float32())))
        writer.append(quotes(9_000, 5).append_column("iv", pa.array([0.5] * 5)))
        writer.flush()
        compacted = writer.compact()
        assert [of.day for of in compacted] == ["2026-02-03", "2026-02-04"]
    table = pa.table(filled.scan(["iv"]))
    assert (table.num_rows, table["iv"].null_count) == (2_515, 2_510)
    assert [version.changes for version in filled.contents().versions] == [
        [],
        ["added 'iv' Float64: it is null in earlier rows"],
    ]
    assert filled.verify().problems == []


def test_a_half_written_file_and_a_changed_one_are_found(filled: lake.Dataset) -> None:
    assert filled.verify().problems == []
    path = filled.contents().days[0].files[0].path
    whole = Path(filled.root, path).read_bytes()
    Path(filled.root, path).write_bytes(whole[:-100])
    (problem,) = filled.verify().problems
    assert problem[0] == path
    with pytest.raises(LakeError, match="another tool has changed it"):
        filled.scan()
    Path(filled.root, path).write_bytes(whole[:100] + b"X" + whole[101:])
    assert len(filled.verify().problems) == 1


def test_a_newer_format_is_refused_with_a_sentence(filled: lake.Dataset) -> None:
    path = Path(filled.root, "_exuvia", "dataset.json")
    told = json.loads(path.read_text())
    path.write_text(json.dumps(told | {"format": 2}))
    with pytest.raises(LakeError, match="has format 2, and this version of exuvia reads up to 1: install a newer one"):
        lake.open(filled.root)


def test_what_is_no_dataset_is_called_that(tmp_path: Path) -> None:
    with pytest.raises(LakeNotFoundError, match="is not a dataset"):
        lake.open(tmp_path)
    with pytest.raises(LakeOptionError, match='kind "ticks" is unknown: use "bars"'):
        lake.Dataset.create(tmp_path / "x", "ticks")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions are those of POSIX")
def test_a_read_only_folder_is_read_and_not_written(filled: lake.Dataset) -> None:
    folders = [Path(filled.root), *(path for path in Path(filled.root).rglob("*") if path.is_dir())]
    # Whoever is to read must get there.
    temporary = Path(tempfile.gettempdir())
    above = [path for path in Path(filled.root).parents if temporary in path.parents]
    before = {path: path.stat().st_mode for path in above}
    for path in above:
        path.chmod(0o755)
    for path in folders:
        path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        assert filled.scan().table().num_rows == 2_510
        with pytest.raises(LakePermissionError, match="permission denied or read-only"):
            filled.writer()
    finally:
        if root:
            os.seteuid(0)
        for path in folders:
            path.chmod(0o755)
        for path, mode in before.items():
            path.chmod(mode)
