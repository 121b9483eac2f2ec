"""`exuvia iv-rank`: IV rank and percentile of each symbol, from files of daily volatility."""

from __future__ import annotations

import csv
import gzip
import importlib
import math
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import OptionError
from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

__all__ = ["add"]

STAMPS = ("ts", "date", "time", "timestamp", "observation_date")
"""Columns that a row's time is looked for in, in any case, unless `--time` names one."""

SUFFIXES = (".csv", ".csv.gz", ".parquet", ".arrow", ".feather", ".ipc")

EXAMPLE = """example:
  exuvia iv-rank vix.csv --column CLOSE"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command; this one needs no configuration.
    """
    del shared
    command = commands.add_parser(
        "iv-rank",
        help="IV rank and percentile of each symbol, from files of daily volatility",
        description="Tells where the last volatility of each symbol stands within its window. It reads CSV (also "
        ".csv.gz), Parquet or Arrow files with one volatility a day, for one symbol or for many; "
        "exuvia.options.iv_rank does the same for tables in memory.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    command.add_argument("files", nargs="+", metavar="FILE", help=f"one of {', '.join(SUFFIXES)}")
    command.add_argument("--column", default="iv", metavar="NAME", help="the column of volatility (iv)")
    command.add_argument("--symbol", metavar="NAME", help="the column of symbols (symbol; else a file is a symbol)")
    command.add_argument("--time", metavar="NAME", help=f"the column of dates or stamps (one of {', '.join(STAMPS)})")
    command.add_argument("--high", metavar="NAME", help="the greatest of a window comes from this column")
    command.add_argument("--low", metavar="NAME", help="the least of a window comes from this column")
    command.add_argument("--as-of", metavar="DATE", help="leave out what is later than this day, YYYY-MM-DD, UTC")
    command.add_argument("--window", type=int, default=252, metavar="ROWS", help="rows of the window (252)")
    command.add_argument("--days", type=float, metavar="N", help="calendar days of the window, instead of rows")
    command.add_argument("--exclude-today", action="store_true", help="compare with the days before the last one only")
    command.add_argument("--least", type=int, default=10, metavar="N", help="values a window must have (10)")
    command.add_argument("--scale", type=float, default=100.0, metavar="X", help="100: per cent, 1: fractions (100)")
    command.add_argument(
        "--flat", type=float, metavar="X", help="rank of a window without a range, a fraction (missing)"
    )
    command.add_argument("--floor", type=float, metavar="X", help="a window's range counts as at least this")
    command.add_argument("--clamp", action="store_true", help="move a rank outside of the scale to its end")
    command.add_argument("--inclusive", action="store_true", help="count days that equal the last one as below it")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(handler=_iv_rank)


def _iv_rank(options: argparse.Namespace) -> int:
    from exuvia import options as analytics

    columns = _gathered(options)
    table = analytics.iv_rank(
        columns,
        window=options.window,
        days=options.days,
        include_today=not options.exclude_today,
        least=options.least,
        scale=options.scale,
        flat=options.flat,
        floor=options.floor,
        clamp=options.clamp,
        inclusive=options.inclusive,
        last=True,
    )
    values = [table[name].to_pylist() for name in table.column_names]
    rows = [dict(zip(table.column_names, row, strict=True)) for row in zip(*values, strict=True)]
    for row in rows:
        row["date"] = f"{row.pop('ts'):%Y-%m-%d}" if "ts" in row else None
    rows.sort(key=lambda row: (math.isnan(row["rank"]), -row["rank"], row["symbol"]))
    if options.json:
        print_json([{name: _plain(value) for name, value in row.items()} for row in rows])
        return 0
    width = max(6, *(len(row["symbol"]) for row in rows)) if rows else 6
    say(f"{'symbol':<{width}} {'date':<10} {'iv':>10} {'rank':>8} {'pctile':>8} {'low':>10} {'high':>10} {'days':>5}")
    for row in rows:
        numbers = f"{_text(row['iv'], 10, 4)} {_text(row['rank'], 8, 2)} {_text(row['percentile'], 8, 2)}"
        ends = f"{_text(row['low'], 10, 4)} {_text(row['high'], 10, 4)}"
        say(f"{row['symbol']:<{width}} {row['date'] or '–':<10} {numbers} {ends} {row['count']:>5}")
    return 0


def _text(value: float, width: int, digits: int) -> str:
    """A number in its column, or a dash where there is none."""
    return f"{'–':>{width}}" if math.isnan(value) else f"{value:>{width}.{digits}f}"


def _plain(value: Any) -> Any:
    """A value that JSON has: NaN is null."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _gathered(options: argparse.Namespace) -> dict[str, Any]:
    """The rows of all files as Arrow columns, sorted by time."""
    from arro3.core import Array, DataType

    until = None if options.as_of is None else _nanoseconds(options.as_of, "--as-of") + 86_400_000_000_000
    rows: list[tuple[str, int | None, float, float, float]] = []
    for file in options.files:
        found = _rows(Path(file), options)
        rows += [row for row in found if until is None or row[1] is None or row[1] < until]
    timed = [row[1] is not None for row in rows]
    if any(timed) and not all(timed):
        raise OptionError("some files have dates and others have none: name the column with --time, or rank them apart")
    if options.days is not None and rows and not any(timed):
        raise OptionError("--days needs dates: name their column with --time, or count rows with --window")
    if all(timed):
        rows.sort(key=lambda row: row[1] or 0)
    symbol, stamps, iv, high, low = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    columns: dict[str, Any] = {"symbol": Array(list(symbol), DataType.utf8())}
    if any(timed):
        columns["ts"] = Array(list(stamps), DataType.int64())
    for name, values in (("iv", iv), ("high", high), ("low", low)):
        columns[name] = Array(list(values), DataType.float64())
    return columns


def _rows(path: Path, options: argparse.Namespace) -> list[tuple[str, int | None, float, float, float]]:
    """Symbol, stamp, volatility, high and low of each row of a file."""
    table = _read(path)
    names = list(table)

    def place(wanted: str, what: str) -> Sequence[Any]:
        if wanted not in table:
            known = ", ".join(names) or "none"
            raise OptionError(f"{path} has no column {wanted!r} for {what}: it has {known}; name another one")
        return table[wanted]

    iv = [_number(value, path, row) for row, value in enumerate(place(options.column, "--column"))]
    high, low = (
        [_number(value, path, row) for row, value in enumerate(place(name, flag))] if name else iv
        for name, flag in ((options.high, "--high"), (options.low, "--low"))
    )
    lower = {name.lower(): name for name in reversed(names)}
    time = options.time or next((lower[name] for name in STAMPS if name in lower), None)
    stamps = [_nanoseconds(value, str(path)) for value in place(time, "--time")] if time else [None] * len(iv)
    named = options.symbol or lower.get("symbol")
    stem = path.name.partition(".")[0]
    symbols = [str(value) for value in place(named, "--symbol")] if named else [stem] * len(iv)
    return list(zip(symbols, stamps, iv, high, low, strict=True))


def _read(path: Path) -> dict[str, Sequence[Any]]:
    """The columns of a file, by name."""
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        opened: Callable[..., Any] = gzip.open if name.endswith(".gz") else open
        try:
            with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
                head, *rows = [*csv.reader(file)] or [[]]
        except (UnicodeDecodeError, csv.Error, gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise OptionError(f"{path} is no CSV in UTF-8 ({error}): convert it") from None
        wrong = next((line for line, row in enumerate(rows, 2) if len(row) != len(head)), None)
        if wrong is not None:
            fields = len(rows[wrong - 2])
            raise OptionError(f"{path} has {fields} fields in line {wrong}, its header has {len(head)}: mend it")
        return {column: [row[at] for row in rows] for at, column in enumerate(head)}
    if name.endswith(".parquet"):
        from exuvia import lake

        table: Any = lake.read_parquet(path)
    elif name.endswith((".arrow", ".feather", ".ipc")):
        table = _arrow(path)
    else:
        raise OptionError(
            f"{path} is none of {', '.join(SUFFIXES)}: convert it, or hand the table to exuvia.options.iv_rank"
        )
    return {column: table[column].to_pylist() for column in table.column_names}


def _arrow(path: Path) -> Any:
    """The table of an Arrow file, by the reader that is installed."""
    try:
        feather = importlib.import_module("pyarrow.feather")
    except ImportError as error:
        raise OptionError(f"{path}: reading Arrow files needs pyarrow: pip install pyarrow") from error
    return feather.read_table(path)


def _number(value: Any, path: Path, row: int) -> float:
    """A volatility; an empty field, a dot or null is missing."""
    if value is None or value in ("", "."):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise OptionError(
            f"{path} has {value!r} in row {row}, no number: leave the field empty if it is missing"
        ) from None


def _nanoseconds(value: Any, where: str) -> int:
    """A date, stamp or whole number of nanoseconds as UTC nanoseconds."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = value if hasattr(value, "year") else datetime.fromisoformat(str(value))
    except ValueError:
        raise OptionError(f"{where} has {value!r}, no date: use YYYY-MM-DD, an ISO time, or UTC nanoseconds") from None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000
