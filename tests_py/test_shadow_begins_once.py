"""The courier begins once: a time-out of the program that hits its start must not leave a second one beside it."""

from __future__ import annotations

from typing import Any

import pytest
from exuvia.migrate import background
from exuvia.migrate.background import Background
from exuvia.migrate.shadow.link import Link
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]

SAME = """
def same(value):
    return value
"""


class AlarmError(Exception):
    """The program's own: what its handler of SIGALRM raises."""


class Hit:
    """The module `threading`, in whose first `Event.wait` a signal's handler raises when the wait is over."""

    def __init__(self, real: Any, times: int) -> None:
        self.real, self.left = real, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def Event(self) -> Any:  # noqa: N802 - as the module has it
        hit, made = self, self.real.Event()

        class Waited:
            def __getattr__(self, name: str) -> Any:
                return getattr(made, name)

            def wait(self, timeout: float | None = None) -> bool:
                done: bool = made.wait(timeout)
                if hit.left:
                    hit.left -= 1
                    raise AlarmError
                return done

        return Waited()


def test_an_alarm_in_the_middle_of_the_couriers_start_leaves_one_courier_and_loses_no_sample(
    shadowed: Shadowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadowed.write(SAME, SAME)
    shadowed.install("same")
    before = background.running()
    hit = Hit(background.threading, 1)
    monkeypatch.setattr(background, "threading", hit)
    with pytest.raises(AlarmError):
        shadowed.legacy.same(0)
    for value in range(1, 3000):
        assert shadowed.legacy.same([value] * 50) == [value] * 50
    found = shadowed.counts("same")
    assert hit.left == 0
    assert background.running() == before + 1
    assert found["differed"] == 0, found["places"]
    assert shadowed.courier.broken == ""
    sampled = shadowed.stats("same")
    assert sampled["sent"] == sampled["answered"] > 0


def test_of_many_threads_started_for_one_work_one_works() -> None:
    import threading

    claim, worked, threads = threading.Lock(), [], []

    def first(thread: Background) -> bool:
        return claim.acquire(blocking=False)

    for number in range(20):
        threads.append(Background(lambda number=number: worked.append(number), first))
    assert all(thread.join(5.0) for thread in threads)
    assert len(worked) == 1
    assert not any(thread.here for thread in threads)


def test_what_is_queued_while_the_pipe_is_written_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link.__new__(Link)
    link._out = bytearray(b"first")
    link.commands = type("End", (), {"number": lambda _self: 0})()  # type: ignore[assignment]
    took: list[bytes] = []

    def write(number: int, data: bytes) -> int:
        if not took:
            link._out += b", then this"
        took.append(bytes(data))
        return len(data)

    monkeypatch.setattr("exuvia.migrate.shadow.link.os", type("Os", (), {"write": staticmethod(write)}))
    assert link.push()
    assert b"".join(took) == b"first, then this"
