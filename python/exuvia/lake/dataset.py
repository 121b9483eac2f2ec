"""Datasets: rows of one schema, kept by day, appended to while the day runs and sealed into Parquet at its end.

Below the dataset's folder lie its Parquet files, under names that you may declare, and the folder `_exuvia` with
what is open and what belongs together. Any reader of Parquet reads the files; exuvia's `scan` reads the open day
too.
"""

from __future__ import annotations

import getpass
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from exuvia import _exuvia
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
from exuvia.lake.instants import day_text, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from arro3.core import RecordBatch, Schema, Table
    from arro3.core.types import ArrowArrayExportable, ArrowSchemaExportable, ArrowStreamExportable

    from exuvia.lake.instants import Day, Instant

    Path: TypeAlias = str | os.PathLike[str]
    ArrowTable: TypeAlias = ArrowStreamExportable | ArrowArrayExportable

__all__ = ["Dataset", "Scan", "Writer", "open"]


@dataclass(frozen=True, slots=True)
class _Declared:
    name: str
    kind: str | None
    schema: ArrowSchemaExportable | None
    time: str | None
    symbol: str | None
    buckets: int
    path: str | None
    sort_by: list[str] | None
    compression: str
    level: int
    row_group_rows: int
    bloom: list[str] | None


class Dataset:
    """A dataset of the lake; `Dataset.create` or `open` makes one.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     quotes = Dataset.create(f"{folder}/quotes", "quotes", buckets=4)
    ...     print(quotes.schema.names)
    ...     print(open(f"{folder}/quotes"))
    ['symbol', 'ts', 'bid', 'ask', 'bid_size', 'ask_size']
    Dataset('quotes', date={date}/bucket={bucket}/part-{part}.parquet)
    """

    def __init__(self, inner: _exuvia.LakeDataset) -> None:
        """Made by `Dataset.create` and `open`."""
        self._inner = inner

    @classmethod
    def create(
        cls,
        root: Path,
        schema: str | ArrowSchemaExportable,
        *,
        name: str | None = None,
        time: str = "ts",
        symbol: str | None = "symbol",
        buckets: int = 1,
        path: str | None = None,
        sort_by: Sequence[str] | None = None,
        compression: str = "zstd",
        level: int = 3,
        row_group_rows: int = 1 << 20,
        bloom: Sequence[str] | None = None,
    ) -> Dataset:
        """Makes a dataset, or opens the one that is there if it was declared so.

        Args:
            root: Its folder.
            schema: "bars", "quotes", "trades" or "option_chains", which name their columns themselves, or a
                schema of your own: any object with `__arrow_c_schema__`.
            name: What it is called in messages; the folder's name without it.
            time: The column that says to which day (of UTC) a row belongs: a timestamp, a date, or UTC
                nanoseconds as int64.
            symbol: The column with the symbol, text or a whole number; None if there is none.
            buckets: Into how many files a day's symbols are spread, by a hash that never changes.
            path: Where files lie, with `{date}`, `{yyyymmdd}`, `{year}`, `{month}`, `{day}`, `{bucket}` or
                `{symbol}`, and `{part}`. Without `{part}` late rows are merged into the file, else they get
                one of their own. So legacy's own readers can be served: `"{symbol}/{yyyymmdd}.parquet"`.
            sort_by: Columns by which the rows of a file ascend; symbol and time without it.
            compression: "zstd", "snappy" or "none".
            level: Level of zstd, 1 to 22.
            row_group_rows: Rows of a row group, at most.
            bloom: Columns with a bloom filter; the symbol without it.

        Raises:
            LakeOptionError: The declaration contradicts itself, or the dataset that is there was declared
                otherwise; the message says where.
            LakePermissionError: The folder may not be written.

        >>> import pyarrow as pa
        >>> Dataset.create("x", pa.schema([("at", pa.timestamp("us"))]), time="at", symbol=None)
        Traceback (most recent call last):
        exuvia.errors.LakeOptionError: the declaration's time "at" cannot be used: it is nullable, and a row ...
        """
        own = None if isinstance(schema, str) else schema
        declared = _Declared(
            name=name or PurePath(root).name,
            kind=schema if isinstance(schema, str) else None,
            schema=own,
            time=time,
            symbol=symbol,
            buckets=buckets,
            path=path,
            sort_by=None if sort_by is None else list(sort_by),
            compression=compression,
            level=level,
            row_group_rows=row_group_rows,
            bloom=None if bloom is None else list(bloom),
        )
        return cls(_exuvia.LakeDataset.create(root, declared))

    @property
    def name(self) -> str:
        """What it is called."""
        return self._inner.name

    @property
    def root(self) -> str:
        """Its folder."""
        return str(self._inner.root)

    @property
    def schema(self) -> Schema:
        """Its columns, as they were when it was opened."""
        return self._inner.schema()

    def writer(self, holder: str | None = None) -> Writer:
        """Becomes the writer of the dataset; there is one at a time, in all processes.

        What a killed writer left half done is finished or removed first.

        Args:
            holder: What another one is told that comes meanwhile; process, program, user and host without it.

        Raises:
            LakeHeldError: There is a writer already; the message says which.
            LakePermissionError: The folder may not be written.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trades = Dataset.create(f"{folder}/trades", "trades")
        ...     with trades.writer("the collector"):
        ...         trades.writer()
        Traceback (most recent call last):
        exuvia.errors.LakeHeldError: dataset 'trades' has a writer already: the collector; a dataset has one ...
        """
        return Writer(self._inner.writer(holder or _holder()))

    def scan(
        self,
        columns: Sequence[str] | None = None,
        *,
        start: Instant | None = None,
        end: Instant | None = None,
        symbols: Sequence[str | int] | None = None,
    ) -> Scan:
        """Reads the dataset as it is at this instant, sealed days and the open one.

        Files, row groups and rows that are not asked for are left out before they are decoded, by day and
        symbol, by statistics and bloom filters. Days come in order; within a day the rows of a file are in
        the declared order, and open rows follow in that of their flushes.

        Args:
            columns: Which columns, in this order; all if it is None.
            start: The first time: UTC nanoseconds, a date, an aware datetime, or text such as "2026-02-03"
                or "2026-02-03T14:30:00Z".
            end: The time before which it ends; a date ends with its midnight.
            symbols: Which symbols.

        Raises:
            SchemaError: There is no such column.
            LakeOptionError: No row of the dataset has such a symbol; the message names the one that is
                written nearly so.
            LakeError: A file is damaged, or was changed by another tool.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     quotes = Dataset.create(f"{folder}/quotes", "quotes")
        ...     quotes.scan(["ts", "bid"], start="2026-02-03", end="2026-02-04").table().num_rows
        0
        """
        asked = (
            [columns] if isinstance(columns, str) else None if columns is None else list(columns),
            None if start is None else nanoseconds(start),
            None if end is None else nanoseconds(end),
            [symbols] if isinstance(symbols, str) else None if symbols is None else [str(of) for of in symbols],
        )
        return Scan(self._inner.scan(asked))

    def symbols(self) -> list[str]:
        """The symbols that rows have, numbers as text.

        Raises:
            LakeError: A file cannot be read.
        """
        return self._inner.symbols()

    def contents(self) -> Listing:
        """What it holds: days with their files and open rows, the last mark, versions of the schema.

        Raises:
            LakeError: A file cannot be read.
        """
        days, mark, versions = self._inner.contents()
        return Listing(
            [DayState(day, [FileState(*file) for file in files], open_rows) for day, files, open_rows in days],
            mark,
            [SchemaVersion(*version) for version in versions],
        )

    def verify(self) -> Verified:
        """Reads every byte: checksums, footers, every page, the order of the rows, their days, open rows.

        Raises:
            LakeError: The disk itself fails; what is wrong with the data is in `problems`.
        """
        return Verified(*self._inner.verify())

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {self._inner.declared()[3]})"


def open(root: Path) -> Dataset:  # noqa: A001 - as `tarfile.open` and others; builtins has its own
    """Opens a dataset.

    Args:
        root: Its folder.

    Raises:
        LakeNotFoundError: No dataset lies there; it is a `FileNotFoundError` too.

    >>> open("nowhere")
    Traceback (most recent call last):
    exuvia.errors.LakeNotFoundError: nowhere is not a dataset: it has no _exuvia/dataset.json; create one ...
    """
    return Dataset(_exuvia.LakeDataset.open(root))


class Writer:
    """The one writer of a dataset. A context manager: at its end it flushes, unless an error ended it.

    A row counts from the moment at which `flush` or `seal` has returned: it survives a kill and a power cut then.
    A `mark` is kept with the rows of a flush: a program that is started again after a kill reads `writer.mark` and
    goes on behind it, so no row is lost and none is there twice.

    >>> import pyarrow as pa, tempfile
    >>> rows = pa.table({"symbol": ["ES"], "ts": pa.array([1_770_076_800 * 10**9], pa.timestamp("ns", "UTC")),
    ...                  "price": [6_000.25], "size": [1.0], "side": ["buy"], "id": [None]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trades = Dataset.create(f"{folder}/trades", "trades")
    ...     with trades.writer() as writer:
    ...         print(writer.append(rows))
    ...         print(writer.flush(mark="page 17"))
    ...     with trades.writer() as writer:
    ...         print(writer.mark)
    Appended(rows=1, days={'2026-02-03': 1}, late=0)
    1
    page 17
    """

    def __init__(self, inner: _exuvia.LakeWriter) -> None:
        """Made by `Dataset.writer`."""
        self._inner = inner

    @property
    def mark(self) -> str | None:
        """What the last flush that counted was marked with, by whatever process."""
        return self._inner.mark

    def append(self, table: ArrowTable, *, cast: bool = False) -> Appended:
        """Takes rows; nobody sees them before the next `flush`.

        Args:
            table: Any object with `__arrow_c_stream__` or `__arrow_c_array__`, with the dataset's columns.
            cast: Convert columns of other types, if no value changes by it.

        Raises:
            SchemaError: A column is missing, unknown, has another type or has nulls, or a time lies outside
                1971 to 2262, as one in a wrong unit does; nothing of the table was taken.
            LakeError: The disk is full or failed: nothing since the last flush counts, append it again.
        """
        rows, days, late = self._inner.append(table, cast)
        return Appended(rows, dict(days), late)

    def flush(self, mark: str | None = None) -> int:
        """Lets all rows since the last flush count, all or none; when it returns they are durable.

        Args:
            mark: Where a program that is started again goes on: a page, an offset, a sequence number.

        Returns:
            How many rows.

        Raises:
            LakeError: The disk is full or failed: none of them count, append them again.
        """
        return self._inner.flush(mark)

    def seal(self, day: Day | None = None, *, before: Day | None = None, mark: str | None = None) -> list[Sealed]:
        """Flushes, and makes Parquet files of open rows.

        Args:
            day: Which day; every day with open rows if it is None.
            before: Only days before this one: today, to keep the day that runs open.
            mark: As in `flush`.

        Raises:
            LakeError: The disk is full or failed: what was flushed stays so, try again.
            LakeOptionError: `day` is no date.
        """
        return [Sealed(*row) for row in self._inner.seal(day_text(day), day_text(before), mark)]

    def evolve(self, schema: ArrowSchemaExportable) -> list[str]:
        """Gives the dataset other columns: new ones that may be null, wider types, or fewer.

        Args:
            schema: All columns that it shall have; any object with `__arrow_c_schema__`.

        Returns:
            What that changed, in sentences, which `Dataset.contents` keeps; none if it has these columns already.

        Raises:
            SchemaError: A value could change or be lost; the message names the column and what to do.
        """
        return self._inner.evolve(schema)

    def compact(self, day: Day | None = None) -> list[Compacted]:
        """Merges the files of a day that belong together, and writes those of an older schema anew.

        exuvia's scans see the day before or after; other readers should not read it meanwhile.

        Args:
            day: Which day; all of them if it is None.

        Raises:
            LakeError: The disk is full or failed: the day is as it was.
        """
        return [Compacted(*row) for row in self._inner.compact(day_text(day))]

    def close(self) -> None:
        """Lets another writer in; rows since the last flush are given up."""
        self._inner.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()


class Scan:
    """Rows of a dataset as they were at one instant; what is read once is gone.

    An Arrow stream for any library: `pyarrow.table(scan)`, `polars.DataFrame(scan)`, `duckdb.from_arrow(scan)`;
    or batch by batch in a loop, in bounded memory.
    """

    def __init__(self, inner: _exuvia.LakeScan) -> None:
        """Made by `Dataset.scan`."""
        self._inner = inner

    @property
    def schema(self) -> Schema:
        """The columns that come out."""
        return self._inner.schema()

    @property
    def stats(self) -> ScanStats:
        """What was read and left out so far."""
        return ScanStats(*self._inner.stats())

    def table(self) -> Table:
        """What is left, as one table.

        Raises:
            LakeError: A file is damaged.
        """
        return self._inner.table()

    def __iter__(self) -> Iterator[RecordBatch]:
        """Batches of at most 65,536 rows."""
        return iter(self._inner.reader())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream of batches, for libraries that take one."""
        return self._inner.reader().__arrow_c_stream__(requested_schema)


def _holder() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "an unnamed user"
    program = PurePath(sys.argv[0] or sys.executable).name if sys.argv else "python"
    return f"process {os.getpid()} ({program}) of {user} on {platform.node()}"
