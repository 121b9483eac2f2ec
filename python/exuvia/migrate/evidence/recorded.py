"""Recorded calls of a segment, also of one that made room: its compacted day has them in a table.

What is unpickled there is trusted as a segment is: the folder and the table are nobody else's to write, and the table
is the one that the day's head names by its digest.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from typing import TYPE_CHECKING, Any

from exuvia.errors import ExuviaError
from exuvia.migrate.evidence import chain, folder

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.evidence.reading import SegmentText

__all__ = ["calls"]

COLUMNS = ("segment", "unit", "call", "signature", "arguments", "outcome")
LIVES = ("object", "step")
"""Which object a call was of, and its place in that object's life: tables of earlier versions do not say."""
PICKLED = ("arguments", "outcome")


def calls(segment: SegmentText, wrong: list[str]) -> list[dict[str, Any]]:
    """Return the recorded calls of a segment, as its own lines say them or else its compacted day.

    Args:
        segment: As `read_folder` returns it.
        wrong: Gets why the calls of its day cannot be read, once.
    """
    day: Path | None = getattr(segment, "day", None)
    if day is None:
        return list(getattr(segment, "calls", ()))
    found: list[dict[str, Any]] = []
    for part in chain.read_day(day)[0].get("parts", ()):
        name = str(part.get("file", ""))
        if not name.startswith("calls-") or not part.get("rows"):
            continue
        try:
            rows = _rows(day / name, str(part["sha256"]))
        except (OSError, ExuviaError, ImportError) as error:
            why = f"{day.name}/{name} cannot be read: {error}"
            wrong += [why] if why not in wrong else []
            continue
        found += rows.get(segment.path.name, [])
    return found


@functools.lru_cache(maxsize=8)
def _rows(path: Path, digest: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of a table of calls by segment, pickles as text: as a segment says them."""
    from exuvia import lake  # noqa: PLC0415 - only for what made room

    data = folder.read_file(path)
    if hashlib.sha256(data).hexdigest() != digest:
        raise OSError("it was changed after its day was compacted")
    table = lake.decode_parquet(data, None, name=str(path))
    there = [*COLUMNS, *(name for name in LIVES if name in table.column_names)]
    columns = {name: table.column(name).to_pylist() for name in there}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in zip(*columns.values(), strict=True):
        entry = dict(zip(columns, row, strict=True))
        entry.update({name: base64.b64encode(entry[name]).decode("ascii") for name in PICKLED})
        found.setdefault(entry["segment"], []).append(entry)
    return found
