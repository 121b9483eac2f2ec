"""Installing a second time: the same configuration changes nothing, another one is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exuvia.errors import MigrateError

if TYPE_CHECKING:
    from exuvia.migrate.config.tables import Config

__all__ = ["same_or_refuse"]


def same_or_refuse(current: Config, asked: Config, *, whole: bool) -> None:
    """Refuse a configuration that is not the one that is installed.

    Args:
        current: What is installed.
        asked: What is to be installed.
        whole: Whether `asked` was given as it stands; one that was read from its file may have been installed with
            another evidence folder, by `exuvia run --evidence`.

    Raises:
        MigrateError: If it is another one.
    """
    if asked == current or (not whole and replace(asked, evidence=current.evidence) == current):
        return
    other = f"{asked.path} is another configuration" if asked.path != current.path else "it has changed since"
    raise MigrateError(f"already installed from {current.path}, and {other}: call uninstall() first")
