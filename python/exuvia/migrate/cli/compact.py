"""`exuvia compact`: evidence of closed segments to Parquet, by day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of, print_json, say

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.evidence.compact import Compacted

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia compact
  exuvia compact --day 2026-11-20"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    compact = commands.add_parser(
        "compact",
        parents=[shared],
        help="write the evidence of closed segments to Parquet, by day",
        description="Makes Parquet files of the evidence, by day, for whatever reads tables. It writes differences, "
        "recorded calls, counters and sessions of sealed segments, and of those whose process is gone, to "
        "date=YYYY-MM-DD/*.parquet below the evidence folder. The segments stay until the quota needs their room. "
        "Doing it again changes nothing.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    compact.add_argument("--day", metavar="D", help="only this day, YYYY-MM-DD, UTC")
    compact.add_argument("--json", action="store_true", help="print JSON")
    compact.set_defaults(handler=_compact)


def _compact(options: argparse.Namespace) -> int:
    from exuvia.migrate.evidence import compact, reading

    config = config_of(options, reads=True)
    days = compact.compact(config.evidence, options.day) if config.evidence.is_dir() else []
    head = reading.head(config.evidence)
    if options.json:
        print_json({"evidence": str(config.evidence), "head": head, "days": [day.as_dict() for day in days]})
        return 0
    for day in days:
        _say_day(day)
    if not days:
        say(f"no segments in {config.evidence}")
    say(f"head {head}")
    return 0


def _say_day(day: Compacted) -> None:
    rows = ", ".join(f"{count:,} {table}" for table, count in day.rows.items()) or "nothing new"
    say(f"{day.day}: {len(day.segments)} segments, {rows}")
    for name, why in day.left.items():
        say(f"  left: {name}: {why}")
