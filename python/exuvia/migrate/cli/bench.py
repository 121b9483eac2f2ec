"""`exuvia bench`: a whole workflow before and after, with an interval and a verdict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, print_json, progress, say

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.worth.bench import Bench

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia bench --before "python -m bot" --after "python -m exuvia run -m bot" --change 2
  exuvia bench --before py:bot.bars:whole_day --after py:fast:whole_day --faster 20
  exuvia bench --before "python old.py" --after "python new.py" --artefact "out/*.parquet"

Exit code 0 PASS, 1 FAIL (an arm that fails too), 3 INCONCLUSIVE, 2 for errors."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:  # noqa: ARG001 - every command is declared alike
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    bench = commands.add_parser(
        "bench",
        help="time a whole workflow before and after, with a verdict",
        description="Runs both arms in turns, at least 10 times each, and judges the 95 % interval of the ratio of "
        "their times. An arm that raises, ends with another code than 0 or returns nothing fails the run. What an arm "
        "writes as evidence under exuvia goes to a folder of that run and is removed with it: no gate counts it.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    bench.add_argument("--before", metavar="COMMAND", required=True, help="a command, or py:module:function")
    bench.add_argument("--after", metavar="COMMAND", required=True, help="the same for the other side")
    bench.add_argument("--runs", metavar="N", type=int, default=10, help="runs of each arm (default: 10, the least)")
    bench.add_argument("--warm-up", metavar="N", type=int, default=1, help="runs that do not count (default: 1)")
    bound = bench.add_mutually_exclusive_group()
    bound.add_argument("--change", metavar="PERCENT", type=float, help="show less than this change (default: 2)")
    bound.add_argument("--faster", metavar="PERCENT", type=float, help="show at least this much faster")
    bench.add_argument(
        "--artefact", metavar="PATTERN", action="append", default=[], help="files that each run must write"
    )
    bench.add_argument("--same-output", action="store_true", help="fail unless both arms give the same bytes")
    bench.add_argument("--folder", metavar="DIR", default=".", help="where both run (default: here)")
    bench.add_argument("--timeout", metavar="S", type=float, default=600.0, help="for one run (default: 600 s)")
    bench.add_argument("--json", action="store_true", help="print JSON")
    bench.set_defaults(handler=_bench)


def _bench(options: argparse.Namespace) -> int:
    from exuvia.errors import MigrateError
    from exuvia.migrate.gates.verdict import EXIT
    from exuvia.migrate.worth import bench
    from exuvia.migrate.worth.arms import Arm

    folder = Path(options.folder).resolve()
    for name in ("change", "faster"):
        if getattr(options, name) is not None and not 0 < getattr(options, name) < 10_000:
            raise MigrateError(f"--{name} {getattr(options, name):g}: write a share above zero in percent, as 2")
    if not folder.is_dir() or options.timeout <= 0 or options.warm_up < 0:
        raise MigrateError("--folder is an existing folder, --timeout above zero, --warm-up not below zero")
    change = 2.0 if options.change is None else options.change
    bound = bench.Bound(change / 100, None if options.faster is None else options.faster / 100)
    before, after = (Arm.read(name, getattr(options, name), tuple(options.artefact)) for name in ("before", "after"))
    with progress() as told:
        found = bench.compare(before, after, folder, options.runs, bound, options.warm_up, options.timeout, told)
    if options.same_output and found.speedup is not None and not found.same:
        found.verdict, found.reason = "FAIL", "the two arms do not print and write the same bytes"
    if options.json:
        print_json(found.as_dict())
    else:
        _show(found)
    sys.stdout.flush()
    return EXIT[found.verdict]


def _show(found: Bench) -> None:
    say(f"{'arm':<8}{'runs':>6}{'median':>12}{'CPU':>12}{'peak memory':>14}")
    for name, arm in found.as_dict()["arms"].items():
        if arm["median_wall_s"] is not None:
            peak = f"{arm['peak_bytes'] / 1e6:.1f} MB"
            say(f"{name:<8}{arm['runs']:>6}{arm['median_wall_s']:>10.4f} s{arm['median_cpu_s']:>10.4f} s{peak:>14}")
    if found.speedup is not None:
        mean, low, high = found.speedup
        say(f"time before / after: {mean:.3f}, 95 % interval {low:.3f} … {high:.3f}")
        say(f"output: {'the same bytes in every run' if found.same else 'not the same bytes in every run'}")
    say(f"{found.verdict}: {found.reason}")
