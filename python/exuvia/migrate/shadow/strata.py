"""What a call belongs to: its stratum, by the declared paths into its arguments."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["stratum"]

_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")


def stratum(
    paths: tuple[tuple[str, str], ...], names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> str:
    """Return the stratum of a call, `side=Buy,instrument=EURUSD`; empty if none is declared.

    >>> stratum((("side", "$args.order.side"),), ("order",), ({"side": "Buy"},), {})
    'side=Buy'
    >>> stratum((("side", "$args[3]"),), (), (), {})
    'side=?'

    Args:
        paths: Name and path of each part.
        names: Names of the positional parameters.
        args: Positional arguments.
        kwargs: Keyword arguments.
    """
    return ",".join(f"{name}={_at(path, names, args, kwargs)}" for name, path in paths)


def _at(path: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    found: Any = None
    for number, step in enumerate(_STEP.finditer(path, len("$args"))):
        name, index = step.groups()
        try:
            if number:
                found = _step(found, name, index)
            elif index is not None:
                found = args[int(index)]
            else:
                found = kwargs[name] if name in kwargs else args[names.index(name)]
        except (LookupError, AttributeError, TypeError, ValueError):
            return "?"
    return str(getattr(found, "name", found))[:40].replace(",", ";")


def _step(found: Any, name: str | None, index: str | None) -> Any:
    if name is None:
        return found[int(index or 0)]
    return found[name] if isinstance(found, dict) else getattr(found, name)
