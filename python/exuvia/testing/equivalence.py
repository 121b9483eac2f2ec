"""`assert_equivalent`: two functions, or two classes, on the same cases; it says how many it compared."""

from __future__ import annotations

import reprlib
import sys
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator, detached_copy
from exuvia.migrate.shadow.compared import compare_call, numbered
from exuvia.migrate.shadow.containment import run_contained
from exuvia.testing.cases import Reader
from exuvia.testing.drawing import Came, called

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exuvia._exuvia import Difference

__all__ = ["assert_equivalent", "difference"]

EXAMPLES = 1_000
LONGEST = 300
"""Characters of the arguments that a message shows: the smallest case is short by itself, a page of it helps nobody."""

_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 8
_SHORT.maxstring = _SHORT.maxother = 80
_KINDS = {
    "plain": "plain",
    "async": "to be awaited",
    "generator": "a generator",
    "async generator": "an async generator",
}


def assert_equivalent(
    legacy: Callable[..., Any],
    candidate: Callable[..., Any],
    cases: Any = None,
    rules: Mapping[str, str] | None = None,
    *,
    examples: int = EXAMPLES,
    floats: tuple[float, float] | None = None,
) -> int:
    """Assert that two sides return, raise and change the same, and print how many cases were compared.

    What an async function is awaited for is compared, and of a generator each item (the first 10,000) and its end.

    Args:
        legacy: A function, or a class: then objects are made and called, method after method.
        candidate: What replaces it.
        cases: Tuples of arguments, or `(arguments, keywords)` pairs, or a Hypothesis strategy of them; else
            cases are made up by Hypothesis from the annotations of `legacy`. `((1, 2), {"x": 3})` is a pair, unless
            annotations say that `legacy` takes a tuple and a dictionary; write `(((1, 2), {"x": 3}), {})` for those.
        rules: Rules by path, as in `exuvia.toml`.
        examples: How many cases are made up.
        floats: Between which bounds floats are made up, as `(0.01, 1e6)`; ±1e12 if not given, neither NaN nor
            infinite. Two ways of adding the same floats differ in the last bits for any bounds: give a rule.

    Returns:
        How many cases were compared. What is printed says in how many of them legacy raised.

    Raises:
        TypeError: If `legacy` cannot be called with a case: then no body would run, and nothing be compared; or if
            its annotations leave open which form of a case is meant.
        AssertionError: With the arguments and both values of the first difference, as small as Hypothesis can
            make them; or if nothing was compared, or changed arguments could not be.
        ConfigError: If Hypothesis is needed and missing, or an argument has no annotation to make it up from.
    """
    comparator = Comparator(dict(rules or {}))
    names = f"{_name(legacy)} and {_name(candidate)}"
    made_up = cases is None or hasattr(cases, "example")
    raised: list[str] = []
    if made_up:
        compared = _explore(legacy, candidate, comparator, cases, examples, floats, raised)
    else:
        compared = 0
        reader = Reader(legacy)
        for number, case in enumerate(cases, 1):
            args, kwargs = reader.read(case, number)
            message = difference(comparator, legacy, candidate, args, kwargs, raised)
            compared += 1
            if message:
                raise AssertionError(f"case {compared}: {message}")
    if not compared:
        raise AssertionError(f"nothing was compared: there are no cases for {names}")
    sys.stdout.write(f"exuvia: {compared:,} cases compared, none differs: {names}{_raised(raised, compared)}\n")
    return compared


def difference(  # noqa: PLR0917 - one call of both sides
    comparator: Comparator,
    legacy: Callable[..., Any],
    candidate: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    raised: list[str] | None = None,
) -> str:
    """Call both sides on copies and say what differs, in results, errors and changed arguments; empty if nothing does.

    Arguments that were changed and cannot be read are not equal: nobody knows.

    Args:
        comparator: How to compare.
        legacy: Legacy's side.
        candidate: The candidate's side.
        args: Positional arguments.
        kwargs: Keyword arguments.
        raised: Takes the class of what legacy raised, if it did.
    """
    sides: list[tuple[Any, Any]] = []
    ends: list[tuple[Any, BaseException | None] | None] = []
    kinds: list[str] = []
    for function in (legacy, candidate):
        own, named = detached_copy(args)[0], detached_copy(kwargs)[0]
        like = kinds[0] if kinds else ""
        (came, error), _, interrupt = run_contained(called, (function, own, named, like), {}, guard_random=True)
        if interrupt is not None:
            raise interrupt
        kinds.append(came.kind if isinstance(came, Came) else "")
        ends.append(came.end if isinstance(came, Came) else None)
        if error is not None and raised is not None and function is legacy:
            raised.append(type(error).__name__)
        sides.append(((came.value if isinstance(came, Came) else None, error), numbered(own, named)))
    if all(kinds) and kinds[0] != kinds[1]:
        return (
            f"the two sides differ for ({_given(args, kwargs)})\n  legacy's call is {_KINDS[kinds[0]]}, "
            f"the candidate's {_KINDS[kinds[1]]}: whoever calls has to know which"
        )
    verdicts, unread = compare_call(comparator, (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]))
    mine, theirs = ends
    if mine is not None and theirs is not None:
        verdicts = [*verdicts, comparator.compare_outcomes(mine, theirs)]
    found = [found for verdict in verdicts for found in verdict.differences]
    if unread and not found:
        return f"nobody knows whether the two sides are equal for ({_given(args, kwargs)})\n  {unread}"
    return _explained(found, args, kwargs)


def _raised(raised: Sequence[str], compared: int) -> str:
    """What is said of cases in which legacy raised: no result was compared there."""
    if not raised:
        return ""
    kinds = ", ".join(sorted(set(raised)))
    if len(raised) == compared:
        return f"; legacy raised in all of them ({kinds}): errors were compared, no result was"
    return f"; legacy raised in {len(raised):,} of them ({kinds})"


def _explained(found: Sequence[Difference], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """A message with arguments and differences; empty without any."""
    if not found:
        return ""
    rows = [f"  {one.path} ({one.kind}): legacy {one.legacy}, candidate {one.candidate}" for one in found]
    return "\n".join([f"the two sides differ for ({_given(args, kwargs)})", *rows])


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    text = ", ".join([*map(_SHORT.repr, args), *(f"{name}={_SHORT.repr(value)}" for name, value in kwargs.items())])
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _explore(  # noqa: PLR0917 - as it was asked
    legacy: Any,
    candidate: Any,
    comparator: Comparator,
    cases: Any,
    examples: int,
    floats: tuple[float, float] | None,
    raised: list[str],
) -> int:
    from exuvia.testing.strategies import hypothesis_or_say, inferred, inferred_steps

    hypothesis = hypothesis_or_say()
    is_class = isinstance(legacy, type) and cases is None
    strategy = (inferred_steps(legacy, floats) if is_class else inferred(legacy, floats)) if cases is None else cases
    compared = 0
    reader = Reader(legacy)

    def check(case: Any) -> None:
        nonlocal compared
        if is_class:
            message = _objects(comparator, legacy, candidate, case)
        else:
            args, kwargs = reader.read(case)
            message = difference(comparator, legacy, candidate, args, kwargs, raised)
        if message:
            raise AssertionError(message)
        compared += 1

    settings = hypothesis.settings(
        max_examples=examples,
        database=None,
        # The message says what differs, with the arguments cut: Hypothesis would print them whole once more.
        verbosity=hypothesis.Verbosity.quiet,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    settings(hypothesis.given(strategy)(check))()
    return compared


def _objects(comparator: Comparator, legacy: type, candidate: Any, case: Any) -> str:
    """Make an object of both sides and call the same methods; what differs first, in words."""
    (args, kwargs), calls = case
    made: list[Any] = []
    raised: list[Any] = []
    for side in (legacy, candidate):
        own, named = detached_copy(args)[0], detached_copy(kwargs)[0]
        outcome, _, interrupt = run_contained(side, own, named, guard_random=True)
        if interrupt is not None:
            raise interrupt
        made.append(outcome[0])
        raised.append((None, outcome[1]))
    message = _explained(comparator.compare_outcomes(*raised).differences, args, kwargs)
    if message:
        return message
    if made[0] is None or made[1] is None:
        return ""
    for number, (name, (own, named)) in enumerate(calls):
        one, other = (getattr(side, name) for side in made)
        message = difference(comparator, one, other, own, named)
        if message:
            before = ", ".join(call for call, _ in calls[:number]) or "nothing"
            return f"call {number + 1}, {name}, after {before}: {message}"
    return ""


def _name(side: Any) -> str:
    return str(getattr(side, "__qualname__", None) or repr(side))
