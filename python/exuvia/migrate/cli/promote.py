"""`exuvia promote`: raises what the mode journal allows a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import config_of

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    promote = commands.add_parser(
        "promote",
        parents=[shared],
        help="raise what the mode journal allows a unit",
        description="Raises the journal's mode of a unit, up to its ceiling in the configuration. "
        "To rust only in a rehearsal, and only with a PASS of the code as it is now: exit code 1 for a unit "
        "that fails, 3 for one of which too little is known.",
    )
    promote.add_argument("units", nargs="*", metavar="UNIT", help="units; each is judged by itself")
    promote.add_argument("--all", action="store_true", help="all units whose mode in the file allows it")
    promote.add_argument(
        "--break-glass", metavar="REASON", help="to rust without a PASS; the reason is kept in the journal"
    )
    promote.add_argument("--to", required=True, choices=("shadow", "rust"), dest="mode")
    promote.add_argument("--reason", default="promoted by hand", help="kept in the journal")
    promote.set_defaults(handler=_promote)


def _promote(options: argparse.Namespace) -> int:
    from exuvia.migrate.modes import steps  # noqa: PLC0415

    return steps.promote(
        config_of(options), options.units, options.mode, options.reason, glass=options.break_glass, every=options.all
    )
