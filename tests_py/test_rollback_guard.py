"""A difference, a panic or a time-out where the candidate serves takes the unit back by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from desk import lines, stands
from exuvia.migrate.modes import guard
from running_bot import PRICE, in_rust

if TYPE_CHECKING:
    from pathlib import Path


class Fallen(list[tuple[str, str, bool]]):
    def __call__(self, name: str, cause: str, *, lasting: bool) -> None:
        self.append((name, cause, lasting))


def counted(mode: str, **counts: int) -> dict[str, Any]:
    return {PRICE: {"mode": mode, **counts}}


@pytest.mark.parametrize("word", ["differed", "panics", "timeouts"])
@pytest.mark.parametrize("mode", ["canary", "rust"])
def test_a_difference_a_panic_or_a_timeout_outside_of_shadow_means_quarantine(
    tmp_path: Path, mode: str, word: str
) -> None:
    config, fallen = in_rust(tmp_path), Fallen()
    watch = guard.Guard(config, fallen)
    watch.look(counted("shadow", **{word: 3}))
    watch.look(counted(mode, **{word: 3}))
    assert fallen == []
    watch.look(counted(mode, **{word: 5}))
    ((name, cause, lasting),) = fallen
    assert (name, f"(2 in {mode})" in cause, lasting) == (PRICE, True, False)
    assert stands(config, PRICE) == "legacy"
    assert lines(config)[-1]["kind"] == "quarantine"


def test_differences_in_shadow_are_the_gates_affair(tmp_path: Path) -> None:
    config, fallen = in_rust(tmp_path), Fallen()
    watch = guard.Guard(config, fallen)
    for count in (0, 5, 9):
        watch.look(counted("shadow", differed=count))
    assert (fallen, stands(config, PRICE)) == ([], "rust")


def test_a_process_that_cannot_write_the_journal_falls_all_the_same_and_stays_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, fallen = in_rust(tmp_path), Fallen()
    (tmp_path / "a file").write_text("x")
    lost = replace(config, evidence=tmp_path / "a file")
    watch = guard.Guard(lost, fallen)
    watch.quarantine(PRICE, "a call differed")
    watch.everything("signal SIGUSR2")
    assert [(name, lasting) for name, _, lasting in fallen] == [(PRICE, True), ("*", True)]
    assert all("the mode journal could not be written" in cause for _, cause, _ in fallen)
