"""The overlays: quarantine, which a person clears with a cause, and the freeze, in which nothing is promoted."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.modes import hooks
from exuvia.migrate.modes.names import group_named
from exuvia.migrate.modes.writing import open_journal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exuvia.migrate.config import Config

__all__ = ["clear", "demote", "freeze", "publish", "quarantine", "thaw"]


def quarantine(config: Config, unit: str, cause: str) -> None:
    """Put a unit into quarantine: the journal first, then the page, then the hooks.

    Args:
        config: The configuration.
        unit: The unit's name.
        cause: Why.

    Raises:
        OSError: If the journal could not be written.
    """
    with open_journal(config.evidence, lowers=True) as pen:
        if unit in pen.read().quarantined:
            return
        pen.append({"kind": "quarantine", "unit": unit, "cause": cause})
    publish(config)
    hooks.call(config, {"event": "quarantine", "unit": unit, "cause": cause})


def clear(config: Config, name: str, cause: str) -> list[str]:
    """Take the units of a group out of quarantine; they stand in legacy and may be promoted again.

    A group without units, which is observed by its artefacts, is cleared by its own name: the count of its
    sessions starts again.

    Args:
        config: The configuration.
        name: A unit or a group.
        cause: What was found and done.

    Returns:
        What was cleared.

    Raises:
        ConfigError: For a name that is not declared.
        MigrateError: Without a cause, or if none of them is in quarantine.
    """
    if not cause.strip():
        raise MigrateError("a quarantine is cleared with a cause: say what was found and what was done")
    units = [name] if name in config.units else list(group_named(config, name).units or (name,))
    with open_journal(config.evidence) as pen:
        journal = pen.read()
        cleared = [unit for unit in units if unit in journal.quarantined or unit not in config.units]
        if not cleared:
            raise MigrateError(f"{name} is not in quarantine")
        for unit in cleared:
            pen.append({"kind": "clear", "unit": unit, "cause": cause})
    publish(config)
    return cleared


def freeze(config: Config, reason: str) -> None:
    """From now on nothing is promoted.

    Args:
        config: The configuration.
        reason: Why.
    """
    with open_journal(config.evidence, lowers=True) as pen:
        pen.append({"kind": "frozen", "reason": reason})


def thaw(config: Config, reason: str) -> None:
    """Let promotions happen again.

    Args:
        config: The configuration.
        reason: Why.

    Raises:
        MigrateError: If nothing is frozen by hand.
    """
    with open_journal(config.evidence) as pen:
        if pen.read().frozen is None:
            raise MigrateError("nothing is frozen by hand")
        pen.append({"kind": "thaw", "reason": reason})


def demote(folder: Path, units: Sequence[str] | None, *, unrecorded: bool = False) -> str | None:
    """Lower units in the control page, if there is one: that needs no configuration.

    Args:
        folder: The evidence folder.
        units: Units, or `None` for all.
        unrecorded: Whether the journal could not be written, so that the page alone says it.

    Returns:
        Why it could not be done, or `None`.
    """
    try:
        page: Any = importlib.import_module("exuvia.migrate.dispatch.page")
        trouble: str | None = page.demote(folder, units, unrecorded=unrecorded)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return trouble


def publish(config: Config) -> None:
    """Rebuild the control page from the journal, where there is one; the journal is what counts.

    Args:
        config: The configuration.
    """
    with contextlib.suppress(Exception):
        page: Any = importlib.import_module("exuvia.migrate.dispatch.page")
        page.publish(config)
