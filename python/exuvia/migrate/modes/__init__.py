"""Modes: the journal that may lower them, the steps that raise them, and every way back.

`allowed` says whether a step may be taken now, `quarantine` takes a unit out at once; both are loaded at
first use, since a rollback must not need the extension.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exuvia.migrate.config import Config

__all__ = ["allowed", "quarantine", "record_worth"]


def allowed(config: Config, name: str, to: str) -> tuple[bool, list[str]]:
    """Say whether a unit or group may go up to a mode now, and what is missing if not; nothing is written.

    Args:
        config: The configuration.
        name: A unit or a group.
        to: The mode.

    Raises:
        ConfigError: For a name that is not declared.
    """
    from exuvia.migrate.modes import steps  # noqa: PLC0415 - a rollback must not need the extension

    return steps.allowed(config, name, to)


def quarantine(config: Config, unit: str, cause: str) -> None:
    """Put a unit into quarantine: the journal first, then the page, then the hooks, which never block.

    Its group serves legacy until a person clears it with a cause. The journal's lock is waited for up to two
    seconds: call it from a thread that nobody waits for.

    Args:
        config: The configuration.
        unit: The unit's name.
        cause: Why.

    Raises:
        OSError: If the journal could not be written; the caller serves legacy all the same.
    """
    from exuvia.migrate.modes import overlays  # noqa: PLC0415 - a rollback must not need what steps need

    overlays.quarantine(config, unit, cause)


def record_worth(config: Config, unit: str, verdict: str, **details: Any) -> None:
    """Write the worth-it verdict of a unit into the journal, where the steps look for it.

    Args:
        config: The configuration.
        unit: The unit's name.
        verdict: `migrate`, or why not.
        **details: Shares, gain, calls: whatever the verdict stands on, as plain values.

    Raises:
        MigrateError: If the journal cannot be trusted, or another writer does not let go.
        OSError: If it could not be written.
    """
    from exuvia.migrate.modes.writing import open_journal  # noqa: PLC0415 - a rollback must not need what steps need

    with open_journal(config.evidence) as pen:
        pen.append({**details, "kind": "worth", "unit": unit, "verdict": verdict})
