"""A broken glass: up at once with a reason, on record, down again with the session, and never twice as long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from desk import Gate, desk, lines, stands
from exuvia.errors import MigrateError
from exuvia.migrate import own
from exuvia.migrate.modes import expiry
from exuvia.migrate.modes import journal as modes
from stepping import NS, PRICE, SIZE, go

if TYPE_CHECKING:
    from pathlib import Path


def test_a_broken_glass_goes_up_is_on_record_and_ends_with_the_session(tmp_path: Path) -> None:
    config = desk(tmp_path)
    with pytest.raises(MigrateError, match="with a reason"):
        go(config, PRICE, "rust", glass=" ")
    done = go(config, PRICE, "rust", Gate("FAIL"), glass="venue is down")
    assert (done.promoted, done.glass) == (True, "venue is down")
    entry = lines(config)[-1]
    assert (entry["break_glass"], entry["verdict"], entry["was"]) == ("venue is down", "FAIL", "shadow")
    until = entry["until_ns"]
    assert time.time_ns() < until <= time.time_ns() + 25 * 3_600 * NS
    assert stands(config, PRICE, until - 1) == "rust"
    assert stands(config, PRICE, until) == "shadow", "the mode before it holds again"
    assert expiry.sweep(config) == []


@pytest.mark.parametrize("first", ["canary", "rust"])
def test_a_second_glass_ends_where_the_first_would_have(tmp_path: Path, first: str) -> None:
    config = desk(tmp_path)
    go(config, PRICE, first, Gate("FAIL"), glass="first")
    go(config, PRICE, "rust", Gate("FAIL"), glass="second")
    entry = lines(config)[-1]
    assert entry["was"] == "shadow"
    assert stands(config, PRICE, entry["until_ns"] - 1) == "rust"
    for hours in (0, 30, 720):
        assert stands(config, PRICE, entry["until_ns"] + hours * 3_600 * NS) == "shadow"


def test_a_journal_in_which_a_glass_was_broken_twice_ends_both(tmp_path: Path) -> None:
    """As an exuvia wrote it that named the first glass's mode as the one before the second."""
    config, until = desk(tmp_path), time.time_ns() - 1
    modes.append(config.evidence, PRICE, "canary", "x", break_glass="a", until_ns=until, was="shadow")
    modes.append(config.evidence, PRICE, "rust", "x", break_glass="b", until_ns=until, was="canary")
    assert stands(config, PRICE) == "shadow"


def test_a_glass_that_is_over_excuses_nothing(tmp_path: Path) -> None:
    config, until = desk(tmp_path), time.time_ns() + 3_600 * NS
    modes.append(config.evidence, PRICE, "rust", "x", break_glass="why", until_ns=until, was="rust")
    journal = modes.read(config.evidence)
    assert (journal.glass_broken(PRICE, until - 1), journal.glass_broken(PRICE, until)) == ("why", None)


def test_a_glass_that_is_broken_where_nothing_is_on_record_holds_for_the_code_that_runs(tmp_path: Path) -> None:
    config = desk(tmp_path)
    done = go(config, PRICE, "rust", Gate("INCONCLUSIVE", f={PRICE: ""}), glass="venue is down")
    assert done.promoted
    entry = lines(config)[-1]
    assert (entry["mode"], entry["f"]) == ("rust", {})
    journal = modes.read(config.evidence)
    assert journal.stale(PRICE, "5605") is None
    assert stands(config, PRICE) == "rust"
    modes.append(config.evidence, PRICE, "rust", "as an older version wrote it", f={PRICE: ""})
    assert modes.read(config.evidence).stale(PRICE, "5605") is None


def test_a_glass_that_is_over_is_said_once(tmp_path: Path) -> None:
    config = desk(tmp_path)
    modes.append(config.evidence, PRICE, "rust", "x", break_glass="y", until_ns=time.time_ns() - 1, was="canary")
    assert stands(config, PRICE) == "canary"
    (said,) = expiry.sweep(config)
    assert (said["kind"], said["what"], said["unit"]) == ("expired", "break_glass", PRICE)
    assert expiry.sweep(config) == []


def test_a_clock_that_was_turned_back_promotes_nothing_and_revives_no_glass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk(tmp_path)
    until = time.time_ns() + 5 * NS
    modes.append(config.evidence, PRICE, "rust", "x", break_glass="y", until_ns=until, was="shadow")
    real = time.time_ns
    monkeypatch.setattr(own.time, "time_ns", lambda: real() + 3_600 * NS)
    modes.append(config.evidence, SIZE, "shadow", "an hour later")
    monkeypatch.setattr(own.time, "time_ns", real)
    assert stands(config, PRICE) == "shadow", "though the clock says that the session goes on"
    with pytest.raises(MigrateError, match="the clock stands 3,"):
        go(config, PRICE, "canary")
