r"""Writes a value as Python source that makes it again, bit for bit, or as a pickle if that cannot be done.

>>> from decimal import Decimal
>>> written([1.5, float("nan"), Decimal("2.50")])
('[1.5, float("nan"), Decimal(\'2.50\')]', {'from decimal import Decimal'})
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import enum
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from exuvia._exuvia import Comparator
from exuvia.errors import CompareError

__all__ = ["written"]

DEEPEST = 60


class _NotPlainError(ValueError):
    """A value that has no source."""


def written(value: object) -> tuple[str, set[str]]:
    """Return the source of a value and the imports that it needs.

    Args:
        value: Anything that can be written or pickled.
    """
    imports: set[str] = set()
    try:
        text = _write(value, imports, 0)
        space: dict[str, Any] = {}
        exec("\n".join(imports), space)  # noqa: S102 - of our own making, and of the user's own modules
        if Comparator().compare(value, eval(text, space)).equal:  # noqa: S307 - the same
            return text, imports
    except (_NotPlainError, CompareError, NameError, TypeError, ValueError, SyntaxError, ImportError, AttributeError):
        pass
    data = base64.b64encode(pickle.dumps(value, protocol=5)).decode("ascii")
    return f'pickle.loads(base64.b64decode("{data}"))', {"import base64", "import pickle"}


def _write(value: Any, imports: set[str], depth: int) -> str:  # noqa: PLR0911 - one for each kind of value
    if depth > DEEPEST:
        raise _NotPlainError
    kind = type(value)
    if value is None or kind in (bool, int, str, bytes):
        return repr(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else f'float("{value}")'
    if kind in (list, tuple, set, frozenset):
        items = ", ".join(_write(item, imports, depth + 1) for item in value)
        if kind is list:
            return f"[{items}]"
        if kind is tuple:
            return f"({items},)" if len(value) == 1 else f"({items})"
        return f"{kind.__name__}([{items}])"
    if kind is dict:
        rows = (f"{_write(k, imports, depth + 1)}: {_write(v, imports, depth + 1)}" for k, v in value.items())
        return f"{{{', '.join(rows)}}}"
    if kind is Decimal:
        imports.add("from decimal import Decimal")
        return repr(value)
    if kind in (datetime.datetime, datetime.date, datetime.time, datetime.timedelta):
        imports.add("import datetime")
        return repr(value)
    if kind in (Fraction, UUID) or isinstance(value, PurePath):
        imports.add(f"from {kind.__module__.partition('._')[0]} import {kind.__name__}")
        return repr(value)
    if isinstance(value, enum.Enum):
        return f"{_class(kind, imports)}.{value.name}"
    if isinstance(value, BaseException) and kind.__module__ == "builtins" and not vars(value):
        return f"{kind.__name__}({', '.join(_write(arg, imports, depth + 1) for arg in value.args)})"
    return _record(value, kind, imports, depth)


def _record(value: Any, kind: type, imports: set[str], depth: int) -> str:
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        fields = {name: getattr(value, name) for name in kind._fields}
    elif dataclasses.is_dataclass(kind):
        fields = {found.name: getattr(value, found.name) for found in dataclasses.fields(kind) if found.init}
    else:
        raise _NotPlainError
    items = ", ".join(f"{name}={_write(field, imports, depth + 1)}" for name, field in fields.items())
    return f"{_class(kind, imports)}({items})"


def _class(kind: type, imports: set[str]) -> str:
    if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
        raise _NotPlainError
    imports.add(f"import {kind.__module__}")
    return f"{kind.__module__}.{kind.__qualname__}"
