"""`exuvia drill`: rolls a group back for real, measures how long every process takes, and puts it back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

HOOKS_S = 15.0

EXAMPLE = """example:
  exuvia drill bot.bars:mean

Exit code 0 if every process followed in time, 1 if one did not, 3 if nothing was measured, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    drill = commands.add_parser(
        "drill",
        parents=[shared],
        help="measure a rollback of a group",
        description="Measures how long a rollback of a group takes, which canary → rust asks for: rolls it back, waits "
        "until every process that runs it serves legacy, puts it back and records the time. If a process does not "
        "follow in time, the group stays in legacy. There is nothing to measure where no process runs it, or the "
        "candidate served no call.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    drill.add_argument("group", metavar="NAME", help="a unit or group")
    drill.add_argument("--timeout", metavar="SECONDS", type=float, default=30.0, help="how long a process may take")
    drill.add_argument("--json", action="store_true", help="print JSON")
    drill.set_defaults(handler=_drill)


def _drill(options: argparse.Namespace) -> int:
    from exuvia.migrate.gates.verdict import EXIT
    from exuvia.migrate.modes import drill, hooks

    done = drill.drill(config_of(options), options.group, timeout_s=options.timeout)
    if options.json:
        print_json(done.as_dict())
    else:
        for process, took in sorted(done.processes.items()):
            say(f"{process}: {'did not follow' if took is None else f'legacy after {took:.3f} s'}")
        say(f"{done.name}: {done.verdict}: {done.why}{f'; {done.stood} again' if done.put_back else ''}")
    sys.stdout.flush()
    hooks.finish(HOOKS_S)
    return EXIT[done.verdict]
