"""Units and groups by name."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from exuvia.errors import ConfigError

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, GroupConfig

__all__ = ["FOLLOWS", "follows", "group_named", "unknown"]

FOLLOWS = "running processes follow within a second"
ALONE = "exuvia only observes what it writes, and no process follows by itself: switch the programs"


def group_named(config: Config, name: str) -> GroupConfig:
    """Return the group of a name: a group's own, or the one that a unit flips with.

    Args:
        config: The configuration.
        name: A unit or a group.

    Raises:
        ConfigError: If neither is declared.
    """
    if name in config.groups:
        return config.groups[name]
    if name in config.units:
        return config.group_of(name)
    raise unknown(name, config)


def unknown(name: str, config: Config) -> ConfigError:
    """Make the error for a unit or group that is not declared.

    Args:
        name: As it was named.
        config: The configuration.
    """
    known = [*config.units, *config.groups]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"one of {', '.join(known) or 'none'}"
    return ConfigError(f"{config.path}: unknown unit {name!r}: {hint}")


def follows(config: Config | None, name: str) -> str:
    """Say what follows a change of mode by itself: of what is observed by its artefacts nothing does.

    Args:
        config: The configuration, if it can be read.
        name: A unit, a group, or `*`.
    """
    if config is None or name in config.units:
        return FOLLOWS
    units = config.groups[name].units if name in config.groups else config.units
    return FOLLOWS if units else ALONE
