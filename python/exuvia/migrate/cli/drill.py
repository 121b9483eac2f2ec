"""`exuvia drill`: rolls a group back for real, measures how long every process takes, and puts it back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import config_of, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

HOOKS_S = 15.0


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
        description="Rolls a group back, waits until every process that runs it serves legacy, puts it back and "
        "records the time, which canary → rust asks for. Exit code 1 if a process did not follow in time: the group "
        "stays in legacy then. 3 if there was nothing to measure: no process runs it, or the candidate served no call.",
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
