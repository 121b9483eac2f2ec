"""Whether both sides of a unit have the same surface: kind, signature, methods, pickling; and a comparator for results.

The modules are imported in a process of their own, so that looking does nothing to this one.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from exuvia.errors import CompareError
from exuvia.migrate.own import json, pickle, subprocess
from exuvia.migrate.shadow import apart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["Sides", "Surface", "callers", "differences", "selfsame", "surface", "uncomparable"]

TIMEOUT_S = apart.TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Sides:
    """What was found of the two sides of a unit.

    Attributes:
        verdict: `PASS`, `FAIL` or, where a side cannot be imported, `INCONCLUSIVE`.
        why: What differs for those who call it.
        comparator: The same three words: whether every result has a comparator.
        results: Which result has none.
        do: What to run if a side cannot be imported, if there is something.
        bound: Why the candidate cannot take legacy's place in canary and rust, though it can be observed.
        callers: By which names legacy looks at the frames that called it, if it does.
    """

    verdict: str
    why: str
    comparator: str
    results: str
    do: str = ""
    bound: str = ""
    callers: str = ""


class Surface(Protocol):
    """What looks at the sides of a unit."""

    def __call__(self, config: Config, unit: UnitConfig) -> Sides:
        """Return what was found."""
        ...


def surface(config: Config, unit: UnitConfig) -> Sides:
    """Compare the surfaces of both sides of a unit, and look whether its results can be compared.

    Args:
        config: The configuration; modules are found from its folder and on this process's path.
        unit: The unit.
    """
    try:
        words = (unit.name, unit.candidate, json.dumps(unit.compare))
        done = apart.run(__name__, words, config.path.parent, timeout_s=TIMEOUT_S)
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return _unknown(unit, f"importing both sides took more than {TIMEOUT_S:g} s")
    except (ValueError, IndexError):
        found = None
    if found is None:
        last = apart.last_words(done)
        way = f"exuvia scaffold {unit.name}" if _absent(last, unit.candidate) else ""
        return _unknown(unit, f"its sides cannot be imported to be compared: {last}", way)
    unlike, open_results, bound, callers = found
    return Sides(
        "FAIL" if unlike else "PASS",
        f"{unit.name}: {'; '.join(unlike) or f'same surface as {unit.candidate}'}",
        "FAIL" if open_results else "PASS",
        f"{unit.name}: {'; '.join(open_results) or _compared_by(unit)}",
        bound=f"{unit.name}: {'; '.join(bound)}" if bound else "",
        callers=", ".join(callers),
    )


def _unknown(unit: UnitConfig, why: str, do: str = "") -> Sides:
    return Sides(
        "INCONCLUSIVE", f"{unit.name}: {why}", "INCONCLUSIVE", f"{unit.name}: unknown until both can be imported", do
    )


def _absent(error: str, candidate: str) -> bool:
    """Whether an import failed because nobody wrote the candidate's module yet."""
    parts = candidate.partition(":")[0].split(".")
    modules = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return error.startswith("ModuleNotFoundError: ") and any(error.endswith(repr(module)) for module in modules)


def _compared_by(unit: UnitConfig) -> str:
    rules = ", ".join(f"{path} by {rule}" for path, rule in unit.compare)
    return f"{rules}, all else bit for bit" if rules else "every result bit for bit"


def uncomparable(legacy: Any, rules: dict[str, str]) -> list[str]:
    """Return which results that a callable declares have no comparator.

    Where nothing is declared the comparator says so at the first call, and that call counts as not compared.

    >>> class Socket:
    ...     __slots__ = ()
    >>> def dial() -> Socket: ...
    >>> uncomparable(dial, {"$": "repr"}), len(uncomparable(dial, {}))
    ([], 1)

    Args:
        legacy: Legacy's side.
        rules: The unit's rules, a method's with its name before the path.
    """
    from exuvia.migrate.comparator.comparing import refuse_unreadable  # noqa: PLC0415 - it loads the extension
    from exuvia.migrate.config import split_method  # noqa: PLC0415 - the same

    found = []
    for name, function in _callables(legacy):
        own = {split_method(path)[1]: rule for path, rule in rules.items() if split_method(path)[0] in (None, name)}
        try:
            refuse_unreadable(function, own)
        except CompareError as error:
            found.append(str(error))
    return found


def _callables(legacy: Any) -> Iterator[tuple[str | None, Any]]:
    """A function, or the public methods of a class."""
    if not inspect.isclass(legacy):
        yield None, inspect.unwrap(legacy) if callable(legacy) else legacy
        return
    for name, member in inspect.getmembers_static(legacy):
        if not name.startswith("_") or name == "__call__":
            held = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
            if callable(held):
                yield name, held


def differences(legacy: Any, candidate: Any) -> list[str]:
    """Return how two callables differ for those who call them.

    >>> differences(lambda a, *, b=1: a, lambda a: a)
    ['legacy takes (a, *, b=1), the candidate (a)']

    Args:
        legacy: One side.
        candidate: The other.
    """
    if inspect.isclass(legacy) != inspect.isclass(candidate):
        return ["one side is a class, the other is not"]
    if not inspect.isclass(legacy):
        return _of_call(legacy, candidate, "")
    found = _of_call(legacy, candidate, "")
    for name, member in inspect.getmembers_static(legacy):
        if name.startswith("_") and name != "__call__":
            continue
        theirs = inspect.getattr_static(candidate, name, None)
        if theirs is None:
            found.append(f"the candidate has no {name}")
        elif callable(member) and callable(theirs):
            found += _of_call(member, theirs, f"{name}: ")
    if _pickles(legacy) and not _pickles(candidate):
        found.append("legacy's class pickles by name, the candidate's does not")
    return found


def selfsame(legacy: Any, candidate: Any) -> list[str]:
    """Say if a candidate is legacy itself, or calls it by the name whose place it is to take.

    Args:
        legacy: One side.
        candidate: The other.
    """
    from exuvia.migrate.dispatch import selfsame as found  # noqa: PLC0415 - it leads to the extension

    back = found.leads_back(legacy, candidate)
    return [] if back is None else [f"the candidate is no other side: {back}; {found.INSTEAD}"]


def bound(legacy: Any, candidate: Any) -> list[str]:
    """Return why the candidate class cannot take the place of legacy's, as far as the two modules tell.

    Args:
        legacy: One side.
        candidate: The other.
    """
    from exuvia.migrate.dispatch.standing_in import refusals  # noqa: PLC0415 - only here

    return refusals(legacy, candidate) if inspect.isclass(legacy) and inspect.isclass(candidate) else []


def _of_call(legacy: Any, candidate: Any, where: str) -> list[str]:
    found = []
    for kind, test in (
        ("a coroutine function", inspect.iscoroutinefunction),
        ("a generator function", inspect.isgeneratorfunction),
        ("an async generator function", inspect.isasyncgenfunction),
    ):
        if test(legacy) and not test(candidate) and inspect.isfunction(candidate):
            found.append(f"{where}legacy is {kind}, the candidate is not")
        elif test(candidate) and not test(legacy):
            found.append(f"{where}the candidate is {kind}, legacy is not")
    try:
        ours, theirs = inspect.signature(legacy), inspect.signature(candidate)
    except (ValueError, TypeError):
        return found
    if not _takes(theirs, ours):
        found.append(f"{where}legacy takes {ours}, the candidate {theirs}")
    return found


def callers(legacy: Any) -> list[str]:
    """Return by which names a function or the public methods of a class look at the frames that called them.

    Args:
        legacy: Legacy's side.
    """
    from exuvia.migrate.dispatch.frames import looks_at_callers  # noqa: PLC0415 - as above

    return sorted({name for _, function in _callables(legacy) for name in looks_at_callers(function)})


def _takes(theirs: inspect.Signature, ours: inspect.Signature) -> bool:
    """Whether what legacy takes can be passed on: positions first, keyword-only by name."""
    kinds = inspect.Parameter
    positional = [p for p in ours.parameters.values() if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    names = [p.name for p in ours.parameters.values() if p.kind is kinds.KEYWORD_ONLY]
    least = [p for p in positional if p.default is kinds.empty]
    needed = [p.name for p in ours.parameters.values() if p.kind is kinds.KEYWORD_ONLY and p.default is kinds.empty]
    try:
        theirs.bind(*positional, **dict.fromkeys(names))
        theirs.bind(*least, **dict.fromkeys(needed))
    except TypeError:
        return False
    return True


def _pickles(value: Any) -> bool:
    try:
        return pickle.loads(pickle.dumps(value)) is value
    except Exception:
        return False


def _held(name: str) -> Any:
    module, _, qualname = name.partition(":")
    held: Any = importlib.import_module(module)
    for part in qualname.split("."):
        held = getattr(held, part)
    return held


def _main(legacy: str, candidate: str, rules: str, folder: str) -> None:
    """Look at both sides, say what was found, and end without what their modules left for the exit."""

    def found() -> list[Any]:
        sides = _held(legacy), _held(candidate)
        return [
            selfsame(*sides) or differences(*sides),
            uncomparable(sides[0], dict(json.loads(rules))),
            bound(*sides),
            callers(sides[0]),
        ]

    apart.answer(folder, found)


if __name__ == "__main__":
    _main(*sys.argv[1:5])
