"""Threads that call a unit of any kind while it is flipped back and forth get whole answers of one side."""

from __future__ import annotations

import sys
import threading
import time

import exuvia.migrate
import pytest
from sided import CALLS, Desk, desk, says

__all__ = ["desk"]

FLIPS = ("rust", "legacy", "shadow", "rust", "shadow", "legacy")


@pytest.mark.parametrize("name", list(CALLS))
def test_threads_get_whole_answers_while_a_unit_is_flipped_back_and_forth(desk: Desk, name: str) -> None:
    candidate = f"{desk.candidate_name}:closed" if name == "closure" else None
    module = desk.install(name, candidate=candidate)
    call, before = CALLS[name], CALLS[name](module)
    done, calls, wrong = threading.Event(), [0] * 3, []
    seen: set[str] = set()

    def work(number: int) -> None:
        try:
            while not done.is_set():
                answer = call(module)
                # Some of these make several calls: a flip may come between two of them.
                several = isinstance(answer, tuple) and isinstance(answer[0], tuple)
                for part in answer if several else (answer,):
                    sides = [side for side in ("legacy", "rust") if says(part, side)]
                    seen.update(sides)
                    if len(sides) != 1:
                        wrong.append(part)
                calls[number] += 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(calls))]
    rounds, deadline, interval = 0, time.monotonic() + 30, sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        for thread in threads:
            thread.start()
        while (min(calls) < 50 or rounds < 10 or len(seen) < 2) and not wrong and time.monotonic() < deadline:
            for mode in FLIPS:
                desk.flip(name, mode)
                time.sleep(0.001)
            rounds += 1
    finally:
        done.set()
        for thread in threads:
            thread.join(20)
        sys.setswitchinterval(interval)
    assert wrong == []
    assert seen == {"legacy", "rust"}
    assert rounds >= 10
    assert call(module) == before
    desk.flip(name, "rust")
    assert says(call(module), "rust")
    exuvia.migrate.uninstall()
    assert call(module) == before
