"""Where a candidate runs: whether this process is a worker, and what the caller's thread does not contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exuvia.migrate.config import UnitConfig

__all__ = ["is_worker", "mark", "uncontained"]

_worker = False


def is_worker() -> bool:
    """Say whether this process runs candidates for another one."""
    return _worker


def mark() -> None:
    """Make this process a worker, for good."""
    global _worker  # noqa: PLW0603 - a fact about the process
    _worker = True


def uncontained(unit: UnitConfig) -> list[str]:
    """Return what status says of a unit whose candidate runs in the caller's thread.

    Args:
        unit: The unit.
    """
    if unit.isolation == "process":
        return []
    return [
        "isolation = thread: a hang, an abort, a stack overflow or exhausted memory is not contained, nor what the "
        "candidate does to files, connections, warnings and the settings of modules; comparing ends where another "
        "thread draws random numbers meanwhile",
        "isolation = thread: random numbers that a signal's handler draws while the candidate runs, and what it then "
        "changes in the environment, the working directory or the interpreter's limits, are undone with its own",
    ]
