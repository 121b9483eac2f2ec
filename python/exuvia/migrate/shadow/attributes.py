"""The declared attributes of an object, read so that what reading them raises is a value and not an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.dispatch.interrupts import is_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["attributes_of"]


def attributes_of(owner: Any, names: Iterable[str]) -> dict[str, Any]:
    """Read attributes; one that is not there is left out, one that raises is told by the class of what it raised.

    >>> class Book:
    ...     bids = [1.5]
    ...     @property
    ...     def mean(self): return 1 / 0
    >>> attributes_of(Book(), ("bids", "mean", "asks"))
    {'bids': [1.5], 'mean': '(reading it raises ZeroDivisionError)'}

    Args:
        owner: The object.
        names: The attributes.

    Raises:
        BaseException: KeyboardInterrupt, and what the handler of a signal raised meanwhile: the program's own.
    """
    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = getattr(owner, name)
        except AttributeError:
            continue
        except BaseException as error:
            if is_foreign(error):
                raise
            found[name] = f"(reading it raises {type(error).__name__})"
    return found
