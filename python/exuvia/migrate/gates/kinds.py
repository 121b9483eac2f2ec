"""The kinds of business gates: which settings each has, and what is wrong with one.

```toml
[group.paper_trading.gate.equity]
kind = "paired"
legacy = "out/python/{day}/equity.jsonl"
candidate = "out/rust/{day}/equity.jsonl"
key = ["scenario", "ts"]
abs = "50.00"
bias = "9.00"
```

Standard library only.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALONE", "KINDS", "checked", "keys"]

ARTEFACTS = ("legacy", "candidate", "key", "when", "where", "build", "activity")
SETTINGS: dict[str, tuple[str, ...]] = {
    "paired": (*ARTEFACTS, "value", "abs", "bias", "drift", "by", "spread"),
    "count": (*ARTEFACTS, "abs"),
    "rate": (*ARTEFACTS, "within", "per"),
    "overlap": (*ARTEFACTS, "value", "at_least", "interval"),
    "parquet": (*ARTEFACTS, "files", "rows", "differences", "schema", "values"),
    "histogram": (*ARTEFACTS, "value", "bins", "abs"),
    "freshness": (*ARTEFACTS, "every", "grace"),
    "absent": (*ARTEFACTS, "text", "value"),
}
"""Settings by kind. `legacy` and `candidate` are paths of the artefacts, with `{day}` for the day."""

KINDS = tuple(SETTINGS)
ALONE = ("freshness", "absent")
"""Kinds that ask something of the candidate alone; legacy's artefact is looked at where it is named."""

REQUIRED = {
    "paired": ("key", "abs"),
    "rate": ("when",),
    "overlap": ("value",),
    "parquet": ("key",),
    "histogram": ("value",),
    "freshness": ("every",),
    "absent": ("text",),
}
LEAN = Decimal("0.18")
DATES = ("date", "day", "ts", "time", "at", "when", "minute", "timestamp")
_SECONDS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_AMOUNT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]+)\s*$")


def keys(kind: str) -> tuple[str, ...]:
    """Return the settings that a kind knows.

    Args:
        kind: One of `KINDS`.
    """
    return SETTINGS[kind]


class _WrongError(Exception):
    pass


def checked(kind: str, table: dict[str, Any], name: str = "gate") -> tuple[dict[str, Any], tuple[str, str] | None]:
    """Check the settings of one gate.

    >>> key, wrong = checked("paired", {"kind": "paired", "key": ["scenario"], "abs": "fifty"})[1]
    >>> print(wrong)
    abs = 'fifty' must be an amount of at least 0, as a decimal text: "50.00"

    Args:
        kind: One of `KINDS`.
        table: As read.
        name: The gate's name; its artefacts are called by it unless they are named.

    Returns:
        The settings with defaults, and `(key, what is wrong)` or `None`.
    """
    for key in REQUIRED.get(kind, ()):
        if key not in table:
            return table, ("kind", f"gate {name!r} of kind {kind!r} needs {key}: {_HINTS[key]}")
    made: dict[str, Any] = {"kind": kind}
    given = {**_defaults(kind, table, name), **table}
    key = "kind"
    try:
        for key in SETTINGS[kind]:
            if key in given:
                read = _READERS.get((kind, key)) or _READERS["", key]
                made[key] = read(key, given[key])
        key, wrong = _together(kind, made)
        if wrong:
            return made, (key, wrong)
    except _WrongError as error:
        return made, (key, str(error))
    return made, None


def _defaults(kind: str, table: dict[str, Any], name: str) -> dict[str, Any]:
    """What holds where nothing is said."""
    end = "" if kind == "parquet" else ".jsonl"
    defaults: dict[str, Any] = {"candidate": f"artefacts/candidate/{{day}}/{name}{end}"}
    if kind not in ALONE:
        defaults["legacy"] = f"artefacts/legacy/{{day}}/{name}{end}"
    match kind:
        case "paired":
            defaults |= {"value": name, "spread": "any"}
            key = table.get("key")
            if isinstance(key, list):
                defaults["by"] = [field for field in key if str(field) not in DATES]
            try:
                lean = Decimal(str(table["abs"])) * LEAN
            except InvalidOperation:
                lean = Decimal(0)
            if lean.is_finite() and lean > 0:
                defaults |= {"bias": str(lean), "drift": str(lean)}
        case "count":
            defaults["abs"] = 0
        case "rate":
            defaults |= {"within": 0.05, "per": 60.0}
        case "overlap":
            defaults |= {"at_least": 0.95, "interval": True}
        case "parquet":
            rows = table.get("rows", 0)
            defaults |= {"files": 0, "rows": 0, "differences": rows, "schema": True}
        case "histogram":
            defaults["abs"] = 1
        case "freshness":
            defaults |= {"grace": 0.1, "when": "ts"}
    return defaults


def _together(kind: str, made: dict[str, Any]) -> tuple[str, str]:
    """What is wrong between settings that are right by themselves."""
    if made.get("legacy") == made["candidate"]:
        return "candidate", f"legacy and candidate are both {made['candidate']!r}: nothing would be compared"
    for side in ("legacy", "candidate"):
        if side in made and "{day}" not in made[side] and "when" not in made and kind != "absent":
            return (
                side,
                f"{side} = {made[side]!r} holds all days: put {{day}} into it, or name the field of the time, when",
            )
    return "", ""


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _WrongError(f"{key} = {value!r} must be a text: {_HINTS.get(key, 'the name of a field')}")
    return value


def _path(key: str, value: Any) -> str:
    path = _text(key, value)
    if "{" in path.replace("{day}", "") or "}" in path.replace("{day}", ""):
        raise _WrongError(f"{key} = {path!r}: only {{day}} may stand in braces")
    return path


def _texts(key: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(item, str) and item for item in values):
        raise _WrongError(f'{key} = {value!r} must be a list of names of fields: ["scenario", "date"]')
    return values


def _names(key: str, value: Any) -> list[str]:
    return [] if value == [] else _texts(key, value)


def _table(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise _WrongError(f'{key} = {value!r} must be a table of field and value: {{ status = "closed" }}')
    return value


def _amount(key: str, value: Any) -> str:
    """An amount of money, kept as the text that it is, so that it is exact."""
    try:
        amount = Decimal(str(value)) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
    except InvalidOperation:
        amount = None
    least = "of at least 0" if key == "abs" else "above 0"
    if amount is None or not amount.is_finite() or amount < 0 or (key != "abs" and amount == 0):
        raise _WrongError(f'{key} = {value!r} must be an amount {least}, as a decimal text: "50.00"')
    return format(amount, "f")


def _whole(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _WrongError(f"{key} = {value!r} must be a whole number of at least 0")
    return value


def _share(key: str, value: Any) -> float:
    share = value
    if isinstance(value, str) and (found := _AMOUNT.match(value)) and found[2] == "%":
        share = float(found[1]) / 100.0
    if not isinstance(share, (int, float)) or isinstance(share, bool) or not 0.0 < share <= 1.0:
        raise _WrongError(f'{key} = {value!r} must be a share above 0 and at most 1, or "5 %"')
    return float(share)


def _grace(key: str, value: Any) -> float:
    return 0.0 if value == 0 and not isinstance(value, bool) else _share(key, value)


def _seconds(key: str, value: Any) -> float:
    seconds = value
    if isinstance(value, str) and (found := _AMOUNT.match(value)) and found[2] in _SECONDS:
        seconds = float(found[1]) * _SECONDS[found[2]]
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds < math.inf:
        raise _WrongError(f'{key} = {value!r} must be a time above zero: "30 s", "15 min"')
    return float(seconds)


def _activity(key: str, value: Any) -> float:
    """How often something must happen: once a day by nature is 0."""
    if value == "daily":
        return 0.0
    seconds = _seconds(key, value)
    if seconds < 60.0:
        raise _WrongError(f'{key} = {value!r} must be "daily", or a time of at least a minute: "15 min"')
    return seconds


def _spread(key: str, value: Any) -> str:
    if value not in ("any", "normal"):
        raise _WrongError(
            f'{key} = {value!r} must be "any" (a bias may lie on a few days) or "normal" (days are about alike)'
        )
    return str(value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(f"{key} = {value!r} must be true or false")
    return value


def _bins(key: str, value: Any) -> list[float]:
    numbers = isinstance(value, list) and len(value) > 0
    if not numbers or not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value):
        raise _WrongError(f"{key} = {value!r} must be a list of the edges between bins: [-1.0, 0.0, 1.0]")
    if sorted(set(value)) != list(value):
        raise _WrongError(f"{key} = {value!r} must ascend")
    return [float(item) for item in value]


_HINTS = {
    "key": 'the fields by which rows are joined, key = ["scenario", "date"]',
    "abs": 'how far apart two values may be, abs = "50.00"',
    "when": 'the field that holds the time, when = "ts"',
    "value": 'the field that is compared, value = "equity"',
    "every": 'how often it comes, every = "30 s"',
    "activity": 'how often it is at work by nature: "daily", or a time as "15 min"',
    "text": 'what must not be there, text = "401"',
    "legacy": 'the path of its artefact, with {day} for the day: "out/python/{day}/equity.jsonl"',
    "candidate": 'the path of its artefact, with {day} for the day: "out/rust/{day}/equity.jsonl"',
}
_READERS: dict[tuple[str, str], Callable[[str, Any], Any]] = {
    ("", "legacy"): _path,
    ("", "candidate"): _path,
    ("", "key"): _texts,
    ("", "by"): _names,
    ("", "when"): _text,
    ("", "where"): _table,
    ("", "build"): _text,
    ("", "activity"): _activity,
    ("", "value"): _text,
    ("paired", "abs"): _amount,
    ("", "bias"): _amount,
    ("", "spread"): _spread,
    ("", "drift"): _amount,
    ("", "abs"): _whole,
    ("", "within"): _share,
    ("", "per"): _seconds,
    ("", "at_least"): _share,
    ("", "interval"): _flag,
    ("", "files"): _whole,
    ("", "rows"): _whole,
    ("", "differences"): _whole,
    ("", "values"): _whole,
    ("", "schema"): _flag,
    ("", "bins"): _bins,
    ("", "every"): _seconds,
    ("", "grace"): _grace,
    ("", "text"): _text,
}
