"""Whether this process is a worker: then nothing is installed in it."""

from __future__ import annotations

__all__ = ["is_worker", "mark"]

_worker = False


def is_worker() -> bool:
    """Say whether this process runs candidates for another one."""
    return _worker


def mark() -> None:
    """Make this process a worker, for good."""
    global _worker  # noqa: PLW0603 - a fact about the process
    _worker = True
