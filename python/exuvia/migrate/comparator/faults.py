"""The comparator's self-test: known faults are injected and it is counted how many were found.

The injection is plain Python that shares nothing with the comparator; a fault counts as caught only at the
right path.
"""

from __future__ import annotations

import copy
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FAULTS", "sample", "self_test"]


def sample() -> dict[str, Any]:
    """Return a value as a trading program has them."""
    return {
        "account": "DEMO_1",
        "equity": Decimal("100000.00"),
        "fills": [
            {
                "id": "A-1",
                "side": "Buy",
                "price": 1.10003,
                "amount": 1000,
                "ts": 1_399_420_800_000_000_000,
                "final": True,
            },
            {
                "id": "A-2",
                "side": "Sell",
                "price": 1.10009,
                "amount": 1000,
                "ts": 1_399_420_860_000_000_000,
                "final": False,
            },
        ],
        "closes": [1.1, 1.10001, 1.10002, 1.10003],
        "position": -1000,
        "note": "",
        "stop": None,
        "raw": b"\x00\x01",
        "tags": {"fx", "eur"},
        "range": (1.0, 2.0),
    }


def _set(path: str, change: Callable[[Any], Any]) -> Callable[[dict[str, Any]], str]:
    def inject(value: dict[str, Any]) -> str:
        holder: Any = value
        steps: list[Any] = [int(part) if part.isdigit() else part for part in path.split(".")]
        for step in steps[:-1]:
            holder = holder[step]
        holder[steps[-1]] = change(holder[steps[-1]])
        return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)

    return inject


def _drop(path: str, report: str) -> Callable[[dict[str, Any]], str]:
    def inject(value: dict[str, Any]) -> str:
        holder: Any = value
        *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for step in way:
            holder = holder[step]
        del holder[last]
        return report

    return inject


def _shuffle(value: dict[str, Any]) -> str:
    value["fills"].reverse()
    return "$.fills"


def _append(value: dict[str, Any]) -> str:
    value["fills"].append(copy.deepcopy(value["fills"][-1]))
    return "$.fills"


def _extra(value: dict[str, Any]) -> str:
    value["fills"][0]["venue"] = "SIM"
    return "$.fills[0].venue"


FAULTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "a tick up": _set("fills.0.price", lambda price: price + 0.00001),
    "a tick down": _set("closes.2", lambda price: price - 0.00001),
    "one bit of a float": _set("closes.3", lambda price: math.nextafter(price, 2.0)),
    "sides swapped": _set("fills.1.side", lambda _: "Buy"),
    "sign of a position": _set("position", lambda position: -position),
    "an order dropped": _drop("fills.1", "$.fills"),
    "an order twice": _append,
    "rows in another order": _shuffle,
    "NaN": _set("closes.0", lambda _: float("nan")),
    "infinity": _set("fills.0.price", lambda _: float("inf")),
    "negative zero": _set("range", lambda _: (1.0, -0.0)),
    "float for int": _set("fills.0.amount", float),
    "int for bool": _set("fills.0.final", int),
    "text for number": _set("position", str),
    "bytes for text": _set("account", str.encode),
    "None for empty text": _set("note", lambda _: None),
    "zero for None": _set("stop", lambda _: 0),
    "exponent of a decimal": _set("equity", lambda equity: equity.quantize(Decimal("0.001"))),
    "a cent": _set("equity", lambda equity: equity + Decimal("0.01")),
    "float for decimal": _set("equity", float),
    "a field gone": _drop("fills.0.ts", "$.fills[0].ts"),
    "a field more": _extra,
    "a nanosecond": _set("fills.1.ts", lambda ts: ts + 1),
    "case of an id": _set("fills.0.id", str.lower),
    "list for tuple": _set("range", list),
    "one byte": _set("raw", lambda raw: raw[:-1] + b"\x02"),
    "a tag gone": _set("tags", lambda tags: tags - {"fx"}),
}
"""Each changes a value in place and returns the path where the comparator has to find it."""


def self_test(rules: Mapping[str, str] | None = None) -> tuple[int, int, list[str]]:
    """Inject every known fault, once, and count those that the comparator finds at their path.

    Args:
        rules: Rules of the unit that is to be trusted; a rule may well hide a fault.

    Returns:
        How many were caught, how many there are, and the names of the missed ones.

    >>> self_test()
    (27, 27, [])
    """
    comparator = Comparator(rules)
    missed = []
    for name, inject in FAULTS.items():
        legacy, candidate = sample(), sample()
        path = inject(candidate)
        verdict = comparator.compare(legacy, candidate)
        if not any(found.path.startswith(path) for found in verdict.differences):
            missed.append(name)
    if not comparator.compare(sample(), sample()).equal:
        missed.append("(an equal pair raised an alarm)")
    return len(FAULTS) - len(missed), len(FAULTS), missed
