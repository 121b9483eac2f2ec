"""Which sessions count: by the calendar, by what was active, by what was covered, and by what went wrong."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import pickle
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate import load
from exuvia.migrate.cli import main as cli
from exuvia.migrate.evidence import reading
from exuvia.migrate.evidence.buckets import bucket
from exuvia.migrate.gates import latency, selftest, sessions
from exuvia.sessions import Calendar
from gate_files import MINUTE, SECOND, UNIT, Bot, Said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path)


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparator's self-test is a test of its own: here it caught everything."""
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)


def only(bot: Bot) -> sessions.Session:
    (found,) = bot.sessions()
    return found


def test_a_session_that_was_seen_whole_and_equal_is_clean(bot: Bot) -> None:
    bot.day(bot.days[0])
    found = only(bot)
    assert (found.state, found.reasons, found.activity, found.compared) == ("clean", [], 1.0, 1000)


def test_activity_of_several_processes_adds_up_and_19_of_20_minutes_are_enough(bot: Bot) -> None:
    start, end = bot.desk.hours(bot.days[0])
    noon, late = start + 200 * MINUTE, end - 19 * MINUTE
    bot.day(bot.days[0], to_ns=noon)
    assert only(bot).state == "inconclusive"
    bot.day(bot.days[0], from_ns=noon, to_ns=late)
    assert only(bot).state == "clean"
    assert only(bot).activity == pytest.approx(371 / 390)
    bot.segments.pop()
    bot.day(bot.days[0], from_ns=noon, to_ns=late - MINUTE)
    assert "active for 94.9% of the session, 95% is needed; silent from 20:40 to 21:00 UTC" in only(bot).reasons[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"compared": 0}, "nothing was compared of bot:price"),
        ({"missed": 2}, "2 of 1,002 calls that were to be compared were missed: more than 0.1%"),
        ({"missed": 1, "counters": {"errors": 1}}, "1 calls could not be compared"),
        ({"signatures": list(range(60))}, "coverage of bot:price is not reached: 60 kinds of input were new"),
        ({"signatures": [], "counters": {"signatures": 0}}, "coverage of bot:price is unknown"),
    ],
)
def test_a_session_with_too_little_is_inconclusive(bot: Bot, change: dict[str, Any], said: str) -> None:
    bot.day(bot.days[0], **change)
    found = only(bot)
    assert found.state == "inconclusive"
    assert any(reason.startswith(said) for reason in found.reasons), found.reasons


@pytest.mark.parametrize(
    ("what", "text"), [("clock", "the clock jumped by +2.000 s: this session is inconclusive"), ("torn", "was killed")]
)
def test_trouble_is_of_its_own_session_only(bot: Bot, what: str, text: str) -> None:
    for day in bot.days[:3]:
        seen = bot.day(day)
    seen.troubles.append(Said(what, text, bot.desk.hours(bot.days[2])[0] + 5))
    assert [found.state for found in bot.sessions()] == ["clean", "clean", "inconclusive"]
    assert text in bot.sessions()[2].reasons[0]
    seen.troubles.append(Said("newer", "of a newer exuvia"))
    assert [found.state for found in bot.sessions()] == ["clean", "clean", "inconclusive"]


def test_trouble_of_another_unit_leaves_a_groups_session_clean_and_its_own_is_named(bot: Bot) -> None:
    at = bot.desk.hours(bot.days[0])[0] + 5
    seen = bot.day(bot.days[0])
    seen.troubles.append(Said("shadow off", "other:unit: shadow off: legacy grew slower", at, "other:unit"))
    assert only(bot).state == "clean", only(bot).reasons
    bot.write_down()
    (state,) = reading.statuses(bot.config, reading.read_folder(bot.config.evidence))
    assert (state.counts["compared"], [note for note in state.notes if "shadow off" in note]) == (1000, [])
    seen.troubles.append(Said("shadow off", f"{UNIT}: shadow off: legacy grew slower", at, UNIT))
    assert only(bot).reasons == [f"its evidence is not whole: {UNIT}: shadow off: legacy grew slower"]


def test_a_quarantine_is_named_as_one_and_not_as_evidence_that_is_not_whole(bot: Bot) -> None:
    at = bot.desk.hours(bot.days[0])[0] + 5
    seen = bot.day(bot.days[0])
    seen.troubles.append(Said("quarantined", "other:unit: shadow off: quarantined: it died", at, "other:unit"))
    assert only(bot).state == "clean"
    seen.troubles.append(Said("quarantined", f"{UNIT}: shadow off: quarantined: it died", at, UNIT))
    assert (only(bot).state, only(bot).reasons) == ("dirty", [f"{UNIT}: shadow off: quarantined: it died"])


def test_a_difference_makes_a_session_dirty_whatever_else_it_lacks(bot: Bot) -> None:
    bot.day(bot.days[0], differed=1, to_ns=bot.desk.hours(bot.days[0])[0] + MINUTE)
    assert only(bot).state == "dirty"
    assert only(bot).reasons[0] == "1 of 1,000 compared calls differ without a rule"


def test_a_difference_on_disk_counts_although_a_kill_came_before_its_counters(bot: Bot) -> None:
    seen = bot.day(bot.days[0])
    at = bot.desk.hours(bot.days[0])[0] + 7
    seen.mismatches.append({"unit": UNIT, "at": at, "difference": "value"})
    assert (only(bot).state, only(bot).differed) == ("dirty", 1)
    seen.mismatches[0]["difference"] = "panic"
    assert any("1 panics of the candidate" in reason for reason in only(bot).reasons)


def test_a_difference_before_the_open_belongs_to_the_session_of_its_date(bot: Bot) -> None:
    seen = bot.day(bot.days[0])
    seen.sessions[0]["hours"]["9"] = [5, 5, 1, 0]
    assert (only(bot).state, only(bot).compared) == ("dirty", 1005)


def test_a_half_day_is_inconclusive(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.day("2025-11-28")
    found = only(bot)
    assert found.reasons == ["a half day: XNYS closes early, after 3.5 of 6.5 h"]


def test_an_ad_hoc_closure_is_a_disagreement_of_calendar_and_activity(bot: Bot) -> None:
    start, _ = bot.desk.hours(bot.days[0])
    bot.day(bot.days[0], to_ns=start + 90 * MINUTE)
    assert only(bot).reasons == [
        "calendar and activity disagree: active for 23.1% of the session, 95% is needed; silent from 16:00 to 21:00 UTC"
    ]


def test_a_day_that_the_calendar_has_not_is_named_if_more_than_a_little_was_active(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.day("2025-01-08")
    bot.day("2025-01-10")
    # 2025-01-09 was a day of mourning.
    seen = bot.segments[0]
    entry = {"unit": UNIT, "day": "2025-01-09", "minutes": [[870, 880]], "hours": {"14": [9, 9, 0, 0]}}
    seen.sessions.append(entry)
    assert [found.day for found in bot.sessions()] == ["2025-01-08", "2025-01-10"]
    entry["minutes"] = [[870, 1259]]
    found = bot.sessions()[1]
    said = "calendar and activity disagree: XNYS is closed on this day and 390 minutes were active"
    assert (found.day, found.state, found.reasons) == ("2025-01-09", "inconclusive", [said])
    entry["hours"] = {"14": [9, 9, 1, 0]}
    assert bot.sessions()[1].state == "dirty"


def test_open_but_silent_is_inconclusive_and_so_is_a_day_without_data(bot: Bot) -> None:
    bot.day(bot.days[0])
    bot.day(bot.days[2])
    states = [(found.day, found.state) for found in bot.sessions()]
    assert states == list(zip(bot.days[:3], ["clean", "inconclusive", "clean"], strict=True))
    assert bot.sessions()[1].reasons == ["open but silent: no process left evidence of this day"]


def test_a_session_that_is_not_over_does_not_count_yet(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.day(bot.days[0])
    monkeypatch.setattr(sessions, "time_ns", lambda: bot.desk.hours(bot.days[0])[1] - 1)
    assert only(bot).reasons == ["the session is not over"]


@pytest.mark.usefixtures("trusted")
def test_a_canary_that_served_too_little_has_no_clean_session_and_does_not_go_on_to_rust(bot: Bot) -> None:
    for day in bot.days[:3]:
        bot.day(day, mode="canary", served=0, calls=1530)
    for found in bot.sessions():
        assert (found.state, found.compared, found.differed) == ("inconclusive", 1000, 0)
        assert found.reasons == [
            "in canary the candidate served 0 of 1,530 calls of bot:price, of 0 keys; 20 calls of 1 key are needed: "
            "raise share (it is 0.05), or lower the group's served and served_keys if a session has no more"
        ]
    waiting = bot.verdict(to="rust")
    assert (waiting.verdict, waiting.exit_code, waiting.bounds["days"]["clean"]) == ("INCONCLUSIVE", 3, 0)
    assert any("raise share" in reason for reason in waiting.reasons)


@pytest.mark.parametrize(
    ("served", "keys", "state"), [(19, "ff", "inconclusive"), (20, "8", "inconclusive"), (20, "c0", "clean")]
)
def test_calls_and_keys_that_a_canary_must_have_served_are_declared(
    tmp_path: Path, served: int, keys: str, state: str
) -> None:
    bot = Bot(tmp_path)
    path = tmp_path / "exuvia.toml"
    path.write_text(path.read_text().replace("[group.bars]", "[group.bars]\nserved_keys = 2"))
    bot.config = load(path)
    bot.group = bot.config.groups["bars"]
    bot.day(bot.days[0], mode="canary", served=served, keys=keys)
    assert only(bot).state == state, only(bot).reasons


def test_keys_of_several_processes_add_up_and_those_of_a_class_are_those_of_its_objects(bot: Bot) -> None:
    bot.group = dataclasses.replace(bot.group, served_keys=4)
    bot.day(bot.days[0], mode="canary", keys="3")
    assert only(bot).state == "inconclusive"
    bot.day(bot.days[0], mode="canary", keys="c")
    assert only(bot).state == "clean"
    bot.day(bot.days[1], mode="canary", keys="1", counters={"objects": {"candidate": 1}})
    assert bot.sessions()[1].state == "clean"


def test_a_session_in_rust_in_which_the_candidate_served_nothing_is_not_clean(bot: Bot) -> None:
    bot.day(bot.days[0], mode="rust", served=0)
    assert (only(bot).state, only(bot).reasons) == (
        "inconclusive",
        ["in rust the candidate served none of 1,000 calls of bot:price: exuvia status says who did"],
    )
    bot.segments.clear()
    bot.day(bot.days[0], mode="rust", served=1)
    assert only(bot).state == "clean"


def test_evidence_that_does_not_say_who_served_counts_as_none_served(bot: Bot) -> None:
    seen = bot.day(bot.days[0], mode="canary")
    for entry in seen.sessions:
        entry["hours"] = {hour: counted[:4] for hour, counted in entry["hours"].items()}
    assert only(bot).state == "inconclusive"


def test_fx_is_put_together_of_two_days_of_utc(tmp_path: Path) -> None:
    bot = Bot(tmp_path, "FX24x5")
    for day in ("2026-02-02", "2026-02-03"):
        bot.day(day)
    assert [(found.day, found.state, found.compared) for found in bot.sessions()] == [
        ("2026-02-02", "clean", 1000),
        ("2026-02-03", "clean", 1000),
    ]
    # Sunday evening is Monday's; Friday after the close is nobody's session, and still seen.
    friday = Calendar("FX24x5").session("2026-02-06")
    assert friday is not None
    bot.day("2026-02-06", to_ns=friday.close + MINUTE)
    assert bot.sessions()[-1].state == "clean"


def test_around_the_clock_every_day_is_a_session(tmp_path: Path) -> None:
    bot = Bot(tmp_path, "24/7")
    for day in ("2026-02-06", "2026-02-07", "2026-02-08"):
        bot.day(day)
    assert [found.state for found in bot.sessions()] == ["clean"] * 3


def test_mixed_f_and_two_builds_are_named(bot: Bot) -> None:
    bot.day(bot.days[0])
    bot.day(bot.days[0], build="b2")
    assert "two builds in one fleet: b1, b2" in only(bot).reasons
    bot.segments[1].header["fingerprints"] = {UNIT: "other"}
    assert any(reason.startswith("mixed F: bot:price ran as ") for reason in only(bot).reasons)


def test_a_rehearsal_never_counts(bot: Bot) -> None:
    bot.day(bot.days[0]).header["rehearsal"] = True
    assert only(bot).reasons == ["a rehearsal's evidence does not count"]


@pytest.mark.usefixtures("trusted")
def test_a_group_passes_on_its_clean_sessions_and_fails_for_good_on_one_that_differs(bot: Bot) -> None:
    for number, day in enumerate(bot.days[:3], 1):
        bot.day(day)
        verdict = bot.verdict(day=day)
        assert verdict.verdict == ("PASS" if number == 3 else "INCONCLUSIVE"), verdict.reasons
    assert verdict.exit_code == 0
    assert verdict.bounds["days"]["bound"] == pytest.approx(1 - 0.05 ** (1 / 3))
    assert verdict.bounds["calls"]["bound"] == pytest.approx(1 - 0.05 ** (1 / 3000))
    bot.day(bot.days[3], differed=1)
    for day in bot.days[4:14]:
        bot.day(day)
    failed = bot.verdict()
    assert (failed.verdict, failed.exit_code) == ("FAIL", 1)
    assert failed.reasons[0].startswith(f"{bot.days[3]} is dirty: 1 of 1,000 compared calls differ")
    # What came before is still what it was on its day.
    assert bot.verdict(day=bot.days[2]).verdict == "PASS"


@pytest.mark.usefixtures("trusted")
def test_a_hot_fix_in_the_clean_days_starts_the_count_again(bot: Bot) -> None:
    for day in bot.days[:2]:
        bot.day(day)
    bot.day(bot.days[2], differed=3)
    (bot.folder / "bot.py").write_text("def price(n):\n    return n + 0\n")
    assert "0 of 3 clean sessions" in bot.verdict().reasons
    for day in bot.days[3:6]:
        bot.day(day)
    verdict = bot.verdict()
    assert (verdict.verdict, verdict.bounds["days"]["clean"]) == ("PASS", 3)
    assert verdict.notes == [
        "3 sessions of another F are not counted: the count started again with the new one",
    ]
    assert [session.current for session in verdict.sessions] == [False] * 3 + [True] * 3


@pytest.mark.usefixtures("trusted")
def test_a_thin_stratum_is_named_and_an_empty_one_is_inconclusive(bot: Bot) -> None:
    for day in bot.days[:3]:
        bot.day(day, strata=[["side=Buy", 990, 0], ["side=Sell", 10, 0]])
    verdict = bot.verdict()
    assert verdict.verdict == "PASS"
    assert verdict.notes == ["1 thin strata, more than 1% of their calls may differ: bot:price side=Sell"]
    (buy, sell) = verdict.bounds["strata"]
    assert (buy["thin"], sell["thin"], sell["bound"]) == (False, True, pytest.approx(1 - 0.05 ** (1 / 30)))
    bot.segments[0].counters[UNIT]["strata"].append(["side=None", 0, 0])
    assert bot.verdict().reasons == ["stratum 'side=None' of bot:price: nothing was compared"]


@pytest.mark.usefixtures("trusted")
def test_a_step_counts_sessions_of_the_mode_before_it(bot: Bot) -> None:
    for day in bot.days[:3]:
        bot.day(day)
    for day in bot.days[3:5]:
        bot.day(day, mode="canary")
    assert bot.verdict(to="canary").verdict == "PASS"
    waiting = bot.verdict(to="rust")
    assert (waiting.verdict, waiting.bounds["days"]["clean"]) == ("INCONCLUSIVE", 2)
    assert "3 sessions were not in mode canary and are not counted" in waiting.notes
    bot.day(bot.days[5], mode="canary")
    assert bot.verdict(to="rust").verdict == "PASS"


def timed(legacy: dict[int, int], candidate: dict[int, int]) -> dict[str, Any]:
    """Counters of calls by time in ns."""
    sides = {"legacy": legacy, "candidate": candidate}
    return {"times": {side: [[bucket(ns), calls] for ns, calls in held.items()] for side, held in sides.items()}}


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("legacy", "candidate", "verdict", "said"),
    [
        ({1_000: 1_000}, {500: 980, 4_000: 20}, "FAIL", "the candidate is slower: its p99 is 3,968 to 4,096 ns"),
        ({1_000: 1_000}, {1_900: 1_000}, "FAIL", "the candidate is slower"),
        ({1_000: 1_000}, {1_030: 1_000}, "FAIL", "the candidate is slower"),
        ({1_000: 1_000}, {1_000: 1_000}, "PASS", ""),
        ({1_000: 1_000}, {600: 1_000}, "PASS", ""),
        # Few slow calls: the percentile may as well lie among the fast ones.
        ({1_000: 1_000}, {500: 990, 4_000: 10}, "INCONCLUSIVE", "cannot be told yet: its p99 is 496 to 4,096 ns"),
        ({1_000: 100_000}, {500: 99_700, 4_000: 300}, "PASS", ""),
        ({1_000: 99}, {500: 99}, "INCONCLUSIVE", "99 calls of legacy and 99 of the candidate were timed"),
        ({}, {}, "INCONCLUSIVE", "0 calls of legacy and 0 of the candidate were timed"),
    ],
)
def test_a_candidate_becomes_a_canary_only_if_its_p99_is_surely_not_above_legacys(
    bot: Bot, legacy: dict[int, int], candidate: dict[int, int], verdict: str, said: str
) -> None:
    bot.day(bot.days[0], counters=timed(legacy, candidate))
    for day in bot.days[1:3]:
        bot.day(day, counters=timed({}, {}))
    assert bot.verdict().verdict == "PASS"
    found = bot.verdict(to="canary")
    assert (found.verdict, len(found.reasons)) == (verdict, int(verdict != "PASS")), found.reasons
    assert all(said in reason for reason in found.reasons), found.reasons
    where = "measured the candidate's in its worker process and legacy's in the program"
    assert (where in "".join(found.notes)) == (sum(legacy.values()) > 299), found.notes


def test_the_bounds_of_a_p99_hold_as_often_as_they_say() -> None:
    dice, held = random.Random(5), [0, 0]
    true = 1_000 * math.exp(2.3263 * 0.5)
    for _ in range(400):
        times = Counter(bucket(int(1_000 * math.exp(dice.gauss(0, 0.5)))) for _ in range(500))
        low, high = latency.p99(times) or (0, 0)
        held[0] += low <= true
        held[1] += true <= high
    assert all(count > 0.93 * 400 for count in held), held
    assert latency.p99({bucket(ns): 1 for ns in range(10**6, 10**6 + 298 * 10**5, 10**5)}) is None


def test_without_a_self_test_the_evidence_does_not_count(bot: Bot) -> None:
    for day in bot.days[:3]:
        bot.day(day)
    verdict = bot.verdict()
    assert verdict.verdict == "INCONCLUSIVE"
    assert "self-test" in verdict.reasons[0]
    assert verdict.reasons[0].endswith("so its evidence does not count")


def test_a_self_test_below_a_hundred_per_cent_is_named(tmp_path: Path) -> None:
    pytest.importorskip("exuvia.migrate.comparator.selftest")
    outcome = base64.b64encode(pickle.dumps(({"price": 1.5, "side": "Buy", "n": [1, 2, 3]}, None))).decode()
    narrow = 'compare = { "$.price" = "abs:9" }'
    for name, more, verdict in (
        ("plain", "", "PASS"),
        ("narrow", narrow, "PASS"),
        ("wide", 'compare = { "$.price" = "abs:9000" }', "INCONCLUSIVE"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        bot = Bot(folder, more=more)
        for day in bot.days[:3]:
            bot.day(day).calls.append({"unit": UNIT, "outcome": outcome})
        found = bot.verdict()
        assert found.verdict == verdict, found.reasons
        assert any("declared tolerances: $.price abs:9 hides " in note for note in found.notes) == (name == "narrow")
    assert "the comparator's self-test: " in found.reasons[0]
    assert found.reasons[0].endswith("so its evidence does not count")


def test_a_unit_of_which_no_call_was_recorded_cannot_be_tested(bot: Bot) -> None:
    pytest.importorskip("exuvia.migrate.comparator.selftest")
    for day in bot.days[:3]:
        bot.day(day).calls.append({"unit": UNIT, "outcome": "no pickle"})
    assert "no call was recorded for the comparator's self-test" in bot.verdict().reasons[0]
    # A unit that returns nothing is tested all the same, on values that were made up.
    nothing = base64.b64encode(pickle.dumps((None, None))).decode()
    bot.segments[0].calls = [{"unit": "other:unit", "outcome": "x"}, {"unit": UNIT, "outcome": nothing}]
    assert bot.verdict().verdict == "PASS"


@pytest.mark.usefixtures("trusted")
def test_an_unknown_calendar_and_a_broken_journal_are_inconclusive(tmp_path: Path) -> None:
    from dataclasses import replace

    from exuvia.migrate.gates.judge import group_verdict
    from exuvia.migrate.modes.journal import Journal

    bot = Bot(tmp_path)
    for day in bot.days[:3]:
        bot.day(day)
    broken = group_verdict(bot.config, bot.group, bot.segments, Journal(broken="line 3"))
    assert (broken.verdict, broken.reasons) == ("INCONCLUSIVE", ["the mode journal cannot be trusted: line 3"])
    unknown = group_verdict(bot.config, replace(bot.group, calendar="XLON"), bot.segments, Journal())
    assert unknown.verdict == "INCONCLUSIVE"
    assert "calendar 'XLON' is unknown" in unknown.reasons[0].replace('"', "'")


def test_nothing_on_record_is_inconclusive(bot: Bot) -> None:
    verdict = bot.verdict()
    assert (verdict.verdict, verdict.exit_code) == ("INCONCLUSIVE", 3)
    assert "nothing is on record" in verdict.reasons[0]
    asked = bot.verdict(day="2026-02-02")
    assert "open but silent" in " ".join(asked.reasons)
    assert "is not a session of its calendar" in " ".join(bot.verdict(day="2026-02-01").reasons)
    assert SECOND == 10**9


@pytest.mark.usefixtures("trusted")
def test_evidence_on_disk_is_judged_as_it_was_written(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    for day in bot.days[:3]:
        bot.day(day)
    bot.day(bot.days[3]).troubles.append(Said("clock", "the clock jumped", bot.desk.hours(bot.days[3])[0] + 9))
    bot.write_down()
    words = ["gate", "bars", "--config", str(bot.folder / "exuvia.toml"), "--json"]
    assert cli.main([*words, "--day", bot.days[2]]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["overall"], said["sessions_clean"], said["bounds"]["calls"]["compared"]) == ("PASS", 3, 3000)
    assert cli.main(words) == 3
    said = json.loads(capsys.readouterr().out)
    assert [session["state"] for session in said["sessions"]] == ["clean", "clean", "clean", "inconclusive"]
    assert said["sessions"][3]["reasons"][0].endswith("the clock jumped")
    assert (said["overall"], said["day_alone"]) == ("INCONCLUSIVE", "INCONCLUSIVE")
    bot.segments[1].mismatches.append({"unit": UNIT, "at": bot.desk.hours(bot.days[1])[0], "difference": "value"})
    bot.write_down()
    assert cli.main(words) == 1
    assert json.loads(capsys.readouterr().out)["reasons"][0].startswith(f"{bot.days[1]} is dirty")
