"""`exuvia init`: the first `exuvia.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, at_least_one, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

SHOWN = 12
EXAMPLE = """examples:
  python -m cProfile -o bot.prof -m bot         measure first: what is hot is seldom what it looks like
  exuvia init --profile bot.prof
  exuvia init                                   without a profile: a guess, by a look at the source"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is declared alike
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    init = commands.add_parser(
        "init",
        help="find hot functions and write the first exuvia.toml",
        description="Finds the functions that compute, by a profile or by a look at the source, and writes a "
        "configuration in which all of them stand in legacy: nothing changes until exuvia promote raises one.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    init.add_argument("--profile", metavar="FILE", help="a profile of py-spy (raw, speedscope) or cProfile")
    init.add_argument("--root", metavar="DIR", default=".", help="the project (default: here)")
    init.add_argument("--top", metavar="N", type=at_least_one, default=8, help="how many units (default: 8)")
    init.add_argument(
        "--force", action="store_true", help="replace an exuvia.toml that is there, which is kept as exuvia.toml.bak"
    )
    init.add_argument("--json", action="store_true", help="print JSON")
    init.set_defaults(handler=_init)


def _init(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError
    from exuvia.migrate import config
    from exuvia.migrate.workbench import starting

    root = Path(options.root).resolve()
    if not root.is_dir():
        raise MigrateError(f"--root {options.root}: there is no such folder")
    target = root / config.NAME
    if target.exists() and not options.force:
        backup = f"{target.name}.bak"
        raise MigrateError(f"{target} is there already, and stays: --force writes another and keeps this as {backup}")
    start = starting.begin(root, Path(options.profile) if options.profile else None, options.top)
    kept = _put(target, start.text)
    config.load(target)
    if options.json:
        print_json(
            {
                "file": str(target),
                "backup": str(kept) if kept else None,
                "by": start.by,
                "units": [unit._asdict() for unit in start.units],
                "left_out": [one._asdict() for one in start.left_out],
                "missing": start.missing,
            }
        )
        return 0
    counted = f"{len(start.units)} unit{'' if len(start.units) == 1 else 's'}"
    say(f"{target}: {counted}, all in legacy, by {start.by}")
    if not options.profile:
        say("  a profile knows more: python -m cProfile -o bot.prof -m PROGRAM, then exuvia init --profile bot.prof")
    if kept is not None:
        say(f"  the file that was there is {kept} now")
    for unit in start.units:
        say(f"  {unit.unit}: {unit.why}")
    _lines("missing", start.missing)
    _lines("left out", [f"{one.unit}: {one.against}" for one in start.left_out[:SHOWN]])
    if len(start.left_out) > SHOWN:
        say(f"  left out: {len(start.left_out) - SHOWN} more, which --json lists")
    if start.units:
        first = start.units[0].unit
        say("next, for one unit after the other:")
        say(f"  exuvia worth --record --unit {first} -m PROGRAM    is it worth a move?")
        say(f"  exuvia scaffold {first}    writes the shim; make it call the candidate")
        say(f"  exuvia promote {first} --to shadow    says what is missing, or puts it into shadow")
        say("  exuvia run -m PROGRAM, then exuvia status    compares, and says what differs")
        if len(start.units) > 1:
            say("of a unit without a shim exuvia run says that it stays in legacy: comment the others out meanwhile")
    else:
        say("next: exuvia worth -m PROGRAM shows where its time goes; then name units in the file")
        if start.example is not None:
            say(f"as this one, which can be a unit:\n{starting.table(start.example)}")
    return 0


def _lines(what: str, texts: list[str]) -> None:
    for text in texts:
        say(f"  {what}: {text}")


def _put(target: Path, text: str) -> Path | None:
    """Write the file; return where the one that was there is now. If it cannot be written, that one comes back."""
    from exuvia.migrate.workbench.putting import put

    kept = _kept(target)
    try:
        put(target, text)
    except BaseException:
        if kept is not None:
            kept.replace(target)
        raise
    target.chmod(0o644)
    return kept


def _kept(target: Path) -> Path | None:
    """Put the file that is there aside, under a name that no other back-up has."""
    if not target.exists():
        return None
    number, kept = 1, target.with_name(f"{target.name}.bak")
    while kept.exists():
        number += 1
        kept = target.with_name(f"{target.name}.bak.{number}")
    return target.replace(kept)
