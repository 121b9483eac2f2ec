"""Whether both sides of a unit have the same surface: kind, signature, methods, pickling.

The modules are imported in a process of their own, so that looking does nothing to this one.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from exuvia.migrate.config import Config, UnitConfig

__all__ = ["Surface", "differences", "surface"]

TIMEOUT_S = 60.0


class Surface(Protocol):
    """What compares the surfaces of a unit."""

    def __call__(self, config: Config, unit: UnitConfig) -> tuple[str, str]:
        """Return a verdict and why."""
        ...


def surface(config: Config, unit: UnitConfig) -> tuple[str, str]:
    """Compare the surfaces of both sides of a unit.

    Args:
        config: The configuration; modules are found from its folder and on this process's path.
        unit: The unit.

    Returns:
        `PASS`, `FAIL` or, where a side cannot be imported, `INCONCLUSIVE`; and why.
    """
    path = os.pathsep.join([str(config.path.parent), *(entry for entry in sys.path if entry)])
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-m", __name__, unit.name, unit.candidate],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
            cwd=config.path.parent, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except subprocess.TimeoutExpired:
        return "INCONCLUSIVE", f"{unit.name}: importing both sides took more than {TIMEOUT_S:g} s"
    except (ValueError, IndexError):
        found = None
    if found is None:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return "INCONCLUSIVE", f"{unit.name}: its sides cannot be imported to be compared: {last}"
    if found:
        return "FAIL", f"{unit.name}: {'; '.join(found)}"
    return "PASS", f"{unit.name}: same surface as {unit.candidate}"


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
        return pickle.loads(pickle.dumps(value)) is value  # noqa: S301 - what was pickled a moment ago
    except Exception:
        return False


def _held(name: str) -> Any:
    module, _, qualname = name.partition(":")
    held: Any = importlib.import_module(module)
    for part in qualname.split("."):
        held = getattr(held, part)
    return held


if __name__ == "__main__":
    sys.stdout.write(json.dumps(differences(_held(sys.argv[1]), _held(sys.argv[2]))) + "\n")
