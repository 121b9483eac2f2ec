"""`exuvia promote`: takes a group up one step, clears a quarantine, freezes and thaws promotions."""

from __future__ import annotations

import argparse
import difflib
import sys
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, like_this, print_json, said_why, say

if TYPE_CHECKING:
    from exuvia.migrate.config import Config
    from exuvia.migrate.modes.steps import Outcome

__all__ = ["add"]

HOOKS_S = 15.0
UP = ("shadow", "canary", "rust")
EXAMPLE = """examples:
  exuvia promote bot.bars:mean --to shadow
  exuvia promote bot.bars:mean --to shadow --override "one language less"
  exuvia promote bars --to canary --check            what is missing, for a whole group"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    promote = commands.add_parser(
        "promote",
        parents=[shared],
        help="raise what the mode journal allows a unit or group",
        description="Takes a group up one step, legacy → shadow → canary → rust, up to its ceiling in the "
        "configuration and only with everything on record that the step needs. To shadow that is the same surface on "
        "both sides, a declared effect, a comparator for every result and, where aim is speed, a worth-it verdict: "
        "promote looks at each by itself. Further up it is a PASS of the code as it is now, approvals, a drill. "
        "What is missing is said with what to run; --check lists all of it at once, the ceiling and steps that come "
        "first among it. Exit code 0 done, 1 FAIL, 3 if something is missing, 2 for a step that does not exist.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    promote.add_argument("units", nargs="*", metavar="NAME", help="units or groups; each is judged by itself")
    promote.add_argument("--to", type=_mode, metavar="MODE", dest="mode", help="shadow, canary or rust")
    promote.add_argument("--all", action="store_true", help="all whose mode in the file allows it")
    promote.add_argument(
        "--check", action="store_true", help="list everything that stands in the way, all at once, and write nothing"
    )
    promote.add_argument(
        "--override",
        metavar="REASON",
        type=said_why,
        help="why units for speed move whatever exuvia worth says, or though nobody asked it; kept in the journal",
    )
    promote.add_argument(
        "--break-glass",
        metavar="REASON",
        type=said_why,
        help="without what is missing, until the session ends; kept in the journal",
    )
    promote.add_argument(
        "--clear", metavar="CAUSE", type=said_why, help="take the unit or group out of quarantine; it stays in legacy"
    )
    promote.add_argument("--freeze", metavar="REASON", type=said_why, help="from now on nothing is promoted")
    promote.add_argument("--thaw", metavar="REASON", type=said_why, help="promotions may happen again")
    promote.add_argument("--reason", default="promoted by hand", help="kept in the journal")
    promote.add_argument("--json", action="store_true", help="print JSON")
    promote.set_defaults(handler=_promote)


def _mode(text: str) -> str:
    # `retired` goes on to the step that says what it still needs.
    if text in (*UP, "retired"):
        return text
    near = difflib.get_close_matches(text, UP, n=1)
    raise argparse.ArgumentTypeError(f"{text!r}: {f'did you mean {near[0]}' if near else 'one of ' + ', '.join(UP)}")


def _promote(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError
    from exuvia.migrate.gates.verdict import EXIT
    from exuvia.migrate.modes import hooks, steps

    config = config_of(options)
    done = _overlays(options, config)
    if options.mode is None:
        if not done:
            raise MigrateError("say where to: --to shadow, canary or rust")
        _print(options, "PASS", done, [])
        return 0
    outcomes = steps.promote(
        config,
        options.units,
        options.mode,
        options.reason,
        glass=options.break_glass,
        override=options.override,
        every=options.all,
        write=not options.check,
    )
    judged = [outcome for outcome in outcomes if outcome.left_out is None]
    bad = {outcome.verdict for outcome in judged if outcome.verdict != "PASS" and outcome.glass is None}
    verdict = "FAIL" if "FAIL" in bad else "INCONCLUSIVE" if bad else "PASS"
    _print(options, verdict, done, outcomes)
    sys.stdout.flush()
    hooks.finish(HOOKS_S)
    return EXIT[verdict]


def _overlays(options: argparse.Namespace, config: Config) -> list[str]:
    from exuvia.errors import MigrateError
    from exuvia.migrate.modes import overlays

    done = []
    if options.clear is not None:
        if not options.units:
            raise MigrateError("name the unit or group whose quarantine is cleared")
        for name in options.units:
            done += [f"{unit}: quarantine cleared" for unit in overlays.clear(config, name, options.clear)]
    if options.freeze is not None:
        overlays.freeze(config, options.freeze)
        done.append("frozen: nothing is promoted until exuvia promote --thaw REASON")
    if options.thaw is not None:
        overlays.thaw(config, options.thaw)
        done.append("thawed: promotions may happen again")
    return done


def _print(options: argparse.Namespace, verdict: str, done: list[str], outcomes: list[Outcome]) -> None:
    if options.json:
        print_json({"overall": verdict, "done": done, "steps": [outcome.as_dict() for outcome in outcomes]})
        return
    for line in done:
        say(line)
    for outcome in outcomes:
        _line(options, outcome)


def _line(options: argparse.Namespace, outcome: Outcome) -> None:
    name, to = outcome.name, outcome.to
    missing = "; ".join(outcome.missing)
    listed = (options.check or to == "shadow") and outcome.left_out is None
    if outcome.left_out is not None:
        say(f"{name}: left out, {outcome.left_out}")
    elif outcome.glass is not None:
        say(f"{name}: GLASS BROKEN ({outcome.glass}): {to} without a PASS, {outcome.verdict}: {missing}")
    elif outcome.verdict != "PASS":
        way = ""
        if any(need.what == "gate" and need.verdict != "PASS" for need in outcome.needs):
            way = '; run it in shadow first, or --break-glass "REASON"'
            if outcome.now in ("canary", "rust") and outcome.now == to:
                steps = f"exuvia rollback {name}, then exuvia promote {name} --to shadow, run it, then --to {to}"
                way = f"; it stands in {to} already: to compare it first, {steps}"
        if listed:
            missing = ", ".join(dict.fromkeys(need.what for need in outcome.needs if need.verdict != "PASS"))
        print(f"{name}: refused, {outcome.verdict}: {missing}{way}", file=sys.stderr, flush=True)
    if outcome.promoted:
        already = "it stood there already, and the promotion is on record anew; " if outcome.now == to else ""
        say(f"{name}: {to}; {already}{outcome.follows}")
    for need in outcome.needs if listed else ():
        say(f"  {need.what:10} {need.verdict:12} {need.why}")
    for command in outcome.do if outcome.glass is None else ():
        say(f"{'  ' if command.startswith('or ') else 'next: '}{like_this(options, command)}")
    if outcome.promoted and to == "shadow" and outcome.now == "legacy":
        say(f"next: {like_this(options, 'exuvia run -m PROGRAM, then exuvia status')}")
