"""`exuvia report`: one HTML file that needs no network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, config_of

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """example:
  exuvia report -o report.html --title "Bars, week 47"

Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors: of units and groups together, as the page says."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    report = commands.add_parser(
        "report",
        parents=[shared],
        help="write one HTML file that needs no network",
        description="Writes one HTML file for those who decide: status, times of both sides, differences by path, "
        "plots. It needs no network.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    report.add_argument("-o", "--output", metavar="FILE", default="exuvia-report.html", help="default: %(default)s")
    report.add_argument("--title", default="Migration report", help="default: %(default)s")
    report.add_argument("--run", metavar="FILE", help="JSON with figures of whole runs, legacy and rust")
    report.add_argument("--json", action="store_true", help="also print the status as JSON")
    report.set_defaults(handler=_report)


def _report(options: argparse.Namespace) -> int:
    from exuvia.migrate.evidence import reading
    from exuvia.migrate.face import report as writer
    from exuvia.migrate.face import whole
    from exuvia.migrate.gates.verdict import EXIT

    config = config_of(options, reads=True)
    segments = reading.read_folder(config.evidence)
    states = reading.statuses(config, segments)
    runs = whole.read_runs(Path(options.run)) if options.run else None
    page, verdict, why = writer.page(options.title, config, states, segments, runs)
    target = Path(options.output)
    target.write_text(page, encoding="utf-8")
    if options.json:
        print(
            json.dumps(
                {"overall": verdict, "reason": why, "output": str(target), "units": [s.as_dict() for s in states]},
                indent=2,
            )
        )
    else:
        print(f"wrote {target} — overall {verdict}: {why}")
    return EXIT[verdict]
