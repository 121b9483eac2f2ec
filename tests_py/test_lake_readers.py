"""Other tools read what we write, and we read what they write."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import arro3.core
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from exuvia import lake
from exuvia.errors import LakeError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = {
    "uic": [21, 21, 22],
    "ts": [0, 60_000_000_000, 1_770_000_000_123_456_789],
    "price": [1.0825, -0.0, math.inf],
    "name": ["EURUSD", "", "ünïcode"],
    "maybe": [None, True, False],
}


def a_table() -> pa.Table:
    types = [pa.int32(), pa.timestamp("ns", tz="UTC"), pa.float64(), pa.string(), pa.bool_()]
    arrays = [pa.array(values, kind) for values, kind in zip(COLUMNS.values(), types, strict=True)]
    return pa.table(dict(zip(COLUMNS, arrays, strict=True)))


def values(table: object) -> dict[str, list[object]]:
    got = pa.table(table).cast(a_table().schema)
    return got.set_column(1, "ts", got["ts"].cast(pa.int64())).to_pydict()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "date=2026-02-03" / "ours.parquet"
    lake.write_parquet(path, a_table(), sorted_by=["uic"], metadata={"made": "by us"})
    return path


def test_pyarrow_reads_ours(ours: Path) -> None:
    table = pq.read_table(ours, partitioning=None)
    assert table.schema.equals(a_table().schema)
    assert values(table) == COLUMNS
    assert table.schema.metadata == {b"made": b"by us"}


def test_polars_reads_ours(ours: Path) -> None:
    assert values(pl.read_parquet(ours, hive_partitioning=False).to_arrow()) == COLUMNS


def test_duckdb_reads_ours(ours: Path) -> None:
    columns = "uic, epoch_ns(ts) AS ts, price, name, maybe"
    got = duckdb.read_parquet(str(ours), hive_partitioning=False).project(columns).fetchall()
    assert got == list(zip(*COLUMNS.values(), strict=True))


def test_pandas_reads_ours(ours: Path) -> None:
    frame = pd.read_parquet(ours, partitioning=None)
    assert frame["price"].tolist() == COLUMNS["price"]
    assert frame["ts"].astype("int64").tolist() == COLUMNS["ts"]
    assert str(frame["ts"].dtype) == "datetime64[ns, UTC]"


def test_a_scan_of_the_lake_finds_the_days_and_no_temporary_file(ours: Path) -> None:
    (ours.parent / ".ours.parquet.0.tmp").write_bytes(b"PAR1 half")
    root = ours.parent.parent
    assert pyarrow.dataset.dataset(root, partitioning="hive").count_rows() == 3
    files = duckdb.read_parquet(f"{root}/**/*.parquet", hive_partitioning=True)
    got = files.project("date::VARCHAR").distinct().fetchall()
    assert got == [("2026-02-03",)]
    assert lake.compare(root, root).equal
    assert pl.scan_parquet(root / "**/*.parquet").select(pl.len()).collect().item() == 3


@pytest.mark.parametrize("compression", ["zstd", "snappy", "none"])
def test_we_read_what_pyarrow_wrote(compression: str, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(a_table(), path, compression=compression, data_page_version="2.0", row_group_size=2)
    assert values(lake.read_parquet(path)) == COLUMNS


def test_we_read_what_polars_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pl.DataFrame(a_table()).write_parquet(path)
    assert values(lake.read_parquet(path)) == COLUMNS


def test_we_read_what_duckdb_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    frame = a_table()
    duckdb.from_arrow(frame).project("uic, price, name, maybe").write_parquet(str(path))
    got = pa.table(lake.read_parquet(path)).to_pydict()
    assert got == {name: COLUMNS[name] for name in ("uic", "price", "name", "maybe")}


def test_we_read_what_pandas_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    a_table().to_pandas().to_parquet(path)
    assert values(pa.table(lake.read_parquet(path)).replace_schema_metadata()) == COLUMNS


def test_a_codec_that_is_not_built_in_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(a_table(), path, compression="brotli")
    with pytest.raises(LakeError, match=r"needs a decoder that is not built in.*write it with zstd, snappy"):
        lake.read_parquet(path)


@pytest.mark.parametrize(
    "convert",
    [
        pytest.param(lambda table: table, id="pyarrow table"),
        pytest.param(lambda table: table.to_batches()[0], id="pyarrow batch"),
        pytest.param(lambda table: table.to_reader(), id="pyarrow reader"),
        pytest.param(pl.DataFrame, id="polars"),
        pytest.param(lambda table: table.to_pandas(), id="pandas"),
        pytest.param(duckdb.from_arrow, id="duckdb"),
        pytest.param(arro3.core.Table, id="arro3"),
    ],
)
def test_every_library_goes_in(convert) -> None:
    table = a_table()
    got = values(lake.decode_parquet(lake.encode_parquet(convert(table))))
    assert got["price"] == COLUMNS["price"]
    assert got["name"] == COLUMNS["name"]


def test_an_arro3_table_comes_out(ours: Path) -> None:
    assert type(lake.read_parquet(ours)) is arro3.core.Table


def test_whole_numbers_of_any_size_and_order_are_read_by_all(tmp_path: Path) -> None:
    """They are told by their differences where they ascend or hardly repeat, and the greatest of these overflow."""
    path = tmp_path / "x.parquet"
    wild = [-(2**63), 2**63 - 1, 0, -1, 2**63 - 1, -(2**63), 1, 2**62, -(2**62)] * 500
    table = pa.table(
        {
            "wild": pa.array(wild[:4_000], pa.int64()),
            "small": pa.array([n % 2**32 - 2**31 for n in wild[:4_000]], pa.int32()),
            "rising": pa.array(range(4_000), pa.int64()),
            "random": pa.array([n * 2_654_435_761 % 2**63 for n in range(4_000)], pa.int64()),
            "short": pa.array([n * 31 % 251 - 125 for n in range(4_000)], pa.int8()),
            "unsigned": pa.array([n * 2_654_435_761 % 2**64 for n in range(4_000)], pa.uint64()),
            "day": pa.array(range(4_000), pa.date32()),
            "at": pa.array([n * n for n in range(4_000)], pa.timestamp("us", "UTC")),
            "gaps": pa.array([None if n % 3 else n for n in range(4_000)], pa.int64()),
        }
    )
    lake.write_parquet(path, table, row_group_rows=1_500)
    encodings = {
        column.path_in_schema: column.encodings
        for column in (pq.ParquetFile(path).metadata.row_group(0).column(n) for n in range(table.num_columns))
    }
    assert "DELTA_BINARY_PACKED" in encodings["rising"]
    assert "DELTA_BINARY_PACKED" in encodings["random"]
    wanted = table.to_pydict()
    assert pq.read_table(path, partitioning=None).to_pydict() == wanted
    assert pa.table(lake.read_parquet(path)).to_pydict() == wanted
    assert pl.read_parquet(path).to_arrow().to_pydict() == wanted
    columns = [name for name in table.column_names if name != "at"]
    assert duckdb.read_parquet(str(path)).project(", ".join(columns)).to_arrow_table().to_pydict() == {
        name: wanted[name] for name in columns
    }


def test_bytes_are_the_same_however_many_threads_made_them() -> None:
    columns = {f"c{n}": [row * n % 977 for row in range(20_000)] for n in range(9)}
    table = pa.table(columns)
    made = {lake.encode_parquet(table, threads=threads, row_group_rows=7_000) for threads in (0, 1, 2, 5)}
    assert len(made) == 1
