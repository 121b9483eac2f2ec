"""Puts another object in the place of one that modules hold by name."""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["owns", "rebind"]


def owns(module: str, qualname: str) -> Any:
    """Return what a module holds under a name.

    Args:
        module: An imported module.
        qualname: The name inside it.
    """
    found: Any = sys.modules[module]
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def rebind(
    module: str,
    qualname: str,
    old: object,
    new: object,
    candidate: str,
    *,
    known: frozenset[str] = frozenset(),
) -> list[str]:
    """Set the module's name to `new`, and every other module's global that holds `old`.

    The candidate's own module and exuvia are left alone. What is held elsewhere (containers, defaults,
    closures) is not found; where the old object is the candidate, only modules of the legacy package and
    known ones are looked at, since others import it in their own right.

    Args:
        module: The legacy module.
        qualname: The name inside it.
        old: What stands there now.
        new: What shall stand there.
        candidate: The candidate as declared, `package.module:name`.
        known: Places that were rebound before, as `module.name`.

    Returns:
        The other places, as `module.name`.
    """
    if old is new:
        return []
    holder_name, _, name = qualname.rpartition(".")
    holder = owns(module, holder_name) if holder_name else sys.modules[module]
    if vars(holder).get(name) is old:
        setattr(holder, name, new)
    package = module.partition(".")[0]
    theirs = candidate.partition(":")[0]
    is_candidate = getattr(old, "__module__", None) == theirs
    patched = []
    for other, found in list(sys.modules.items()):
        if not isinstance(found, types.ModuleType) or other in (module, theirs) or other.partition(".")[0] == "exuvia":
            continue
        theirs_too = other.partition(".")[0] not in (package, "__main__")
        space = vars(found)
        for key, value in list(space.items()):
            if value is old and not (is_candidate and theirs_too and f"{other}.{key}" not in known):
                space[key] = new
                patched.append(f"{other}.{key}")
    return patched
