"""`exuvia run`: a program with the units of `exuvia.toml` in their modes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import ERROR, Shown

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia run -m bot --days 1                   as python -m bot --days 1, with the units of exuvia.toml
  exuvia run --config desk.toml bot.py

Exit code: the program's own; 2 if exuvia cannot start it."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    run = commands.add_parser(
        "run",
        parents=[shared],
        help="run a module or script with exuvia installed",
        usage="exuvia run [--config FILE] [--evidence DIR] (-m MODULE | SCRIPT) [ARGUMENT …]",
        description="Runs a program with the units of exuvia.toml in their modes, as `python -m MODULE` or "
        "`python SCRIPT` would. Everything after the module or script belongs to it. A unit runs where exuvia "
        "promote has put it; in a rehearsal (rehearsal = true) it follows its mode in the file, into rust too, unless "
        "the mode journal holds it lower.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    # The program's own arguments never pass through argparse: see _split_run.
    run.add_argument("-m", dest="module", metavar="MODULE", help="module to run; what follows are its arguments")
    run.add_argument("script", nargs="?", metavar="SCRIPT", help="script to run; what follows are its arguments")
    run.set_defaults(handler=_run)


def _run(options: argparse.Namespace) -> int:
    from exuvia.migrate import running

    program = options.module or options.script
    if not program:
        print("exuvia run: name a module (-m MODULE) or a script", file=sys.stderr)
        return ERROR
    return running.run(options.config, options.evidence, program, options.arguments, is_module=bool(options.module))
