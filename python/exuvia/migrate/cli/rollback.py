"""`exuvia rollback`: units back to legacy, in every process; standard library only."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    rollback = commands.add_parser(
        "rollback",
        parents=[shared],
        help="units back to legacy, in every process",
        description="Writes the mode journal beside the evidence; running processes follow within a second, "
        "and it survives a restart. Nobody's approval is needed.",
    )
    rollback.add_argument("units", nargs="*", metavar="UNIT", help="units; all of them if none is named")
    rollback.add_argument("--reason", default="rollback by hand", help="kept in the journal")
    rollback.set_defaults(handler=_rollback)


def _rollback(options: argparse.Namespace) -> int:
    from exuvia.migrate.modes import steps  # noqa: PLC0415

    for line in steps.rollback(options.config, options.evidence, options.units, options.reason):
        print(line)
    return 0
