"""Instants and days as a caller writes them."""

from __future__ import annotations

import datetime
from typing import Any, TypeAlias

from exuvia.errors import LakeOptionError

Instant: TypeAlias = int | str | datetime.date | datetime.datetime
Day: TypeAlias = str | datetime.date

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def nanoseconds(when: Instant) -> int:
    """An instant as UTC nanoseconds.

    >>> nanoseconds("2026-02-03"), nanoseconds(datetime.date(1970, 1, 2))
    (1770076800000000000, 86400000000000)
    """
    if isinstance(when, str):
        try:
            when = datetime.datetime.fromisoformat(when)
        except ValueError:
            raise LakeOptionError(f"{when!r} is no instant: write 2026-02-03 or 2026-02-03T14:30:00Z") from None
        if when.tzinfo is None:
            if when.time() != datetime.time():
                raise LakeOptionError(f"{when.isoformat()} has no zone: end it in Z for UTC, or in +01:00")
            when = when.replace(tzinfo=datetime.UTC)
    if isinstance(when, datetime.datetime):
        exact: Any = getattr(when, "value", None)
        if isinstance(exact, int) and when.tzinfo is not None:
            return exact  # pandas' own, which has nanoseconds
        if when.tzinfo is None:
            raise LakeOptionError(f"{when!r} has no zone: make it aware, for instance with tzinfo=datetime.UTC")
        return (when - EPOCH) // datetime.timedelta(microseconds=1) * 1_000
    if isinstance(when, datetime.date):
        return (when - EPOCH.date()).days * 86_400_000_000_000
    if hasattr(when, "astype"):
        return int(when.astype("M8[ns]").astype("i8"))
    return int(when)


def day_text(day: Day | None) -> str | None:
    """A day as `YYYY-MM-DD`; text stays as it is."""
    return day if day is None or isinstance(day, str) else f"{day:%Y-%m-%d}"
