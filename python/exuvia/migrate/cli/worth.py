"""`exuvia worth`: where the time goes, and which units are worth a move."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import ERROR, Shown, like_this, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from exuvia.migrate.config import Config
    from exuvia.migrate.worth.judge import UnitWorth

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia worth -m bot --days 1                 run the bot under the sampler
  exuvia worth --unit bot.bars:mean -m bot     judge one unit, counting its calls
  exuvia worth --profile spy.raw               a profile of py-spy (raw, speedscope) or cProfile

Exit code: 0 if a unit is worth it, 1 if none is, 3 if nothing was measured, 2 for errors; a program that fails
is an error. With --record 0 says that a verdict was put on record, whatever it is: promote reads it."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    worth = commands.add_parser(
        "worth",
        parents=[shared],
        help="where the time goes, and which units are worth a move",
        usage="exuvia worth [OPTION …] (-m MODULE | SCRIPT | --profile FILE) [ARGUMENT …]",
        description="Splits the time of each unit into compute, wait and sleep, and predicts by Amdahl's law what a "
        "move to Rust removes from beginning to end, with the speed of the candidate as it was measured.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    worth.add_argument("--profile", metavar="FILE", help="a profile of py-spy or cProfile, instead of a run")
    worth.add_argument("--unit", metavar="UNIT", action="append", default=[], help="judge this unit; may be repeated")
    worth.add_argument(
        "--candidate", metavar="UNIT=CANDIDATE", action="append", default=[], help="time this on calls of the unit"
    )
    worth.add_argument("--root", metavar="DIR", default=".", help="the project, for who imports what (default: here)")
    worth.add_argument("--every", metavar="MS", type=float, default=4.0, help="time between samples (default: 4 ms)")
    worth.add_argument("--top", metavar="N", type=int, default=12, help="how many hot functions (default: 12)")
    worth.add_argument("--json", action="store_true", help="print JSON")
    worth.add_argument(
        "--record", action="store_true", help="write the verdicts of declared units into the mode journal, for promote"
    )
    worth.add_argument("-o", "--output", metavar="FILE", help="write the report there instead of printing it")
    # The program's own arguments never pass through argparse: see _split_run.
    worth.add_argument("-m", dest="module", metavar="MODULE", help="module to run; what follows are its arguments")
    worth.add_argument("script", nargs="?", metavar="SCRIPT", help="script to run; what follows are its arguments")
    worth.set_defaults(handler=_worth)


def _worth(options: argparse.Namespace) -> int:
    from exuvia.migrate.worth import asking, face

    program = options.module or options.script
    if bool(program) == bool(options.profile):
        print("exuvia worth: name a program (-m MODULE or a script) or a --profile FILE, one of them", file=sys.stderr)
        return ERROR
    if options.every <= 0 or not Path(options.root).is_dir():
        print("exuvia worth: --every is a time above zero in ms, --root an existing folder", file=sys.stderr)
        return ERROR
    config, root = _config(options), Path(options.root).resolve()
    if options.profile:
        answer = asking.from_profile(Path(options.profile), root, options.unit, config, options.top)
    else:
        answer = asking.watched(
            program,
            options.arguments,
            root,
            is_module=bool(options.module),
            units=options.unit,
            candidates=dict(asking.candidate_of(text) for text in options.candidate),
            config=config,
            every_s=options.every / 1000.0,
            most=options.top,
        )
    text = (
        json.dumps(answer.as_dict(), indent=2) if options.json else "\n".join(face.lines(answer.units, answer.profile))
    )
    if options.output:
        Path(options.output).write_text(f"{text}\n", encoding="utf-8")
    else:
        say(text)
    if answer.code:
        print(f"exuvia worth: the program ended with {answer.code}: its times prove nothing", file=sys.stderr)
        return ERROR
    if not answer.units:
        return 3
    recorded = options.record and _record(config, answer.units)
    if config is not None and not options.json:
        _next(options, config, answer.units)
    return 0 if recorded or any(unit.verdict == "migrate" for unit in answer.units) else 1


def _record(config: Config | None, judged: Sequence[UnitWorth]) -> bool:
    """Write the verdicts of declared units where the steps look for them; say whether there was one."""
    from exuvia.errors import MigrateError
    from exuvia.migrate import modes

    if config is None:
        raise MigrateError("--record needs a configuration that declares the units: pass --config FILE")
    declared = [unit for unit in judged if unit.unit in config.units]
    for unit in declared:
        figures = {"cpu_share": unit.cpu_share, "gain": unit.gain, "importers": len(unit.importers)}
        modes.record_worth(config, unit.unit, unit.verdict, why=unit.why, **figures)
    return bool(declared)


def _next(options: argparse.Namespace, config: Config, judged: Sequence[UnitWorth]) -> None:
    """Say what to run next for the units that the configuration declares."""
    declared = [unit for unit in judged if unit.unit in config.units]
    if declared and not options.record:
        say("next: the same with --record puts the verdicts on declared units on record, where exuvia promote looks")
    for unit in declared if options.record else ():
        group = config.group_of(unit.unit).name
        way = like_this(options, f"exuvia promote {group} --to shadow")
        good = unit.verdict == "migrate"
        when = "next, once its candidate is there" if good else "to move it all the same"
        more = "" if good else ' --override "REASON"'
        say(f"on record: {unit.unit}: {unit.verdict}; {when}: {way}{more}")


def _config(options: argparse.Namespace) -> Config | None:
    """The configuration, if there is one: a first look needs none."""
    from exuvia.errors import ConfigError
    from exuvia.migrate import config
    from exuvia.migrate.cli.shared import config_of

    try:
        config.find(options.config)
    except ConfigError:
        if options.config:
            raise
        return None
    return config_of(options)
