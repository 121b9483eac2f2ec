"""Venue time stamps as integer nanoseconds, exactly: no float is involved on the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from .model import NS_PER_SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_PATTERN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def parse_ns(text: str) -> int:
    """Return the UTC nanoseconds of an ISO-8601 instant with up to nine decimals and a trailing Z.

    Raises:
        ValueError: if `text` is anything else.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"time {text!r} is not like 2014-05-07T00:00:07.135000Z")
    whole, fraction = match.groups()
    seconds = (datetime.fromisoformat(whole).replace(tzinfo=UTC) - _EPOCH) // _SECOND
    return seconds * NS_PER_SECOND + (int(fraction.ljust(9, "0")) if fraction else 0)


def format_ns(ns: int) -> str:
    """Return the instant as the venue writes it: six decimals (microseconds) and a Z."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return f"{_EPOCH + seconds * _SECOND:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def utc_day(ns: int) -> str:
    """Return the UTC date of the instant as YYYY-MM-DD."""
    return format_ns(ns)[:10]
