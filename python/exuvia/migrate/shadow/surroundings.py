"""What pickling hooks of the program's classes could change in passing: its environment and its working directory."""

from __future__ import annotations

from exuvia._exuvia import attempt
from exuvia.migrate.own import os

__all__ = ["CHANGED", "now", "put_back"]

CHANGED = "pickling it changed the environment or the working directory, which were put back"

Held = tuple[dict[str, str], str]
_held = getattr(os.environ, "_data", None)
"""The environment as the interpreter holds it: a copy of it takes a tenth of the time."""


def now() -> Held:
    """Return the environment and the working directory as they are."""
    return (os.environ.copy() if _held is None else _held.copy()), _folder()


def put_back(held: Held) -> bool:
    """Put back what has changed since.

    >>> held = now()
    >>> os.environ["EXUVIA_EXAMPLE"] = "1"
    >>> put_back(held), put_back(held), "EXUVIA_EXAMPLE" in os.environ
    (True, False, False)

    Args:
        held: As `now` returned it.

    Returns:
        Whether anything had changed.
    """
    environment, folder = held
    current = now()
    if current == held:
        return False
    if current[0] != environment:
        decode = getattr(os.environ, "decodekey", str) if _held is not None else str
        for key in current[0].keys() | environment.keys():
            name = decode(key)
            if key not in environment:
                del os.environ[name]
            elif current[0].get(key) != environment[key]:
                os.environ[name] = decode(environment[key])
    if current[1] != folder and folder:
        os.chdir(folder)
    return True


def _folder() -> str:
    # In one call, so that no handler's TimeoutError is taken for that of a folder that is gone.
    found = attempt(os.getcwd)
    return found if isinstance(found, str) else ""
