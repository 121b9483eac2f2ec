"""Parity of two archives: files, rows, keys, schema, columns by rule, and how many keys moved between regimes.

Rows are matched by key, day by day where the files' paths name days, so the two sides may cut their rows into
files as they like.

>>> import pyarrow as pa, tempfile
>>> from exuvia import lake
>>> with tempfile.TemporaryDirectory() as folder:
...     for side, price in (("a", 1.0), ("b", 1.004)):
...         rows = pa.table({"symbol": ["ES", "NQ"], "price": [price, 2.0]})
...         lake.write_parquet(f"{folder}/{side}/2026-02-03.parquet", rows)
...     parity(f"{folder}/a", f"{folder}/b", key=["symbol"], columns={"price": "abs:0.01"}).verdict
...     print(parity(f"{folder}/a", f"{folder}/b", key=["symbol"]).reasons[0])
'PASS'
column price: 1 of 2 rows differ by exact; the first is ES: 1.0 and 1.004
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from exuvia import _exuvia
from exuvia.errors import LakeOptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from arro3.core import Table

    from exuvia.lake.tables import Path

__all__ = ["ColumnParity", "Parity", "parity"]

DAY = re.compile(r"(?<!\d)(20\d\d|19\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
NOT_NULL = " not null"
SHOWN = 5


@dataclass(slots=True)
class ColumnParity:
    """A column of the rows that both sides have."""

    rule: str
    """By which it was compared."""
    rows: int = 0
    """How many rows."""
    differ: int = 0
    """In how many it differs."""
    first: list[str] = field(default_factory=list)
    """The first differences: key, and both values."""


@dataclass(slots=True)
class Parity:
    """What a comparison of two archives found."""

    verdict: str = "PASS"
    """PASS, FAIL, or INCONCLUSIVE if there was nothing to compare."""
    reasons: list[str] = field(default_factory=list)
    """Why it is not PASS, in sentences."""
    files: tuple[int, int] = (0, 0)
    """How many files each side has."""
    only_left: list[str] = field(default_factory=list)
    """Files, relative to the folder, that only the left side has."""
    only_right: list[str] = field(default_factory=list)
    """Files that only the right side has."""
    rows: tuple[int, int] = (0, 0)
    """How many rows each side has."""
    matched: int = 0
    """Rows that both have, by key."""
    keys_left: list[str] = field(default_factory=list)
    """The first keys of rows that only the left side has."""
    keys_right: list[str] = field(default_factory=list)
    """The first keys of rows that only the right side has."""
    schema: list[str] = field(default_factory=list)
    """Columns or types that differ."""
    notes: list[str] = field(default_factory=list)
    """What is no difference and good to know: a column that may be null on one side only."""
    columns: dict[str, ColumnParity] = field(default_factory=dict)
    """The columns, by name."""
    regimes: dict[str, tuple[int, int]] = field(default_factory=dict)
    """How many rows have each value of the regime's column, on the left and on the right."""
    moved: list[str] = field(default_factory=list)
    """Rows that are in another regime: key, and both."""

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return asdict(self)


def parity(
    left: Path,
    right: Path,
    *,
    key: Sequence[str],
    columns: Mapping[str, str] | None = None,
    regime: str | None = None,
    files: int = 0,
    rows: int = 0,
    moved: int = 0,
) -> Parity:
    """Compares two archives of Parquet files.

    Args:
        left: A folder, such as legacy's archive.
        right: The other.
        key: The columns that name a row.
        columns: Rules by column, as the comparator has them: `exact`, `abs:0.01`, `rel:1e-9`, `ulp:4`,
            `tick:0.25`, or `ignore` for one that is not compared. Columns without a rule are exact.
        regime: A column whose values are counted on both sides: which rows are in another regime.
        files: How many files the sides may differ by.
        rows: By how many rows they may differ, and how many keys each side may have for itself.
        moved: How many rows may be in another regime.

    Raises:
        LakeNotFoundError: There is no such folder.
        SchemaError: A file lacks a column of the key.
        LakeError: A file cannot be read.
    """
    roots = FilePath(left), FilePath(right)
    here, there = (_exuvia.lake_files(root) for root in roots)
    found = Parity(files=(len(here), len(there)))
    found.only_left = sorted(str(path) for path in set(here) - set(there))
    found.only_right = sorted(str(path) for path in set(there) - set(here))
    rules = dict(columns or {})
    lonely = [0, 0]
    known: set[str] = set()
    for paths in _units(here, there):
        ours, theirs = ([root / path for path in side] for root, side in zip(roots, paths, strict=True))
        counted, left_keys, right_keys, schema, one, other = _exuvia.lake_align(ours, theirs, list(key), SHOWN)
        found.rows = (found.rows[0] + counted[0], found.rows[1] + counted[1])
        found.matched += one.num_rows
        lonely = [lonely[0] + left_keys[0], lonely[1] + right_keys[0]]
        found.keys_left += left_keys[1][: SHOWN - len(found.keys_left)]
        found.keys_right += right_keys[1][: SHOWN - len(found.keys_right)]
        for path, a, b in schema:
            text = f"{path}: {a} and {b}"
            # Whether a column may be null no reader notices until it is.
            kept = found.notes if a.removesuffix(NOT_NULL) == b.removesuffix(NOT_NULL) else found.schema
            if text not in kept:
                kept.append(text)
        known.update(one.column_names)
        _columns(found, rules, (list(key), regime), one, other)
        if regime is not None and regime in one.column_names and regime in other.column_names:
            _regimes(found, regime, list(key), one, other)
    if unknown := [name for name in (*rules, *([regime] if regime else [])) if known and name not in known]:
        raise LakeOptionError(f"no file has a column {unknown[0]!r}: there are {', '.join(sorted(known))}")
    _judge(found, (files, rows, moved), lonely)
    return found


def _units(here: list[FilePath], there: list[FilePath]) -> list[tuple[list[FilePath], list[FilePath]]]:
    """What is matched at once: the files of a day where all paths name one, else files of the same name."""
    days = {path: DAY.search(path.as_posix()) for path in (*here, *there)}
    named = all(days.values())

    def unit(path: FilePath) -> str:
        day = days[path]
        return "-".join(day.groups()) if named and day is not None else path.as_posix()

    units: dict[str, tuple[list[FilePath], list[FilePath]]] = {}
    for side, paths in enumerate((here, there)):
        for path in paths:
            units.setdefault(unit(path), ([], []))[side].append(path)
    return [units[name] for name in sorted(units)]


def _columns(
    found: Parity, rules: Mapping[str, str], named: tuple[list[str], str | None], one: Table, other: Table
) -> None:
    key, regime = named
    # The lake is used without the moult too, which is not loaded for it.
    from exuvia.migrate import Comparator  # noqa: PLC0415

    for name in one.column_names:
        rule = rules.get(name, "exact")
        if name in key or name == regime or rule == "ignore" or name not in other.column_names:
            continue
        column = found.columns.setdefault(name, ColumnParity(rule))
        ours, theirs = (table.column(name).combine_chunks() for table in (one, other))
        column.rows += one.num_rows
        verdict = Comparator({"$": rule}).compare(ours, theirs)
        if verdict.equal:
            continue
        column.differ += min(verdict.total, one.num_rows)
        for difference in verdict.differences[: SHOWN - len(column.first)]:
            at = re.search(r"\[(\d+)\]", str(difference.path))
            where = _key(one, key, int(at[1])) if at else str(difference.path)
            column.first.append(f"{where}: {difference.legacy} and {difference.candidate}")


def _key(table: Table, key: list[str], row: int) -> str:
    return " ".join(str(table.column(name)[row].as_py()) for name in key)


def _regimes(found: Parity, regime: str, key: list[str], one: Table, other: Table) -> None:
    here, there = (table.column(regime).combine_chunks().to_pylist() for table in (one, other))
    counts = Counter(map(str, here)), Counter(map(str, there))
    for name in sorted(counts[0].keys() | counts[1].keys()):
        before = found.regimes.get(name, (0, 0))
        found.regimes[name] = (before[0] + counts[0][name], before[1] + counts[1][name])
    for row, (a, b) in enumerate(zip(here, there, strict=True)):
        if a != b:
            found.moved.append(f"{_key(one, key, row)}: {a} and {b}")


def _judge(found: Parity, allowed: tuple[int, int, int], lonely: list[int]) -> None:
    files, rows, moved = allowed
    reasons = found.reasons
    if abs(found.files[0] - found.files[1]) > files:
        reasons.append(f"{found.files[0]} files and {found.files[1]}: more than {files} apart")
    if abs(found.rows[0] - found.rows[1]) > rows:
        reasons.append(f"{found.rows[0]} rows and {found.rows[1]}: more than {rows} apart")
    for count, keys, side in ((lonely[0], found.keys_left, "left"), (lonely[1], found.keys_right, "right")):
        if count > rows:
            reasons.append(f"{count} rows are only on the {side}, and {rows} may be: {', '.join(keys)}")
    reasons.extend(f"schema: {said}" for said in found.schema)
    for name, column in found.columns.items():
        if column.differ:
            told = f"{column.differ} of {column.rows} rows differ by {column.rule}"
            reasons.append(f"column {name}: {told}; the first is {column.first[0]}")
    if len(found.moved) > moved:
        reasons.append(
            f"{len(found.moved)} rows are in another regime, and {moved} may be: {', '.join(found.moved[:SHOWN])}"
        )
    if reasons:
        found.verdict = "FAIL"
    elif not found.matched:
        found.verdict = "INCONCLUSIVE"
        reasons.append("no row is on both sides: nothing was compared")
