"""Where dispatch meets the shadow: which callables observe a unit, and how many of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.shadow import observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from exuvia.migrate.config import UnitConfig
    from exuvia.migrate.evidence.record import Record
    from exuvia.migrate.shadow.courier import Courier

__all__ = ["IN_RUST", "PAUSE_IN_RUST", "observers", "pause_in_rust", "share_in_rust"]

IN_RUST = 0.01
"""The share of the calls that are observed in mode rust, where the unit declares no share below 1."""
PAUSE_IN_RUST = 0.05
"""Seconds between two of them, at least: a unit that is called without a break pays nothing that can be measured."""


def observers(
    sides: tuple[Callable[..., Any], Callable[..., Any]],
    unit: UnitConfig,
    record: Record,
    courier: Courier | None,
    names: tuple[str, ...],
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return what observes the calls that legacy serves, and what observes those that the candidate serves.

    Args:
        sides: Legacy's and the candidate's callable.
        unit: The unit.
        record: Its record.
        courier: The way to the worker; without one the candidate runs in the caller's thread.
        names: Legacy's positional parameters.
    """
    given = (*sides, unit, record, courier)
    return observe.observer(*given, names=names), observe.observer(*given, reverse=True, names=names)


def share_in_rust(unit: UnitConfig) -> float:
    """Return the share of the calls that are observed in mode rust: the unit's own if it is below 1, else 1 %.

    Of a class it is the share of its objects.

    In the caller's thread (`isolation = "thread"`) legacy would run where the program waits for it: there
    nothing is observed in rust unless the unit declares a share.

    Args:
        unit: The unit.
    """
    if unit.sample < 1.0:
        return unit.sample
    return IN_RUST if unit.isolation == "process" else 0.0


def pause_in_rust(unit: UnitConfig) -> float:
    """Return the seconds between two observed calls in mode rust: none if the unit declares its own share.

    Args:
        unit: The unit.
    """
    return 0.0 if unit.sample < 1.0 else PAUSE_IN_RUST
