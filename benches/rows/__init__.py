"""The registry of rows: a row is a job, a goal, and arms that do the job."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS = int(os.environ.get("EXUVIA_BENCH_THREADS") or 0) or (os.cpu_count() or 1)


@dataclass(frozen=True)
class Job:
    """A job made ready: one arm is called "exuvia"; a result is whatever `check` compares.

    Args:
        arms: Each does the whole job when called.
        check: Raises if the results of the arms are not equal; called before anything is timed.
        limits: Arms that are no peers but a limit of the machine, such as a plain sum.
        per: Divides the times, where an arm does a job that many times.
        timed: Whether an arm returns the seconds that its job took, because what is around the job does not count.
    """

    arms: dict[str, Callable[[], Any]]
    check: Callable[[dict[str, Any]], None]
    limits: list[str] = field(default_factory=list)
    per: int = 1
    timed: bool = False


@dataclass(frozen=True)
class Row:
    """A row of the results; `prepare` makes the job ready, or says why it cannot be done here."""

    goal: str
    prepare: Callable[[], Job | str]
    threaded: bool = True
    notes: tuple[str, ...] = ()


ROWS: dict[str, Row] = {}


def row(
    name: str, *, goal: str, threaded: bool = True, notes: tuple[str, ...] = ()
) -> Callable[[Callable[[], Job | str]], Callable[[], Job | str]]:
    """Registers a function that makes a job ready.

    Args:
        name: What is done, as the heading of the row.
        goal: What is to be reached.
        threaded: Whether a peer uses threads, so that both settings are measured.
        notes: Sentences below the tables.
    """

    def register(prepare: Callable[[], Job | str]) -> Callable[[], Job | str]:
        ROWS[name] = Row(goal, prepare, threaded, notes)
        return prepare

    return register
