"""The command line: `exuvia run | status | report | rollback | promote | venue`.

Exit codes: 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exuvia.migrate.config import Config
    from exuvia.venues import SaxoVenue

__all__ = ["main"]

ERROR = 2
DESCRIPTION = """Move the hot paths of a Python trading system to Rust, module by module, while it trades.

  exuvia run -m bot --url …      run a program with the units of exuvia.toml in their modes
  exuvia status                  what was compared, what differs, and the verdict
  exuvia report -o report.html   the same as one file for a browser
  exuvia rollback                every unit back to legacy, in every process, within a second"""


def parser() -> argparse.ArgumentParser:
    """Build the parser."""
    top = argparse.ArgumentParser(
        prog="exuvia", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="store_true", help="print the version and which binary this is")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--config",
        metavar="FILE",
        help="exuvia.toml (else EXUVIA_CONFIG, beside pyproject.toml, this folder)",
    )
    shared.add_argument("--evidence", metavar="DIR", help="evidence folder, instead of the configuration's")

    run = commands.add_parser(
        "run",
        parents=[shared],
        help="run a module or script with exuvia installed",
        usage="exuvia run [--config FILE] [--evidence DIR] (-m MODULE | SCRIPT) [ARGUMENT …]",
        description="Installs the units of exuvia.toml, then runs the program as `python -m MODULE` or "
        "`python SCRIPT` would. Everything after the module or script belongs to it.",
    )
    # The program's own arguments never pass through argparse: see _split_run.
    run.add_argument("-m", dest="module", metavar="MODULE", help="module to run; what follows are its arguments")
    run.add_argument("script", nargs="?", metavar="SCRIPT", help="script to run; what follows are its arguments")

    status = commands.add_parser(
        "status",
        parents=[shared],
        help="what was compared and the verdict of each unit",
        description="Reads the evidence of all processes. Exit code 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 error.",
    )
    status.add_argument("units", nargs="*", metavar="UNIT", help="only these units")
    status.add_argument("--json", action="store_true", help="print JSON")

    report = commands.add_parser(
        "report",
        parents=[shared],
        help="write one HTML file that needs no network",
        description="Writes status, times of both sides, differences by path and plots into one HTML file. "
        "Exit codes as for status.",
    )
    report.add_argument("-o", "--output", metavar="FILE", default="exuvia-report.html", help="default: %(default)s")
    report.add_argument("--title", default="Migration report", help="default: %(default)s")
    report.add_argument("--run", metavar="FILE", help="JSON with figures of whole runs, legacy and rust")
    report.add_argument("--json", action="store_true", help="also print the status as JSON")

    rollback = commands.add_parser(
        "rollback",
        parents=[shared],
        help="units back to legacy, in every process",
        description="Writes the mode journal beside the evidence; running processes follow within a second, "
        "and it survives a restart. Nobody's approval is needed.",
    )
    rollback.add_argument("units", nargs="*", metavar="UNIT", help="units; all of them if none is named")
    rollback.add_argument("--reason", default="rollback by hand", help="kept in the journal")

    promote = commands.add_parser(
        "promote",
        parents=[shared],
        help="raise what the mode journal allows a unit",
        description="Raises the journal's mode of a unit, up to its ceiling in the configuration. "
        "To rust only in a rehearsal, and only with a PASS of the code as it is now: exit code 1 for a unit "
        "that fails, 3 for one of which too little is known.",
    )
    promote.add_argument("units", nargs="*", metavar="UNIT", help="units; each is judged by itself")
    promote.add_argument("--all", action="store_true", help="all units whose mode in the file allows it")
    promote.add_argument(
        "--break-glass", metavar="REASON", help="to rust without a PASS; the reason is kept in the journal"
    )
    promote.add_argument("--to", required=True, choices=("shadow", "rust"), dest="mode")
    promote.add_argument("--reason", default="promoted by hand", help="kept in the journal")

    venue = commands.add_parser(
        "venue", help="serve a simulated broker on 127.0.0.1", description="Serves a simulated broker."
    )
    brokers = venue.add_subparsers(dest="broker", metavar="BROKER", required=True)
    saxo = brokers.add_parser(
        "saxo",
        help="REST and WebSocket as Saxo OpenAPI has them, in lock-step",
        description="Serves until Ctrl-C and prints the URL. The clock moves only when the client asks.",
    )
    saxo.add_argument("--port", type=_port, default=0, help="0 takes a free one (default)")
    saxo.add_argument("--source", default="sim:7", help="sim:SEED or lean:ZIP[,ZIP…] (default: %(default)s)")
    return top


def _port(text: str) -> int:
    """Read a port number."""
    if not (text.isdecimal() and text.isascii() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 0 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Instead of the process's own.

    Returns:
        The exit code.
    """
    from exuvia.errors import ExuviaError  # noqa: PLC0415 - so that --help answers at once

    given = list(sys.argv[1:] if arguments is None else arguments)
    top = parser()
    given, rest = _split_run(given)
    options = top.parse_args(given)
    options.arguments = rest
    if options.version:
        return _version()
    if options.command is None:
        top.print_help()
        return ERROR
    try:
        code: int = {
            "run": _run,
            "status": _status,
            "report": _report,
            "rollback": _rollback,
            "promote": _promote,
            "venue": _venue,
        }[options.command](options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has gone, as `| head` does; what the interpreter flushes at its end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ExuviaError, OSError) as error:
        print(f"exuvia {options.command}: {error}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        return 130


def _split_run(given: list[str]) -> tuple[list[str], list[str]]:
    """Cut `run -m bot --url x` after the program: what follows is the program's, options and all."""
    if not given or given[0] != "run":
        return given, []
    at = 1
    while at < len(given):
        word = given[at]
        if word == "-m":
            return given[: at + 2], given[at + 2 :]
        if not word.startswith("-"):
            return given[: at + 1], given[at + 1 :]
        at += 2 if word in ("--config", "--evidence") else 1
    return given, []


def _version() -> int:
    from exuvia.build import build_info  # noqa: PLC0415

    info = build_info()
    built = f"{info['commit']}, {info['profile']}, {info['abi']}, sha256 {info['sha256'][:16]}"
    print(f"exuvia {info['version']} ({built})")
    return 0


def _run(options: argparse.Namespace) -> int:
    from exuvia.migrate import running  # noqa: PLC0415

    program = options.module or options.script
    if not program:
        print("exuvia run: name a module (-m MODULE) or a script", file=sys.stderr)
        return ERROR
    return running.run(options.config, options.evidence, program, options.arguments, is_module=bool(options.module))


def _status(options: argparse.Namespace) -> int:
    from exuvia.migrate import reading, steps  # noqa: PLC0415
    from exuvia.migrate.gate import EXIT, overall  # noqa: PLC0415

    config = _config(options)
    states = reading.statuses(config, reading.read_folder(config.evidence))
    if options.units:
        unknown = [unit for unit in options.units if unit not in config.units]
        if unknown:
            raise steps.unknown(unknown[0], config)
        states = [state for state in states if state.unit in options.units]
    verdict = overall(states)
    if options.json:
        print(
            json.dumps(
                {"overall": verdict, "rehearsal": config.rehearsal, "units": [s.as_dict() for s in states]},
                indent=2,
            )
        )
    else:
        from exuvia.migrate import table  # noqa: PLC0415

        table.render(states, rehearsal=config.rehearsal)
        if not config.units:
            print(f"no units declared in {config.path}")
    return EXIT[verdict]


def _report(options: argparse.Namespace) -> int:
    from exuvia.migrate import reading  # noqa: PLC0415
    from exuvia.migrate import report as writer  # noqa: PLC0415
    from exuvia.migrate.gate import EXIT, overall  # noqa: PLC0415

    config = _config(options)
    segments = reading.read_folder(config.evidence)
    states = reading.statuses(config, segments)
    runs = writer.read_runs(Path(options.run)) if options.run else None
    page = writer.page(options.title, config, states, segments, runs)
    target = Path(options.output)
    target.write_text(page, encoding="utf-8")
    if options.json:
        print(
            json.dumps(
                {"overall": overall(states), "output": str(target), "units": [s.as_dict() for s in states]},
                indent=2,
            )
        )
    else:
        print(f"{overall(states)}: {target}")
    return EXIT[overall(states)]


def _rollback(options: argparse.Namespace) -> int:
    from exuvia.migrate import steps  # noqa: PLC0415

    for line in steps.rollback(options.config, options.evidence, options.units, options.reason):
        print(line)
    return 0


def _promote(options: argparse.Namespace) -> int:
    from exuvia.migrate import steps  # noqa: PLC0415

    return steps.promote(
        _config(options), options.units, options.mode, options.reason, glass=options.break_glass, every=options.all
    )


def _venue(options: argparse.Namespace) -> int:
    from exuvia.venues import serve_saxo  # noqa: PLC0415

    def ready(venue: SaxoVenue) -> None:
        print(venue.url, flush=True)

    serve_saxo(options.source, port=options.port, ready=ready)
    return 0


def _config(options: argparse.Namespace) -> Config:
    from dataclasses import replace  # noqa: PLC0415

    from exuvia.migrate import config  # noqa: PLC0415

    loaded = config.load(options.config)
    return replace(loaded, evidence=Path(options.evidence).absolute()) if options.evidence else loaded


if __name__ == "__main__":
    sys.exit(main())
