"""The comparator's self-test as the gates see it: below 100 %, or never run, the evidence does not count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["FILE", "trouble"]

FILE = "self_test.json"


def trouble(config: Config, unit: UnitConfig) -> str | None:
    """Say why a unit's evidence does not count, if its self-test is missing or missed a fault.

    Args:
        config: The configuration.
        unit: The unit.
    """
    result = _result(config, unit)
    if result is None:
        return f"{unit.name}: the comparator's self-test is missing, so its evidence does not count"
    injected, caught = int(result.get("injected", 0)), int(result.get("caught", 0))
    if injected == 0:
        return f"{unit.name}: the comparator's self-test injected nothing, so its evidence does not count"
    if caught < injected:
        return (
            f"{unit.name}: the comparator's self-test caught {caught:,} of {injected:,} faults "
            f"({caught / injected:.1%}), so its evidence does not count"
        )
    return None


def _result(config: Config, unit: UnitConfig) -> Mapping[str, Any] | None:
    """What the self-test left in the evidence folder for this unit under its rules of now."""
    try:
        found = json.loads((config.evidence / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    entry = found.get(unit.name) if isinstance(found, dict) else None
    return entry if isinstance(entry, dict) else None
