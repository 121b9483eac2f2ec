"""A stay in a mode ends when the group goes down: drill, approvals and what leans on the group begin anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from desk import desk, stands
from exuvia.errors import MigrateError
from exuvia.migrate.modes import frozen, requirements, rollback, standing, stays
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.own import time as own_time
from stepping import NS, PRICE, SIZE, approve, drilled, go

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

F = {PRICE: "f1"}
LEANING = (
    '[group.token]\nunits = ["bot:size"]\n[group.paper]\ncalendar = "{calendar}"\nunits = ["bot:price"]\n'
    'requires = ["token"]\n'
)


def in_canary(folder: Path) -> Config:
    config = desk(folder)
    approve(config, PRICE, "canary")
    assert go(config, PRICE, "canary").promoted
    return config


def drill_on_record(config: Config, outcome: str, *, put_back: bool) -> None:
    """What `exuvia drill` writes: legacy, the way back if it passed, and what was measured."""
    with modes.open_journal(config.evidence) as pen:
        pen.append({"unit": PRICE, "mode": "legacy", "reason": "drill", "drill": True})
        if put_back:
            pen.append({"unit": PRICE, "mode": "canary", "reason": "drill over", "drill": True, "f": F})
        pen.append({"kind": "drill", "unit": PRICE, "from": "canary", "f": F, "outcome": outcome, "longest_s": 0.1})


def drill_need(config: Config) -> requirements.Need:
    return next(need for need in go(config, PRICE, "rust", write=False).needs if need.what == "drill")


def test_a_drill_that_failed_after_one_that_passed_is_the_one_that_counts(tmp_path: Path) -> None:
    config = in_canary(tmp_path)
    drill_on_record(config, "PASS", put_back=True)
    assert (drill_need(config).verdict, stands(config, PRICE)) == ("PASS", "canary")
    drilled(config, PRICE, F)
    with modes.open_journal(config.evidence) as pen:
        pen.append({"kind": "drill", "unit": PRICE, "from": "canary", "f": F, "outcome": "FAIL", "longest_s": None})
    found = drill_need(config)
    assert (found.verdict, "the last drill was FAIL" in found.why) == ("INCONCLUSIVE", True)
    drilled(config, PRICE, F)
    assert drill_need(config).verdict == "PASS"


def test_a_new_stay_in_canary_needs_its_own_approval_and_its_own_drill(tmp_path: Path) -> None:
    config = in_canary(tmp_path)
    drill_on_record(config, "PASS", put_back=True)
    drill_on_record(config, "FAIL", put_back=False)
    assert stands(config, PRICE) == "legacy"
    assert go(config, PRICE, "shadow").promoted
    again = go(config, PRICE, "canary")
    assert (again.promoted, "went back to legacy after it" in " ".join(again.missing)) == (False, True)
    approve(config, PRICE, "canary")
    assert go(config, PRICE, "canary").promoted
    assert drill_need(config).verdict == "INCONCLUSIVE"
    drill_on_record(config, "PASS", put_back=True)
    approve(config, PRICE, "rust")
    assert go(config, PRICE, "rust").promoted


@pytest.mark.parametrize("outcome", ["PASS", "FAIL", None])
def test_a_drill_that_was_never_put_back_ends_the_stay_and_its_approvals(tmp_path: Path, outcome: str | None) -> None:
    config = in_canary(tmp_path)
    if outcome is None:
        # Its process was killed: nothing but the way down is on record.
        modes.append(config.evidence, PRICE, "legacy", "drill", drill=True)
    else:
        drill_on_record(config, outcome, put_back=False)
    assert go(config, PRICE, "shadow").promoted
    assert "went back to legacy after it" in " ".join(go(config, PRICE, "canary").missing)


def test_a_drill_that_was_put_back_ends_nothing(tmp_path: Path) -> None:
    config = in_canary(tmp_path)
    approve(config, PRICE, "rust")
    drill_on_record(config, "PASS", put_back=True)
    assert [change.mode for change in stays.changes(modes.read(config.evidence), {PRICE})] == ["shadow", "canary"]
    assert go(config, PRICE, "rust").promoted


def leaning(folder: Path, calendar: str = "24/7") -> Config:
    config = desk(folder, groups=LEANING.format(calendar=calendar))
    for name in ("token", "paper"):
        approve(config, name, "canary")
        assert go(config, name, "canary").promoted
    assert (stands(config, PRICE), stands(config, SIZE)) == ("canary", "canary")
    return config


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * NS  # type: ignore[arg-type, misc]


def test_what_a_group_requires_does_not_raise_it_in_an_open_market_by_coming_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [at(2026, 11, 21, 15)]

    def clock() -> int:
        now[0] += NS
        return now[0]

    monkeypatch.setattr(own_time, "time_ns", clock)
    config = leaning(tmp_path, "XNYS")
    now[0] = at(2026, 11, 23, 15)
    assert frozen.market("XNYS", now[0]) is not None
    rollback.rollback(str(config.path), None, ["token"], "token service bad")
    assert stands(config, PRICE) == "legacy"
    assert go(config, "token", "shadow").promoted
    assert stands(config, PRICE) == "legacy"
    approve(config, "token", "canary")
    assert go(config, "token", "canary").promoted
    assert (stands(config, SIZE), stands(config, PRICE)) == ("canary", "legacy")
    why = standing.of_unit(config, modes.read(config.evidence), PRICE).why
    assert why is not None
    assert "requires token, which stood in legacy after paper was promoted" in why
    assert "only promote raises: run exuvia promote paper" in why


def test_a_group_climbs_again_by_its_own_steps_once_what_it_requires_is_back(tmp_path: Path) -> None:
    config = leaning(tmp_path)
    modes.append(config.evidence, "token", "legacy", "bad", units=[SIZE])
    assert go(config, "token", "shadow").promoted
    approve(config, "token", "canary")
    assert go(config, "token", "canary").promoted
    with pytest.raises(MigrateError, match="no step from legacy to canary"):
        go(config, "paper", "canary")
    assert go(config, "paper", "shadow").promoted
    void = " ".join(go(config, "paper", "canary").missing)
    assert "token, which paper requires, went back to legacy after it" in void
    approve(config, "paper", "canary")
    assert go(config, "paper", "canary").promoted
    assert stands(config, PRICE) == "canary"


def test_a_drill_of_what_is_required_lowers_and_brings_back_what_leans_on_it(tmp_path: Path) -> None:
    config = leaning(tmp_path)
    down: dict[str, Any] = {"unit": "token", "units": [SIZE], "mode": "legacy", "reason": "drill", "drill": True}
    with modes.open_journal(config.evidence) as pen:
        pen.append(down)
        assert stands(config, PRICE) == "legacy"
        pen.append({**down, "mode": "canary", "was": "shadow", "f": {SIZE: "f2"}})
        pen.append({"kind": "drill", "unit": "token", "from": "canary", "f": {SIZE: "f2"}, "outcome": "PASS"})
    assert stands(config, PRICE) == "canary"


def test_a_broken_glass_that_ended_under_a_group_does_not_raise_it_later(tmp_path: Path) -> None:
    config = leaning(tmp_path)
    soon = own_time.time_ns() + NS
    more: dict[str, Any] = {"units": [SIZE], "was": "canary", "until_ns": soon}
    modes.append(config.evidence, "token", "rust", "now", break_glass="now", **more)
    modes.append(config.evidence, "paper", "rust", "now", units=[PRICE], was="canary")
    assert stands(config, PRICE) == "rust"
    assert stands(config, PRICE, soon + 1) == "canary"
    while own_time.time_ns() < soon:
        own_time.sleep(0.05)
    modes.append(config.evidence, "token", "rust", "properly", units=[SIZE])
    assert (stands(config, SIZE), stands(config, PRICE)) == ("rust", "canary")
