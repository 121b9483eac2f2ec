"""The presets that ship with exuvia: groups as real teams gate them."""

from __future__ import annotations

from typing import Any

__all__ = ["NAMES", "of"]

PRESETS: dict[str, dict[str, Any]] = {}
NAMES = ("token", "paper_trading", "quote_collector", "lake", "research")


def of(name: str | None) -> dict[str, Any]:
    """Return a preset as a `[group]` table.

    Args:
        name: One of `NAMES`, or `None` for nothing.
    """
    return PRESETS.get(name or "", {})
