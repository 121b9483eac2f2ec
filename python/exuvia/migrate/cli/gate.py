"""`exuvia gate`: one verdict on a group, for a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.config import GroupConfig

__all__ = ["add"]

HOOKS_S = 15.0

EXAMPLE = """examples:
  exuvia gate bot.bars:mean
  exuvia gate paper_trading --day 2026-11-20 --json

Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    gate = commands.add_parser(
        "gate",
        parents=[shared],
        help="one verdict on a group: sessions, bounds, business gates",
        description="Judges a group over its sessions up to a day: may it take its next step? Only sessions of one F "
        "count, the one that would run now: F is the fingerprint of all that decides what runs (source, candidate, "
        "rules, build).",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    gate.add_argument("group", metavar="GROUP", help="a group, or a unit that stands alone")
    gate.add_argument("--day", metavar="D", type=_day, help="look at this day, YYYY-MM-DD, and what came before it")
    gate.add_argument("--to", choices=("canary", "rust"), help="for this step: sessions of the mode before it")
    gate.add_argument("--json", action="store_true", help="print JSON, with one `overall`")
    gate.add_argument(
        "--restart",
        metavar="CAUSE",
        help="count anew from now on, and keep the cause; of units only what was not compared is left behind",
    )
    gate.set_defaults(handler=_gate)


def _anew(group: GroupConfig) -> str:
    if not group.units:
        return "sessions are counted anew from now on"
    return "calls are counted anew from the next start of the program on; differences stay, until the code is another"


def _day(text: str) -> str:
    from argparse import ArgumentTypeError
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: write it as 2026-02-03") from None


def _gate(options: argparse.Namespace) -> int:
    from exuvia.migrate.evidence import reading
    from exuvia.migrate.gates import judge, restarts, sessions, table
    from exuvia.migrate.modes import hooks, journal

    config = config_of(options, reads=True)
    group = sessions.group_named(config, options.group)
    if options.restart is not None:
        restarts.append(config.evidence, group, options.restart)
        if not options.json:
            print(f"{group.name}: {_anew(group)}")
    verdict = judge.group_verdict(
        config,
        group,
        reading.read_folder(config.evidence),
        journal.read(config.evidence),
        to=options.to,
        day=options.day,
    )
    if options.json:
        print_json(verdict.as_dict())
    else:
        table.render(verdict)
    if verdict.verdict == "FAIL":
        said = {"event": "fail", "unit": group.name, "cause": verdict.reasons[0], "day": verdict.day}
        hooks.call(config, said)
        hooks.finish(HOOKS_S)
    return verdict.exit_code
