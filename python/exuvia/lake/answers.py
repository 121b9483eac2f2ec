"""What a dataset, its writer and its scans answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from arro3.core import Schema


class Appended(NamedTuple):
    """What an append took."""

    rows: int
    """How many rows."""
    days: dict[str, int]
    """How many of each day, `YYYY-MM-DD`."""
    late: int
    """How many of days that are sealed already; the next seal of these days adds them."""


class Sealed(NamedTuple):
    """What sealing a day did."""

    day: str
    """`YYYY-MM-DD`."""
    rows: int
    """Rows that were open and are in files now."""
    files: list[str]
    """The files that were written, relative to the dataset."""
    bytes: int
    """Their bytes."""


class Compacted(NamedTuple):
    """What compacting a day did."""

    day: str
    """`YYYY-MM-DD`."""
    before: int
    """Files that were merged or written anew."""
    files: list[str]
    """The files that stand for them."""
    bytes_before: int
    """Bytes of the former."""
    bytes: int
    """Bytes of the latter."""


class FileState(NamedTuple):
    """A Parquet file of a dataset."""

    path: str
    """Relative to the dataset."""
    rows: int
    """How many rows."""
    bytes: int
    """How many bytes."""
    first: int
    """The first time, UTC nanoseconds."""
    last: int
    """The last time, UTC nanoseconds."""
    version: int
    """The version of the schema that it was written with."""
    symbols: list[str] | None
    """Its symbols, if they are at most 512."""


class DayState(NamedTuple):
    """A day of a dataset."""

    day: str
    """`YYYY-MM-DD`."""
    files: list[FileState]
    """Its files; none if it was never sealed."""
    open_rows: int
    """Rows that are not in a file yet."""


class SchemaVersion(NamedTuple):
    """A version of a dataset's schema."""

    number: int
    """From 1."""
    schema: Schema
    """The columns."""
    changes: list[str]
    """What it changed, in sentences."""


class Listing(NamedTuple):
    """What a dataset holds."""

    days: list[DayState]
    """In order."""
    mark: str | None
    """The mark of the last flush."""
    versions: list[SchemaVersion]
    """Of the schema, the first one first."""


class Verified(NamedTuple):
    """What a verification read and found."""

    files: int
    """Files of which every byte was read."""
    rows: int
    """Rows, open ones included."""
    bytes: int
    """Bytes."""
    problems: list[tuple[str, str]]
    """What is wrong: file, and what."""
    notes: list[tuple[str, str]]
    """What is no fault and good to know, such as what a killed writer left."""


class ScanStats(NamedTuple):
    """What a scan read, and what it could leave out."""

    files: int
    """Files that were read."""
    files_skipped: int
    """Files that were not, by what the dataset knows of them."""
    groups: int
    """Row groups that were read."""
    groups_skipped: int
    """Row groups that were not, by statistics or bloom filter."""
    bloom_skipped: int
    """Those that the bloom filter alone excluded."""
    open: int
    """Batches of open rows that were read."""
    open_skipped: int
    """Batches of open rows that were not."""
    rows: int
    """Rows that came out so far."""
