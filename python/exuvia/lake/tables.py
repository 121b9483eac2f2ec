"""Tables and bars in Parquet files: bytes, atomically written files, comparisons; see `exuvia.lake`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar, overload

from exuvia import _exuvia

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from arro3.core import Schema, Table
    from arro3.core.types import ArrowArrayExportable, ArrowSchemaExportable, ArrowStreamExportable

    Path: TypeAlias = str | os.PathLike[str]
    Data: TypeAlias = bytes | bytearray
    ArrowTable: TypeAlias = ArrowStreamExportable | ArrowArrayExportable

__all__ = [
    "Comparison",
    "Difference",
    "bars_schema",
    "compare",
    "decode_bars",
    "decode_parquet",
    "encode_bars",
    "encode_parquet",
    "read_parquet",
    "sweep",
    "write_atomic",
    "write_bars",
    "write_parquet",
]

R = TypeVar("R")


class Difference(NamedTuple):
    """One place where two tables differ."""

    path: str
    """Where: `$.rows[12].bid_close`, `$.schema.ts`, `$.rows.length`."""
    left: str
    """What the left side has there."""
    right: str
    """What the right side has there."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found."""

    rows: int
    """Rows that both sides have."""
    total: int
    """How many differences there are."""
    differences: tuple[Difference, ...]
    """The first ones, as many as were asked for."""

    @property
    def equal(self) -> bool:
        """Whether both sides are the same, to the bit."""
        return self.total == 0


def encode_bars(bars: Iterable[object] | ArrowTable, *, compression: str = "zstd", level: int = 3) -> bytes:
    """The bytes of a Parquet file with these bars.

    Args:
        bars: Objects with the attributes `uic` (int), `ts` (start of the bar, UTC nanoseconds), `bid_open`,
            `bid_high`, `bid_low`, `bid_close`, `ask_open`, `ask_high`, `ask_low`, `ask_close` (float) and
            `ticks` (int); or an Arrow table with these columns. Their order is kept.
        compression: "zstd", "snappy" or "none".
        level: Level of zstd, 1 to 22.

    Returns:
        Columns as `bars_schema()` has them, none nullable, every float bit for bit.

    Raises:
        SchemaError: An attribute or column is missing or has another type; the message names it.
        LakeOptionError: An unknown compression or level.

    >>> encode_bars([])[:4]
    b'PAR1'
    """
    return _exuvia.lake_encode_bars(bars, compression, level)


@overload
def decode_bars(data: Data, record: None = None, *, cast: bool = False, name: str = "data") -> Table: ...
@overload
def decode_bars(data: Data, record: Callable[..., R], *, cast: bool = False, name: str = "data") -> list[R]: ...
def decode_bars(
    data: Data, record: Callable[..., R] | None = None, *, cast: bool = False, name: str = "data"
) -> Table | list[R]:
    """The bars in the bytes of a Parquet file.

    Args:
        data: The bytes.
        record: Called for each bar with the eleven values in the order of `bars_schema()`: your own bar
            class. `ts` is UTC nanoseconds.
        cast: Convert columns of other types, if no value changes by it.
        name: How to call the file in an error.

    Returns:
        A list of what `record` made, or a table if there is no `record`.

    Raises:
        LakeError: The bytes are half-written or damaged.
        SchemaError: A column is missing, has another type or has nulls.

    >>> decode_bars(encode_bars([]), tuple)
    []
    """
    return _exuvia.lake_decode_bars(data, record, cast, name)


def encode_parquet(
    table: ArrowTable,
    *,
    compression: str = "zstd",
    level: int = 3,
    sorted_by: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    row_group_rows: int = 1 << 20,
    threads: int = 0,
    bloom: Sequence[str] = (),
) -> bytes:
    """The bytes of a Parquet file with this table; the same table and options give the same bytes.

    Every page has a checksum, which readers verify: a bit that flipped on the way is an error, not a price.

    Args:
        table: Any object with `__arrow_c_stream__` or `__arrow_c_array__`. Words of dictionaries that are views
            (Categorical and Enum of polars) are written as plain ones.
        compression: "zstd", "snappy" or "none".
        level: Level of zstd, 1 to 22.
        sorted_by: Columns by which the rows ascend: checked, and noted in the file for its readers.
        metadata: Keys and values for the footer.
        row_group_rows: Rows of a row group, at most.
        threads: How many encode columns, none of them with the GIL; 0 for as many as there are cores. The bytes
            are the same.
        bloom: Columns with a bloom filter in each row group.

    Raises:
        SchemaError: `table` is not an Arrow table, has two columns of one name or a type that Parquet does not have,
            or `sorted_by` names a column that it does not have.
        LakeOptionError: An unknown compression or level, or the table is not sorted as it says.

    >>> import arro3.core
    >>> table = arro3.core.Table.from_pydict({"a": arro3.core.Array([1, 2], arro3.core.DataType.int64())})
    >>> decode_parquet(encode_parquet(table, sorted_by=["a"])) == table
    True
    """
    options = (compression, level, _names(sorted_by), dict(metadata or {}), row_group_rows, threads, _names(bloom))
    return _exuvia.lake_encode_parquet(table, options)


def decode_parquet(
    data: Data,
    columns: Sequence[str] | None = None,
    schema: ArrowSchemaExportable | None = None,
    *,
    cast: bool = False,
    name: str = "data",
) -> Table:
    """The table in the bytes of a Parquet file; see `read_parquet`.

    >>> decode_parquet(encode_bars([]), columns=["uic", "ticks"]).column_names
    ['uic', 'ticks']
    """
    return _exuvia.lake_decode_parquet(data, (_names(columns), schema, cast), name)


def read_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    schema: ArrowSchemaExportable | None = None,
    *,
    cast: bool = False,
) -> Table:
    """The table in a Parquet file.

    Args:
        path: The file.
        columns: Which columns, in this order; all if it is None.
        schema: The columns and types to expect; any object with `__arrow_c_schema__`.
        cast: Convert columns that have another type than `schema` says, if no value changes by it.

    Raises:
        LakeNotFoundError: There is no such file; it is a `FileNotFoundError` too.
        LakeError: The file is half-written, damaged (a page does not have its checksum), or compressed in a
            way that is not built in.
        SchemaError: A column is missing, unexpected, has another type, or has nulls.

    >>> read_parquet("nowhere.parquet")
    Traceback (most recent call last):
    exuvia.errors.LakeNotFoundError: cannot read nowhere.parquet: there is no such file or folder
    """
    return _exuvia.lake_read_parquet(path, (_names(columns), schema, cast))


def write_parquet(
    path: Path,
    table: ArrowTable,
    *,
    compression: str = "zstd",
    level: int = 3,
    sorted_by: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    row_group_rows: int = 1 << 20,
    threads: int = 0,
    bloom: Sequence[str] = (),
) -> None:
    """Writes a table to a file so that its name leads to the old table or the new one, never to a part.

    Takes what `encode_parquet` takes; folders that are missing are made. When it returns, the file
    survives a power cut.

    Raises:
        LakeError: The disk is full or failed; what was at `path` is still there.
        LakePermissionError: No permission; it is a `PermissionError` too.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_parquet(f"{folder}/a/b.parquet", decode_bars(encode_bars([])))
    ...     read_parquet(f"{folder}/a/b.parquet").num_columns
    11
    """
    options = (compression, level, _names(sorted_by), dict(metadata or {}), row_group_rows, threads, _names(bloom))
    _exuvia.lake_write_parquet(path, table, options)


def write_bars(
    folder: Path,
    day: str,
    name: str,
    bars: Iterable[object] | ArrowTable,
    *,
    compression: str = "zstd",
    level: int = 3,
) -> str:
    """Writes bars atomically to `folder/date=DAY/NAME.parquet`.

    Args:
        folder: Root of the lake.
        day: `YYYY-MM-DD`.
        name: Name of the file without ending, such as "bars_1m".
        bars: See `encode_bars`.
        compression: "zstd", "snappy" or "none".
        level: Level of zstd, 1 to 22.

    Returns:
        The path of the file.

    Raises:
        LakeOptionError: `day` is no date or `name` is no file name.
        SchemaError: As `encode_bars`.
        LakeError: As `write_parquet`.

    >>> write_bars("lake", "3 Feb", "bars_1m", [])
    Traceback (most recent call last):
    exuvia.errors.LakeOptionError: day "3 Feb" does not make a path of the lake: write a date as YYYY-MM-DD
    """
    return str(_exuvia.lake_write_bars(folder, day, name, bars, compression, level))


def write_atomic(path: Path, data: Data, *, private: bool = False) -> None:
    """Puts bytes at a path, whole or not at all: temporary file, fsync, rename, fsync of the folder.

    Args:
        path: The file; folders that are missing are made.
        data: What it shall hold.
        private: Only the owner may read it (mode 0600), from its first instant: for tokens and keys.

    Raises:
        LakeError: The disk is full or failed; what was at `path` is still there.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomic(f"{folder}/state.json", b"{}")
    ...     pathlib.Path(folder, "state.json").read_text()
    '{}'
    """
    _exuvia.lake_write_atomic(path, data, private)


def sweep(folder: Path) -> list[str]:
    """Removes what killed writers left below a folder: their temporary files, which no reader sees.

    Call it when no writer is at work there, as at the start of the process that writes.

    Returns:
        The paths that were removed.

    Raises:
        LakeNotFoundError: There is no such folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sweep(folder)
    []
    """
    return [str(path) for path in _exuvia.lake_sweep(folder)]


def compare(left: Data | Path | ArrowTable, right: Data | Path | ArrowTable, *, limit: int = 100) -> Comparison:
    """Compares two tables to the bit: schema, number of rows, every value (0.0 is not -0.0).

    Args:
        left: Bytes of a Parquet file, a path, or an Arrow table. Two folders are compared file by file.
        right: The same.
        limit: How many differences to keep; all are counted.

    Raises:
        LakeError: A file cannot be read, or two folders hold no Parquet file: an empty comparison proves nothing.
        LakeNotFoundError: A side is not there.
        LakeOptionError: One side is a folder and the other is not.
        SchemaError: A side is no Arrow table.

    >>> compare(encode_bars([]), encode_bars([])).equal
    True
    """
    rows, total, differences = _exuvia.lake_compare(left, right, limit)
    return Comparison(rows, total, tuple(Difference(*found) for found in differences))


def bars_schema() -> Schema:
    """The schema of bar files: `uic` int32, `ts` timestamp[ns, UTC], eight float64 prices, `ticks` int64.

    >>> bars_schema().names[:3]
    ['uic', 'ts', 'bid_open']
    """
    return _exuvia.lake_bars_schema()


@overload
def _names(columns: Sequence[str]) -> list[str]: ...
@overload
def _names(columns: Sequence[str] | None) -> list[str] | None: ...
def _names(columns: Sequence[str] | None) -> list[str] | None:
    # A bare string is a sequence of letters.
    return [columns] if isinstance(columns, str) else None if columns is None else list(columns)
