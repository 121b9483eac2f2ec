"""Where dispatch meets the shadow: which callables observe a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow import observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["observers"]


def observers(
    sides: tuple[Callable[..., Any], Callable[..., Any]], unit: UnitConfig, record: Record, courier: Courier | None
) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """Return what observes a unit in shadow, and what observes it in a canary, if it may be one.

    Args:
        sides: Legacy's and the candidate's callable.
        unit: The unit.
        record: Its record.
        courier: The way to the worker; without one the candidate runs in the caller's thread.
    """
    given = (*sides, unit, record, courier)
    return observe.observer(*given), None if unit.key is None else observe.reverse_observer(*given)
