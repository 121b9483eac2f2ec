"""Generators outside of the program: asked again as they were recorded, step by step, and compared as the shadow does.

A recorded call of a generator has three parts: the items that it gave, what it raised, and the steps, `(did, given)`,
by which its caller asked for them: `next`, `send`, `throw`, `close`, and `cut` where more steps followed than are kept.

>>> def count(n):
...     for i in range(n): yield i
>>> played = drive(count, (2,), {}, [("next", None)] * 3)
>>> played.items, played.end
([0, 1], (None, None))
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import detached_copy
from exuvia.migrate.shadow.replay import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia._exuvia import Comparator, Verdict
    from exuvia.migrate.shadow.containment import Outcome

__all__ = ["CUT", "LONGEST", "Played", "compare", "drive", "is_cut", "recorded"]

LONGEST = 1_000
"""Steps of a generator that are recorded; one that goes on, perhaps for ever, is recorded so far."""
CUT = "cut"


@dataclass(frozen=True, slots=True)
class Played:
    """What a generator did when it was asked as it was recorded.

    Attributes:
        items: What it gave.
        end: What it returned and raised; `None` if it had not ended by then.
    """

    items: list[Any]
    end: Outcome | None


def recorded(
    events: Sequence[tuple[str, Any, str, Any]], length: int
) -> tuple[list[Any], BaseException | None, list[tuple[str, Any]]]:
    """Return what is recorded of a tape: items, error, steps.

    Args:
        events: Its first steps, with values.
        length: How many steps it has.
    """
    items = [value for _, _, said, value in events if said == "yield"]
    raised = next((value for _, _, said, value in events if said == "raise"), None)
    steps: list[tuple[str, Any]] = [(did, given) for did, given, _, _ in events]
    if length > len(events) or (events and events[-1][2] == "yield"):
        steps.append((CUT, None))
    return items, raised, steps


def is_cut(asked: Sequence[tuple[str, Any]] | None) -> bool:
    """Say whether a generator went on after what is recorded of it.

    Args:
        asked: Its steps; `None` for what is no generator.
    """
    return asked is not None and len(asked) > 0 and asked[-1][0] == CUT


def drive(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], asked: Sequence[tuple[str, Any]]
) -> Played:
    """Make a generator and ask it as it was recorded.

    Args:
        function: Makes it; an async generator or an iterator too.
        args: Positional arguments.
        kwargs: Keyword arguments.
        asked: The steps.
    """
    items: list[Any] = []
    end: Outcome | None = None
    driver: Driver | None = None
    try:
        driver = Driver(function, args, kwargs, [0])
        for did, given in itertools.takewhile(lambda step: step[0] != CUT, asked):
            if did == "close":
                driver.step(did, None)
                end = (None, None)
                break
            # A copy at once: it may go on to change what it gave out.
            items.append(detached_copy(driver.step(did, detached_copy(given)[0] if did == "send" else given))[0])
    except (StopIteration, StopAsyncIteration) as stop:
        end = (getattr(stop, "value", None), None)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and all(given is not error for _, given in asked):
            raise
        end = (None, error.with_traceback(None))
    finally:
        if driver is not None:
            driver.leave()
    return Played(items, end)


def compare(comparator: Comparator, one: Played, two: Played) -> list[Verdict]:
    """Compare what two generators did: their items, and their ends where their lengths do not tell already.

    Args:
        comparator: The unit's.
        one: Legacy's.
        two: The candidate's.
    """
    verdicts = [comparator.compare(one.items, two.items)]
    if len(one.items) == len(two.items) or (one.end or two.end or (None, None))[1] is not None:
        verdicts.append(comparator.compare_outcomes(one.end or (None, None), two.end or (None, None)))
    return verdicts
