"""What two processes wrote, read as rows: JSON lines, JSON, Parquet, and logs as text.

Numbers keep the digits that they were written with, so that amounts are compared exactly. What cannot be read is an
`ArtefactError`: it says why a day is inconclusive.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exuvia.errors import ExuviaError, LakeError, SchemaError
from exuvia.migrate.own import json

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DAY", "ArtefactError", "at_ns", "column_of", "days_of", "field", "files_of", "place", "rows_of", "shown"]

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST = 256 * 1024 * 1024
LATEST = 2**63
UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))
"""Below which number a time is in seconds, milli- or microseconds, and what makes nanoseconds of it."""


class ArtefactError(ExuviaError):
    """An artefact that is missing or cannot be read."""


def place(folder: Path, template: str, day: str) -> Path:
    """Return the path of an artefact on a day.

    Args:
        folder: What relative paths start from.
        template: The path with `{day}`.
        day: `YYYY-MM-DD`.
    """
    return folder / template.replace("{day}", day)


def days_of(folder: Path, template: str, when: str | None = None) -> set[str]:
    """Return the days for which there is an artefact, or rows in one that holds all days.

    Args:
        folder: What relative paths start from.
        template: The path, mostly with `{day}`.
        when: The field of the time.
    """
    before, found, after = template.partition("{day}")
    if not found:
        return _days_in(folder / template, when)
    top = folder / before[: before.rfind("/") + 1]
    prefix, suffix = before[before.rfind("/") + 1 :], after.split("/", 1)[0]
    if not top.is_dir():
        return set()
    days = set()
    for entry in top.iterdir():
        name = entry.name
        day = name[len(prefix) : len(name) - len(suffix)]
        if name == f"{prefix}{day}{suffix}" and DAY.fullmatch(day) and place(folder, template, day).exists():
            days.add(day)
    return days


def _days_in(path: Path, when: str | None) -> set[str]:
    """Days of UTC of the rows of an artefact; what cannot be read is named where it is judged."""
    if when is None:
        return set()
    try:
        values = [field(row, when, path) for row in rows_of(path)]
        return {
            str(value)
            if DAY.fullmatch(str(value))
            else datetime.fromtimestamp(at_ns(value) / 1e9, UTC).date().isoformat()
            for value in values
        }
    except (ArtefactError, OverflowError, ValueError, OSError):
        return set()


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Read the rows of an artefact; a last line that a kill tore is left out.

    Args:
        path: `.jsonl`, `.ndjson`, `.log` (JSON lines), `.json` (a list of objects, or one) or `.parquet`.

    Raises:
        ArtefactError: It is missing, too large, or not what its name says.
    """
    if path.suffix == ".parquet":
        return _parquet(path)
    text = text_of(path)
    if path.suffix == ".json":
        return _objects(path, _json(path, text, 1))
    lines = text.split("\n")
    if lines[-1].strip() and not _whole(lines[-1]):
        del lines[-1]
    return [
        row for number, line in enumerate(lines, 1) if line.strip() for row in _objects(path, _json(path, line, number))
    ]


def _whole(line: str) -> bool:
    """Whether a last line without its newline is whole: a writer that was killed leaves a part of one."""
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def text_of(path: Path) -> str:
    """Read an artefact as text.

    Args:
        path: The file.

    Raises:
        ArtefactError: It is missing, too large or no UTF-8.
    """
    try:
        if path.stat().st_size > MOST:
            raise ArtefactError(f"{path} has more than {MOST >> 20} MiB: split it by day, with {{day}} in its path")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtefactError(f"{path} is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{path} cannot be read: {error}") from None


def _json(path: Path, text: str, number: int) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise ArtefactError(f"{path}:{number} is not JSON: {text[:60]!r}") from None


def _objects(path: Path, value: Any) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise ArtefactError(f"{path} holds {type(value).__name__}: rows are objects with named fields")
    return rows


def _parquet(path: Path) -> list[dict[str, Any]]:
    from exuvia import lake  # noqa: PLC0415 - arro3 is needed for Parquet only

    try:
        table = lake.read_parquet(path)
    except (LakeError, SchemaError) as error:
        raise ArtefactError(f"{path} cannot be read: {error}") from None
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def column_of(path: Path, name: str) -> set[Any]:
    """Return the values of one column of a Parquet file, each once.

    Args:
        path: The file.
        name: The column.

    Raises:
        ArtefactError: It cannot be read, or has no such column.
    """
    from exuvia import lake  # noqa: PLC0415 - arro3 is needed for Parquet only

    try:
        table = lake.read_parquet(path)
    except (LakeError, SchemaError) as error:
        raise ArtefactError(f"{path} cannot be read: {error}") from None
    if name not in table.column_names:
        raise ArtefactError(f"{path} has no column {name!r}: it has {', '.join(table.column_names)}")
    return set(table.column(name).to_pylist())


def files_of(path: Path) -> dict[str, Path]:
    """Return the Parquet files below a folder by their relative paths; a file is itself.

    Args:
        path: Folder or file.

    Raises:
        ArtefactError: It is missing or cannot be listed.
    """
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise ArtefactError(f"{path} is missing")
    return {
        found.relative_to(path).as_posix(): found
        for found in sorted(path.rglob("*.parquet"))
        if not found.name.startswith(".")
    }


def field(row: dict[str, Any], name: str, path: Path) -> Any:
    """Return a field of a row; dots lead into objects.

    >>> from pathlib import Path
    >>> field({"account": {"cash": "12.50"}}, "account.cash", Path("equity.jsonl"))
    '12.50'

    Args:
        row: The row.
        name: Its name.
        path: The artefact, for the message.

    Raises:
        ArtefactError: The row has no such field.
    """
    if name in row:
        return row[name]
    value: Any = row
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            raise ArtefactError(f"{path} has a row without the field {name!r}: it has {', '.join(map(str, row))}")
        value = value[part]
    return value


def shown(value: Any) -> str:
    """Return a value as the text by which it is joined and compared.

    >>> shown("a"), shown(1), shown(True), shown(None)
    ('a', '1', 'true', 'null')

    Args:
        value: A plain value.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (bool, dict, list)):
        return json.dumps(value, sort_keys=True, default=str)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def at_ns(value: Any) -> int:
    """Return a time in UTC nanoseconds.

    >>> at_ns("2026-02-03T14:30:00Z") == at_ns(1770129000) == at_ns(1770129000000) == 1770129000000000000
    True

    Args:
        value: ISO text (UTC where it names no zone), or seconds, milli-, micro- or nanoseconds since 1970.

    Raises:
        ArtefactError: It is no time.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1e6) * 1000
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"-?\d+", value)):
            number = int(value)
            if abs(number) >= LATEST:
                raise ValueError
            return number * next((factor for most, factor in UNITS if abs(number) < most), 1)
        if re.fullmatch(r"\d+\.\d+(?:[eE][+]?\d+)?", str(value)):
            whole = float(value)
            return round(whole * 1e6) * 1000
        return at_ns(datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError):
        raise ArtefactError(f"{value!r} is no time: ISO text, or seconds … nanoseconds since 1970") from None
