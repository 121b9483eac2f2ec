"""`exuvia rollback`: units back to legacy, in every process; standard library only."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

HOOKS_S = 30.0

EXAMPLE = """examples:
  exuvia rollback bot.bars:mean --reason "odd fills"
  exuvia rollback                               every unit"""


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
        description="Puts units back to legacy, in every process within a second; it survives a restart, being "
        "written into the mode journal. Nobody's approval is needed. Other ways: kill -USR2 PID of any process that "
        "runs under exuvia, or making the kill_file of the configuration. Exit code 1 if a unit is retired: no mode "
        "brings that back; 2 if the journal cannot be written: then running processes are lowered through the control "
        "page, where that can be done, and the message says what holds.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    rollback.add_argument("units", nargs="*", metavar="UNIT", help="units or groups; every unit if none is named")
    rollback.add_argument("--reason", default="rollback by hand", help="kept in the journal")
    rollback.add_argument("--json", action="store_true", help="print JSON")
    rollback.set_defaults(handler=_rollback)


def _rollback(options: argparse.Namespace) -> int:
    from exuvia.migrate.modes import hooks, rollback

    done = rollback.rollback(options.config, options.evidence, options.units, options.reason)
    if options.json:
        print_json(done.as_dict())
    else:
        for line in done.lines:
            say(line)
    sys.stdout.flush()
    hooks.finish(HOOKS_S)
    return 1 if done.retired else 0
