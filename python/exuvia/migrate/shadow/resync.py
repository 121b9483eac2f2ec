"""How a twin gets back into step with its object: the protocol of `export_state` and `import_state`.

A twin falls out of step when a call was dropped, when two threads were inside the object at once, when the
worker died, or when it has differed once. If legacy's class has

    def export_state(self) -> object: ...

and the candidate's class has one of

    @classmethod
    def import_state(cls, state) -> Candidate: ...     # returns a new object
    def import_state(self, state) -> None: ...         # fills an object made by `cls.__new__(cls)`
    def __init__(self, state): ...                     # a constructor whose only parameter is `state`

then the next call on the object is followed by `export_state()`; its result is pickled, and a new twin is
made from it. `export_state` must not change the object; it runs in the program. Without the pair of them a
twin that is out of step is given up, and its object's further calls are counted as lost.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["can_resync", "importer"]


def can_resync(legacy: type, candidate: type) -> bool:
    """Say whether twins of these two classes can get back into step.

    Args:
        legacy: The legacy class.
        candidate: What replaces it.
    """
    return callable(getattr(legacy, "export_state", None)) and importer(candidate) is not None


def importer(candidate: type) -> Callable[[Any], Any] | None:
    """Return what makes an object of the candidate from an exported state, or `None` if nothing does.

    >>> class Book:
    ...     def __init__(self, state): self.rows = list(state)
    >>> importer(Book)([1, 2]).rows
    [1, 2]

    Args:
        candidate: The class.
    """
    found = inspect.getattr_static(candidate, "import_state", None)
    bound: Any = getattr(candidate, "import_state", None)
    if found is None:
        return candidate if _takes_a_state(candidate) else None
    if isinstance(found, (classmethod, staticmethod)) or getattr(bound, "__self__", None) is candidate:
        made: Callable[[Any], Any] = bound
        return made
    if not callable(bound):
        return None

    make: Any = candidate.__new__

    def fill(state: Any) -> Any:
        fresh: Any = make(candidate)
        bound(fresh, state)
        return fresh

    return fill


def _takes_a_state(candidate: type) -> bool:
    try:
        parameters = list(inspect.signature(candidate).parameters.values())
    except (TypeError, ValueError):
        return False
    return len(parameters) == 1 and parameters[0].name == "state"
