"""What commands share: exit code for errors, the configuration with its evidence folder, JSON output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

    from exuvia.migrate.config import Config

__all__ = ["ERROR", "config_of", "print_json", "say"]

ERROR = 2


def config_of(options: argparse.Namespace) -> Config:
    """Load the configuration that the options name, with `--evidence` in force.

    Args:
        options: What was parsed; it has `config` and `evidence`.

    Raises:
        ConfigError: As `load` does.
    """
    from dataclasses import replace  # noqa: PLC0415 - so that --help answers at once

    from exuvia.migrate import config  # noqa: PLC0415

    loaded = config.load(options.config)
    return replace(loaded, evidence=Path(options.evidence).absolute()) if options.evidence else loaded


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
