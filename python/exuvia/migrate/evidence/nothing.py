"""Counters that begin with nothing: a unit has a dozen of them, and most stay empty."""

from __future__ import annotations

import functools
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["nothing"]

nothing: Callable[[], Counter[Any]] = functools.partial(Counter.__new__, Counter)
"""Makes an empty counter as `Counter()` does, but without the two calls of Python that look for what to begin with.

>>> from collections import Counter
>>> made = nothing()
>>> made["seen"] += 2
>>> type(made) is Counter, made == Counter(seen=2), made["unseen"]
(True, True, 0)
"""
