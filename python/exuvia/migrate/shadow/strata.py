"""What a call belongs to and what it is like: its stratum by the declared paths, its signature by its shape."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["signature", "stratum"]

_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]")
_WIDEST = 12
_DEEPEST = 6


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


def signature(args: tuple[Any, ...], kwargs: dict[str, Any], raised: bool) -> int:
    """Return a number that is the same for calls of the same shape: types, sizes, signs, zero, NaN, outcome.

    >>> signature(([1.0, 2.0],), {}, False) == signature(([3.5, 9.0],), {}, False)
    True
    >>> signature(([1.0, 2.0],), {}, False) == signature(([1.0, float("nan")],), {}, False)
    False

    Args:
        args: Positional arguments.
        kwargs: Keyword arguments.
        raised: Whether legacy raised.
    """
    text = repr((_shape(args, 0), _shape(kwargs, 0), raised))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _shape(value: Any, depth: int) -> Any:
    kind = type(value)
    known = _SHAPES.get(kind)
    if known is not None:
        return known(value, depth)
    if depth >= _DEEPEST:
        return kind.__qualname__
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return (kind.__qualname__, [_shape(getattr(value, name, None), depth + 1) for name in names])
    size = getattr(value, "shape", None)
    return (kind.__qualname__, repr(size) if isinstance(size, tuple) else "")


def _float(value: float, _: int) -> Any:
    return ("f", _sign(value), math.frexp(value)[1] // 16 if math.isfinite(value) else 0)


def _int(value: int, _: int) -> Any:
    return ("i", _sign(value), value.bit_length() // 16)


def _sized(value: Any, _: int) -> Any:
    return (type(value).__name__, len(value).bit_length())


def _itself(value: Any, _: int) -> Any:
    return value


def _dict(value: dict[Any, Any], depth: int) -> Any:
    if depth >= _DEEPEST:
        return "dict"
    rows = list(value.items())[:_WIDEST]
    return ("d", len(value).bit_length(), [(str(key)[:40], _shape(item, depth + 1)) for key, item in rows])


def _items(value: list[Any] | tuple[Any, ...], depth: int) -> Any:
    """The kinds of items that occur, not their order: two lists of bars are of one shape."""
    if depth >= _DEEPEST:
        return type(value).__name__
    kinds = sorted({repr(_shape(item, depth + 1)) for item in value[:_WIDEST]})
    return (type(value).__name__, len(value).bit_length(), kinds)


def _sign(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return "nan"
    if value in (math.inf, -math.inf):
        return str(value)
    return "-" if value < 0 else "0" if value == 0 else "+"


_SHAPES: dict[type, Callable[[Any, int], Any]] = {
    float: _float,
    int: _int,
    str: _sized,
    bytes: _sized,
    set: _sized,
    frozenset: _sized,
    bool: _itself,
    type(None): _itself,
    dict: _dict,
    list: _items,
    tuple: _items,
}
