"""`exuvia doctor`: what would go wrong later, looked at now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import Shown, print_json, say

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]

EXAMPLE = """examples:
  exuvia doctor
  exuvia doctor --preflight --backups /var/backups/bot

Exit code 0 if nothing fails (there may be warnings), 1 if something does."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Declare the command.

    Args:
        commands: Where it is declared.
        shared: The options of every command.
    """
    doctor = commands.add_parser(
        "doctor",
        parents=[shared],
        help="look for what would go wrong later",
        description="Looks at configuration, extension, path, Python, permissions, disk, journal and evidence, and "
        "says of each what to do. It changes nothing.",
        epilog=EXAMPLE,
        formatter_class=Shown,
    )
    doctor.add_argument("--preflight", action="store_true", help="before a session: back-ups, clock, other writers too")
    doctor.add_argument("--backups", metavar="DIR", help="where the back-ups lie, for the preflight")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(handler=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    from exuvia.migrate.workbench import health

    checks = health.examine(options.config, options.evidence, preflight=options.preflight, backups=options.backups)
    failed = any(check.state == "fail" for check in checks)
    if options.json:
        print_json({"overall": "FAIL" if failed else "PASS", "checks": [check.as_dict() for check in checks]})
        return 1 if failed else 0
    width = max(len(check.name) for check in checks)
    for check in checks:
        say(f"{check.state:<4}  {check.name:<{width}}  {check.found}")
        if check.do:
            say(f"{'':<4}  {'':<{width}}  → {check.do}")
    return 1 if failed else 0
