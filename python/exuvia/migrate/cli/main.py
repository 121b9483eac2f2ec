"""The command line: `exuvia run | status | report | approve | promote | rollback | drill | venue | …`.

Exit codes: 0 PASS, 1 FAIL, 3 INCONCLUSIVE, 2 for errors. Each command is a file beside this one with
`add(commands, shared)`, which declares it and sets `handler`, the function that runs it.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

from exuvia.migrate.cli.shared import ERROR, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "LATER", "main", "parser"]

DESCRIPTION = """Move the hot paths of a Python trading system to Rust, module by module, while it trades.

  exuvia run -m bot --url …      run a program with the units of exuvia.toml in their modes
  exuvia status                  what was compared, what differs, and the verdict
  exuvia report -o report.html   the same as one file for a browser
  exuvia rollback                every unit back to legacy, in every process, within a second
  exuvia help COMMAND            what a command is for, with an example"""

COMMANDS = (
    "init",
    "run",
    "status",
    "worth",
    "bench",
    "scaffold",
    "aa",
    "gate",
    "diff",
    "repro",
    "replay",
    "compact",
    "approve",
    "promote",
    "rollback",
    "drill",
    "eject",
    "report",
    "doctor",
    "venue",
    "iv-rank",
    "lake",
    "parity",
    "token",
)
"""In the order in which help lists them; each is the file `exuvia/migrate/cli/<name>.py`."""

LATER = {
    "prove-deletable": "a later one writes the deletion certificate that rust → retired needs; until then leave the "
    "unit in rust, and search by hand for who still imports it",
}
"""Commands that are announced and not here, and what to do meanwhile."""

VALUED = {
    "run": ("--config", "--evidence"),
    "worth": (
        "--config", "--evidence", "--profile", "--unit", "--candidate", "--root", "--every", "--top", "-o", "--output",
    ),
}  # fmt: skip
"""Commands that end in a program with its own arguments, and which of their options take a value."""


def parser() -> argparse.ArgumentParser:
    """Build the parser."""
    top = argparse.ArgumentParser(
        prog="exuvia",
        description=DESCRIPTION,
        epilog=f"not in this version, and coming: {', '.join(LATER)}",
        formatter_class=Shown,
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
    for name in COMMANDS:
        importlib.import_module(f"exuvia.migrate.cli.{name.replace('-', '_')}").add(commands, shared)
    return top


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - a line for each way to end
    """Run the command line.

    Args:
        arguments: Instead of the process's own.

    Returns:
        The exit code.
    """
    from exuvia.errors import ExuviaError

    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] == "help":
        # What follows a command that is asked about is no program of it.
        given = [*(word for word in given[1:] if not word.startswith("-")), "--help"]
    if given and given[0] in LATER:
        print(f"exuvia {given[0]}: not in this version: {LATER[given[0]]}", file=sys.stderr)
        return ERROR
    if given and not given[0].startswith("-") and given[0] not in COMMANDS:
        near = difflib.get_close_matches(given[0], COMMANDS, n=1)
        hint = f"did you mean exuvia {near[0]}?" if near else f"one of {', '.join(COMMANDS)}"
        print(f"exuvia: unknown command {given[0]!r}: {hint}", file=sys.stderr)
        return ERROR
    top = parser()
    given, rest = _split_run(given)
    options = top.parse_args(given)
    options.arguments = rest
    if options.command is None and not options.version:
        top.print_help()
        return ERROR
    try:
        code: int = _version() if options.version else options.handler(options)
        # What a program prints, and whether it has somewhere to, is its own and the interpreter's.
        if options.command != "run" and sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has gone, as `| head` does; what the interpreter flushes at its end must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ExuviaError, OSError) as error:
        print(f"exuvia {options.command}: {error}", file=sys.stderr)
        return ERROR
    except ImportError:
        _say_what_is_broken(options.command or "--version")
        return ERROR
    except KeyboardInterrupt:
        return 130
    except Exception:
        if options.command == "run":
            raise
        # 1 would be a verdict.
        traceback.print_exc()
        print(f"exuvia {options.command}: a defect of exuvia, or of what it reads: no verdict", file=sys.stderr)
        return ERROR


def _say_what_is_broken(command: str) -> None:
    """Say that the extension does not load, if that is why an import failed; else the import's own error goes on."""
    from exuvia.migrate import extension

    cause = extension.trouble()
    if cause is None:
        raise  # noqa: PLE0704 - called where the error is being handled
    print(f"exuvia {command}: {cause}: {extension.REPAIR}", file=sys.stderr)


def _version() -> int:
    from exuvia.build import build_info

    info = build_info()
    built = f"{info['commit']}, {info['profile']}, {info['abi']}, sha256 {info['sha256'][:16]}"
    print(f"exuvia {info['version']} ({built})")
    return 0


def _split_run(given: list[str]) -> tuple[list[str], list[str]]:
    """Cut `run -m bot --url x` after the program: what follows is the program's, options and all."""
    if not given or given[0] not in VALUED:
        return given, []
    at = 1
    while at < len(given):
        word = given[at]
        if word == "-m":
            return given[: at + 2], given[at + 2 :]
        if not word.startswith("-"):
            return given[: at + 1], given[at + 1 :]
        at += 2 if word in VALUED[given[0]] else 1
    return given, []


if __name__ == "__main__":
    sys.exit(main())
