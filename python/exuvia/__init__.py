"""exuvia: move the hot paths of a Python trading system to Rust while it trades.

Two halves, each useful alone. The engine: `exuvia.quotes`, `exuvia.bars`, `exuvia.sessions`,
`exuvia.lake`, `exuvia.orders`, `exuvia.brokers`, `exuvia.scan`, and loopback simulators of brokers in
`exuvia.venues`. The moult: `exuvia.migrate`, which runs legacy Python and Rust on the same input,
measures the difference, flips module by module and rolls back.

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

    from exuvia import bars, brokers, errors, lake, migrate, orders, quotes, scan, sessions, venues
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
    "lake",
    "migrate",
    "orders",
    "quotes",
    "scan",
    "sessions",
    "venues",
]

__version__: str

_AREAS = frozenset({"bars", "brokers", "errors", "lake", "migrate", "orders", "quotes", "scan", "sessions", "venues"})


def __getattr__(name: str) -> ModuleType | Callable[[], BuildInfo] | str:
    """Loads an area, `build_info` or the version when it is first asked for: a rollback must not need the extension."""
    if name in _AREAS:
        return importlib.import_module(f"exuvia.{name}")
    if name in ("__version__", "build_info"):
        build = importlib.import_module("exuvia.build")
        return build.build_info if name == "build_info" else str(build.build_info()["version"])
    raise AttributeError(f"module 'exuvia' has no attribute {name!r}: it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The documented names."""
    return sorted(__all__)
