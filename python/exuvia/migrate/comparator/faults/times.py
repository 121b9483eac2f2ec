"""Faults of times and of members of enumerations."""

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, Any

from exuvia.migrate.comparator.faults.fault import fault, need

if TYPE_CHECKING:
    import random

__all__: list[str] = []


@fault("another member", enum.Enum, exact=False)
def _member(rng: random.Random, value: enum.Enum) -> enum.Enum:
    others = [member for member in type(value) if member is not value]
    need(others)
    return rng.choice(others)


@fault("the value of a member", enum.Enum, exact=False)
def _value(_: random.Random, value: enum.Enum) -> Any:
    return value.value


@fault("a naive time for an aware one", dt.datetime)
def _naive(_: random.Random, value: dt.datetime) -> dt.datetime:
    return value.replace(tzinfo=None)


@fault("a microsecond", dt.datetime, fine=True)
def _microsecond(_: random.Random, value: dt.datetime) -> dt.datetime:
    return value + dt.timedelta(microseconds=1)


@fault("a time in another zone", dt.datetime)
def _zone(_: random.Random, value: dt.datetime) -> dt.datetime:
    need(value.tzinfo is not None)
    return value.replace(tzinfo=dt.timezone(dt.timedelta(hours=-5)))


@fault("a day", dt.date, dt.datetime)
def _day(_: random.Random, value: dt.date) -> dt.date:
    return value + dt.timedelta(days=1)


@fault("the text of a time", dt.date, dt.datetime)
def _isoformat(_: random.Random, value: dt.date) -> str:
    return value.isoformat()
