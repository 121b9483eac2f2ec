"""exuvia: move the hot paths of a Python trading system to Rust while it trades.

Two halves, each useful alone: the engine, and the moult. `help("exuvia.bars")` and its siblings say more.

| module | what it does |
|---|---|
| `exuvia.quotes` | Saxo-style binary frames and quotes with delta merge |
| `exuvia.feeds` | any JSON feed by a declaration, Polygon, ProjectX over SignalR: records or columns |
| `exuvia.bars` | ticks to bars and bars to bars, streaming and columnar |
| `exuvia.options` | implied volatility, greeks, IV rank, gamma exposure, fills |
| `exuvia.indicators` | moving averages, average true range, rolling extremes |
| `exuvia.sessions` | XNYS, FX 24x5 and 24/7 calendars |
| `exuvia.history` | a cache of history: memory, then Parquet, then one fetch |
| `exuvia.lake` | Parquet files that are there whole or not at all, datasets that grow by day |
| `exuvia.orders` | pre-trade checks, an order manager over your broker, an exact ledger |
| `exuvia.brokers` | a paper broker that fills at the first quote after the decision |
| `exuvia.scan` | the decision of a scan cycle, strategies, state files |
| `exuvia.tokens` | a token file that one process renews and everybody reads |
| `exuvia.venues` | a Saxo-shaped venue on 127.0.0.1 for tests |
| `exuvia.migrate` | the moult: shadow, compare, evidence, flip module by module, roll back |
| `exuvia.testing` | parity in pytest: two functions on the same cases, your suite over either side |
| `exuvia.errors` | every error; all are an `ExuviaError`, as `PanicError` and, after a fork, `ForkError` |
| `exuvia.build_info()` | which binary is loaded, and how it was built |

Areas load when they are first named, so `import exuvia` stays quick. (PYTEST_DONT_REWRITE: its plug-in for
pytest may be loaded after it.)

>>> import exuvia
>>> exuvia.bars.aggregate([], every="5m")
[]
>>> exuvia.build_info()["version"] == exuvia.__version__
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from exuvia.errors import ExuviaError, ForkError, PanicError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from exuvia import (
        bars,
        brokers,
        errors,
        feeds,
        history,
        indicators,
        lake,
        migrate,
        options,
        orders,
        quotes,
        scan,
        sessions,
        testing,
        tokens,
        venues,
    )
    from exuvia.build import BuildInfo, build_info

__all__ = [
    "ExuviaError",
    "ForkError",
    "PanicError",
    "__version__",
    "bars",
    "brokers",
    "build_info",
    "errors",
    "feeds",
    "history",
    "indicators",
    "lake",
    "migrate",
    "options",
    "orders",
    "quotes",
    "scan",
    "sessions",
    "testing",
    "tokens",
    "venues",
]

__version__: str

_AREAS = frozenset(__all__) - {"ExuviaError", "ForkError", "PanicError", "__version__", "build_info"}


def __getattr__(name: str) -> ModuleType | Callable[[], BuildInfo] | str:
    """Loads an area, `build_info` or the version when it is first asked for: a rollback must not need the extension."""
    if name in _AREAS:
        return importlib.import_module(f"exuvia.{name}")
    if name in ("__version__", "build_info"):
        build = importlib.import_module("exuvia.build")
        return build.build_info if name == "build_info" else str(build.build_info()["version"])
    raise AttributeError(f"module 'exuvia' has no attribute {name!r}: it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The documented names; the errors are listed by `exuvia.errors`, or `help(exuvia)` would be pages of theirs."""
    return sorted(set(__all__) - {"ExuviaError", "ForkError", "PanicError"})
