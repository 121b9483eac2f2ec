"""What commands share: exit code for errors, the configuration with its evidence folder, JSON output."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exuvia.migrate.config import Config

__all__ = ["ERROR", "Shown", "at_least_one", "config_of", "like_this", "print_json", "progress", "said_why", "say"]

ERROR = 2


class Shown(argparse.HelpFormatter):
    """How the help of a command is written: what it is for fills the lines, examples stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n  " not in text:
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))


def config_of(options: argparse.Namespace, *, rules: bool = True, reads: bool = False) -> Config:
    """Load the configuration that the options name, with `--evidence` in force.

    Args:
        options: What was parsed; it has `config` and `evidence`.
        rules: Whether the comparator reads the rules.
        reads: Whether evidence is only read: a folder that was named and is not there was then mistyped.

    Raises:
        ConfigError: As `load` does; for such a folder.
    """
    from dataclasses import replace

    from exuvia.errors import ConfigError
    from exuvia.migrate import config

    loaded = config.load(options.config, rules=rules)
    if reads and options.evidence and not Path(options.evidence).is_dir():
        named = Path(options.evidence).absolute()
        raise ConfigError(
            f"there is no evidence folder {named}: nothing has run by it; the configuration says {loaded.evidence}"
        )
    return replace(loaded, evidence=Path(options.evidence).absolute()) if options.evidence else loaded


def at_least_one(text: str) -> int:
    """Read a count: less than one shows nothing and says nothing.

    Args:
        text: As it was written.

    Raises:
        argparse.ArgumentTypeError: For anything but a whole number from 1 on.
    """
    if not (text.isdecimal() and text.isascii() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no count: a whole number from 1 on")
    return int(text)


def said_why(text: str) -> str:
    """Read a reason, which stands in the journal for good: an empty one is none.

    Args:
        text: As it was written.

    Raises:
        argparse.ArgumentTypeError: For an empty one.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: say why, it is kept in the journal")
    return text


def like_this(options: argparse.Namespace, commands: str) -> str:
    """Give commands that are proposed the configuration and evidence of this one.

    >>> from argparse import Namespace
    >>> like_this(Namespace(config="a.toml", evidence=None), "exuvia run -m bot, then exuvia status")
    'exuvia run --config a.toml -m bot, then exuvia status --config a.toml'

    Args:
        options: What was parsed.
        commands: A sentence with commands of exuvia.
    """
    given = [f" --{name} {shlex.quote(said)}" for name in ("config", "evidence") if (said := getattr(options, name))]
    return re.sub(r"(exuvia [a-z-]+)", lambda found: found[1] + "".join(given), commands)


def print_json(value: Any) -> None:
    """Print a value as JSON.

    Args:
        value: Plain values; anything else is printed as its text.
    """
    say(json.dumps(value, indent=2, default=str))


def say(text: str) -> None:
    """Print a line to standard output.

    Args:
        text: The line.
    """
    sys.stdout.write(f"{text}\n")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Show what is being done, in one line of standard error, if somebody watches.

    Yields:
        What takes the line's text.
    """
    if not sys.stderr.isatty():
        yield lambda _text: None
        return

    def told(text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text[:99]}")
        sys.stderr.flush()

    try:
        yield told
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
