"""Parity in pytest: compare a candidate with legacy, and run a project's own tests over either side.

The plug-in is installed with exuvia: `pytest --exuvia-mode=shadow` runs an existing suite with the units of
`exuvia.toml` in that mode; the fixtures are `parity` and `saxo_venue`. What is here:

| name | what it is |
|---|---|
| `assert_equivalent(legacy, candidate, cases, rules)` | compares both sides on cases, or makes some up |
| `inferred(function)` | a Hypothesis strategy of arguments, by annotations; floats within ±1e12, or `floats=` |
| `recorded(unit)` | a Hypothesis strategy that begins with recorded calls of a unit and changes them |

>>> from exuvia.testing import assert_equivalent
>>> def mean(values): return sum(values) / len(values)
>>> def shim(values): return sum(values) / len(values)
>>> assert_equivalent(mean, shim, cases=[([1.0, 2.0],), ([],)])
exuvia: 2 cases compared, none differs: mean and shim; legacy raised in 1 of them (ZeroDivisionError)
2

This module is quiet until it is used: what it needs (Hypothesis, the extension) is loaded then.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exuvia.testing.equivalence import assert_equivalent
    from exuvia.testing.strategies import inferred, recorded

__all__ = ["assert_equivalent", "inferred", "recorded"]

_HOME = {
    "assert_equivalent": "exuvia.testing.equivalence",
    "inferred": "exuvia.testing.strategies",
    "recorded": "exuvia.testing.strategies",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has {', '.join(__all__)}")
    found = getattr(importlib.import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The documented names, so that `help()` shows those that are not loaded yet."""
    return sorted(__all__)
