"""The lake: tables in Parquet files that are there whole or not at all.

Anything that speaks the Arrow PyCapsule interface goes in (pyarrow, polars, pandas, DuckDB, arro3; none
of them is needed), bar objects too; bytes, files or an `arro3.core.Table` come out. A file gets its name
only after all its bytes are on the disk, so a reader never sees a part of one, whenever the writer died.

>>> import dataclasses, tempfile, pathlib
>>> from exuvia import lake
>>> @dataclasses.dataclass(frozen=True)
... class Bar:
...     uic: int; ts: int
...     bid_open: float; bid_high: float; bid_low: float; bid_close: float
...     ask_open: float; ask_high: float; ask_low: float; ask_close: float
...     ticks: int
>>> bar = Bar(21, 0, 1.0, 1.2, 0.9, 1.1, 1.1, 1.3, 1.0, 1.2, 7)
>>> with tempfile.TemporaryDirectory() as folder:
...     path = lake.write_bars(folder, "2026-02-03", "bars_1m", [bar])
...     print(pathlib.Path(path).relative_to(folder).as_posix())
...     print(lake.decode_bars(pathlib.Path(path).read_bytes(), Bar) == [bar])
...     print(lake.read_parquet(path, columns=["ts", "bid_close"]).num_rows)
date=2026-02-03/bars_1m.parquet
True
1

What grows day by day is a `Dataset`: rows are durable with every flush while the day runs, sealed into Parquet
at its end, and read as one table, as it was at one instant.

>>> from exuvia.lake import Dataset, bars_schema
>>> with tempfile.TemporaryDirectory() as folder:
...     bars = Dataset.create(f"{folder}/bars", bars_schema(), symbol="uic")
...     with bars.writer() as writer:
...         _ = writer.append(lake.decode_bars(lake.encode_bars([dataclasses.replace(bar, ts=1_770_076_800 * 10**9)])))
...         print(writer.flush())
...         print(bars.scan(symbols=[21], columns=["ts", "ticks"]).table().num_rows)
...         print(writer.seal()[0].files)
1
1
['date=2026-02-03/part-0000.parquet']
"""

from exuvia.lake.answers import (
    Appended,
    Compacted,
    DayState,
    FileState,
    Listing,
    ScanStats,
    SchemaVersion,
    Sealed,
    Verified,
)
from exuvia.lake.dataset import (
    Dataset,
    Scan,
    Writer,
    open,  # noqa: A004 - as `tarfile.open`: lake.open says what is opened
)
from exuvia.lake.parity import ColumnParity, Parity, parity
from exuvia.lake.tables import (
    Comparison,
    Difference,
    bars_schema,
    compare,
    decode_bars,
    decode_parquet,
    encode_bars,
    encode_parquet,
    read_parquet,
    sweep,
    write_atomic,
    write_bars,
    write_parquet,
)

__all__ = [
    "Appended",
    "ColumnParity",
    "Compacted",
    "Comparison",
    "Dataset",
    "DayState",
    "Difference",
    "FileState",
    "Listing",
    "Parity",
    "Scan",
    "ScanStats",
    "SchemaVersion",
    "Sealed",
    "Verified",
    "Writer",
    "bars_schema",
    "compare",
    "decode_bars",
    "decode_parquet",
    "encode_bars",
    "encode_parquet",
    "open",
    "parity",
    "read_parquet",
    "sweep",
    "write_atomic",
    "write_bars",
    "write_parquet",
]
