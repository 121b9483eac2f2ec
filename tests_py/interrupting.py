"""A handler of a signal that runs at one place of exuvia's own work, and the program it comes to."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["MODES", "STATE", "At", "Stop", "at", "source"]

SOURCE = """
class Book:
    def __init__(self, start=0):
        self.count = start
        self.rows = []
    def add(self, n):
        self.count += n
        return self.count
    def push(self, n):
        self.rows.append(n)
        return self.rows
    def fail(self, n):
        self.count += n
        raise ValueError("n")
    def hold(self, n, then):
        self.count += n
        HOOK()
        self.count += n
        return self.count
    def each(self, n):
        for at in range(n):
            self.count += 1
            yield self.count
    async def wait(self, n):
        self.count += n
        return self.count
    STATE
def total(rows):
    return sum(rows)
def refuse(n):
    raise ValueError("n")
def HOOK(): pass
"""
STATE = """
    def export_state(self):
        return self.count, list(self.rows)
    @classmethod
    def import_state(cls, state):
        book = cls(state[0])
        book.rows = list(state[1])
        return book
"""


class Stop(Exception): ...  # noqa: N818 - a watchdog's, as programs name it


class At:
    """Lets a handler of a signal run at one place of exuvia's work, once, as soon as it is armed."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch, self.fired = patch, 0
        self.armed: tuple[str, bool] | None = None
        self.handler: Callable[[], object] = self.stop
        self.held = signal.signal(signal.SIGALRM, self.handle)

    def stop(self) -> None:
        raise Stop

    def handle(self, *_: Any) -> None:
        self.fired += 1
        self.handler()

    def places(self, places: list[tuple[Any, str]]) -> list[tuple[str, bool]]:
        """Patch what stands at these places; return what each is armed by, before it and after it."""
        for where, name in places:
            self._place(where, name)
        return [(name, after) for _, name in places for after in (False, True)]

    def _place(self, where: Any, name: str) -> None:
        own = getattr(where, name)

        def patched(*args: Any, **kwargs: Any) -> Any:
            self.reach(name, after=False)
            found = own(*args, **kwargs)
            self.reach(name, after=True)
            return found

        self.patch.setattr(where, name, patched)

    def reach(self, name: str, *, after: bool) -> None:
        if self.armed == (name, after) and threading.current_thread() is threading.main_thread():
            self.armed = None
            signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    made = At(monkeypatch)
    yield made
    signal.signal(signal.SIGALRM, made.held)


def source(state: str = "", *, steps: bool = True) -> str:
    found = SOURCE.replace("    STATE", state)
    return found if steps else found.replace(found[found.index("    def each") : found.index("def total")], "")


MODES = pytest.mark.parametrize(
    ("mode", "more"), [("shadow", ""), ("rust", "sample = 0.999999999999")], ids=["shadow", "rust"]
)
