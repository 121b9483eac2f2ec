"""Values that look like a trading bot's, made up from a random stream: for a self-test before anything is recorded."""

from __future__ import annotations

import datetime as dt
import enum
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["made_up"]


class _State(enum.Enum):
    WORKING = "Working"
    FILLED = "Filled"


@dataclass(frozen=True, slots=True)
class _Quote:
    uic: int
    ts: int
    bid: float
    ask: float
    state: _State


def made_up(rng: random.Random, count: int = 12) -> list[dict[str, Any]]:
    """Make up values as a bot's calls return them: an account with its fills, quotes, bars and times.

    >>> import random
    >>> made_up(random.Random(3), 1)[0]["fills"][0]["side"]
    'Buy'

    Args:
        rng: Where the numbers come from.
        count: How many.
    """
    return [_account(rng) for _ in range(count)]


def _account(rng: random.Random) -> dict[str, Any]:
    start = 1_399_420_800_000_000_000 + rng.randrange(10**9)
    fills = [
        {
            "id": f"A-{number}",
            "side": ("Buy", "Sell")[number % 2],
            "price": round(1.1 + rng.random() / 100, 5),
            "amount": 1000 * rng.randrange(1, 9),
            "ts": start + number * 60_000_000_000,
            "final": number % 2 == 0,
        }
        for number in range(rng.randrange(3, 8))
    ]
    quotes = [_Quote(21, start + n, 1.1 + n * 1e-5, 1.1001 + n * 1e-5, rng.choice(list(_State))) for n in range(3)]
    value: dict[str, Any] = {
        "account": "DEMO_1",
        "equity": Decimal(rng.randrange(10**7, 10**8)) / 100,
        "fills": fills,
        "quotes": quotes,
        "closes": [rng.random() for _ in range(5)],
        "position": rng.choice([-1, 1]) * 1000,
        "flat": 0.0,
        "note": "",
        "stop": None,
        "raw": bytes(rng.randrange(256) for _ in range(8)),
        "tags": {"fx", "eur"},
        "range": (1.0, round(rng.random(), 3) + 2),
        "opened": dt.datetime(2014, 5, 7, 8, rng.randrange(60), tzinfo=dt.UTC),
        "day": dt.date(2014, 5, 7),
    }
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        value["curve"] = numpy.array([rng.random() for _ in range(16)])
    return value
