"""What a gate must not leave out: differences of this F wherever they were seen, lost evidence, hours without any."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.errors import ConfigError
from exuvia.migrate import fingerprint, load
from exuvia.migrate.cli import main as cli
from exuvia.migrate.comparator import ledger
from exuvia.migrate.evidence import compact, members, reading
from exuvia.migrate.evidence.buckets import bucket
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.face import advice
from exuvia.migrate.gates import judge, restarts, selftest, settled
from exuvia.migrate.gates.alive import MINUTE, share
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal
from gate_files import UNIT, UNITS, Bot, Desk, Seen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OTHER = "bot2:price"
PAIR = '[exuvia]\n[group.p]\ncalendar = "XNYS"\nsessions = 5\n[group.p.gate.equity]\nkind = "paired"\n'


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparator's self-test is a test of its own: here it caught everything."""
    monkeypatch.setattr(selftest, "trouble", lambda *_: None)


@pytest.fixture
def bot(tmp_path: Path) -> Bot:
    return Bot(tmp_path)


def verdict_on_disk(bot: Bot) -> judge.GroupVerdict:
    segments = reading.read_folder(bot.config.evidence)
    return judge.group_verdict(bot.config, bot.group, segments, journal.read(bot.config.evidence))


def pair(folder: Path, more: str = "") -> Bot:
    """A group of two units."""
    bot = Bot(folder)
    (folder / "bot2.py").write_text("def price(n):\n    return n\n")
    text = UNITS.format(calendar="XNYS", sessions=3, more="").replace('["bot:price"]', f'["{UNIT}", "{OTHER}"]')
    bot.desk = Desk(folder, f'{text}[unit."{OTHER}"]\ncandidate = "shim:price"\neffect = "pure"\n{more}', "bars")
    bot.config = load(folder / "exuvia.toml")
    bot.group = bot.config.groups["bars"]
    return bot


def second(bot: Bot, seen: Seen, day: str, minutes: list[list[int]], counts: list[int]) -> None:
    """What the second unit of a group left on a day: `counts` are calls, compared, differed, missed, served."""
    sources = {str(bot.folder / name): "?" for name in ("bot2.py", "shim.py")}
    seen.header["sources"][OTHER] = sources
    print_ = fingerprint.current(bot.config, bot.config.units[OTHER], {"sources": {OTHER: sources}})
    seen.header["fingerprints"][OTHER] = print_
    seen.counters[OTHER] = {"mode": "shadow", "signatures": 1, "strata": [["", counts[1], counts[2]]]}
    seen.sessions.append({"unit": OTHER, "day": day, "minutes": minutes, "hours": {"15": counts}})
    seen.novel.append({"unit": OTHER, "at": bot.desk.hours(day)[0], "signatures": [1]})


def test_a_difference_on_a_day_without_a_session_ends_the_count(bot: Bot) -> None:
    for day in bot.days[:3]:
        bot.day(day)
    strata = {"strata": [["", 1000, 500]], "mode": "shadow", "signatures": 4}
    late = Seen(bot.header(), {UNIT: strata})
    late.sessions = [
        {"unit": UNIT, "day": "2026-02-07", "minutes": [[600, 660]], "hours": {"10": [1000, 1000, 500, 0, 0]}}
    ]
    bot.segments.append(late)
    assert bot.verdict().verdict == "FAIL"


def test_a_difference_of_this_f_on_the_day_it_came_ends_the_count_and_one_of_the_old_f_does_not(bot: Bot) -> None:
    noon = bot.desk.hours(bot.days[0])[0] + 180 * MINUTE
    old, new = bot.day(bot.days[0], to_ns=noon), bot.day(bot.days[0], from_ns=noon, differed=500)
    old.header["fingerprints"] = {UNIT: "0ld"}
    for day in bot.days[1:4]:
        bot.day(day)
    assert bot.verdict().verdict == "FAIL"
    for hours in new.sessions[0]["hours"].values():
        hours[2] = 0
    old.sessions[0]["hours"]["14"][2] = 500
    found = bot.verdict()
    assert (found.verdict, found.bounds["days"]["dirty"]) == ("PASS", 0)


def test_a_difference_of_one_unit_counts_where_another_of_its_group_left_nothing(tmp_path: Path) -> None:
    bot = pair(tmp_path)
    bot.day(bot.days[0], differed=500)
    for day in bot.days[1:4]:
        second(bot, bot.day(day), day, [[870, 1259]], [1000, 1000, 0, 0, 0])
    found = bot.verdict()
    assert [session.state for session in found.sessions] == ["dirty", "clean", "clean", "clean"]
    assert found.verdict == "FAIL"


def test_a_difference_of_this_f_counts_for_every_step_whatever_mode_it_was_seen_in(bot: Bot) -> None:
    bot.day(bot.days[0], differed=1)
    for day in bot.days[1:4]:
        bot.day(day, mode="canary")
    assert bot.verdict(to="rust").verdict == "FAIL"


def hurt(folder: Path, how: Callable[[Path], None]) -> Bot:
    """Four days, of which a second process saw three differences; then something happens to its file."""
    bot = Bot(folder)
    for day in bot.days[:4]:
        bot.day(day)
    at = bot.desk.hours(bot.days[1])[0] + 5
    bad = bot.day(bot.days[1], differed=3)
    bad.mismatches = [
        {"unit": UNIT, "at": at, "difference": "value", "path": "$", "place": "$", "legacy": "1", "candidate": "2"}
    ]
    bot.write_down()
    path = sorted(bot.config.evidence.glob("*.seg"))[-1]
    assert verdict_on_disk(bot).verdict == "FAIL"
    how(path)
    return bot


def flip(at: int) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    return change


def link(path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    path.symlink_to(path.with_suffix(".away"))


HARM: dict[str, Callable[[Path], None]] = {
    "open to others": lambda path: path.chmod(0o666),
    "zeroed": lambda path: path.write_bytes(b"\0" * path.stat().st_size) and None,
    "empty": lambda path: path.write_bytes(b"") and None,
    "cut in its header": lambda path: os.truncate(path, 40),
    "a bit of its header": flip(10),
    "a link": link,
}


@pytest.mark.parametrize("how", HARM)
def test_evidence_that_cannot_be_read_lets_no_gate_pass(tmp_path: Path, how: str) -> None:
    bot = hurt(tmp_path, HARM[how])
    found = verdict_on_disk(bot)
    # Where a difference can still be read without the F that it is of, it is taken as one of now.
    assert found.verdict == ("FAIL" if how == "a bit of its header" else "INCONCLUSIVE"), found.reasons
    assert any("nobody knows whether something differed" in reason for reason in found.reasons), found.reasons
    states = reading.statuses(bot.config, reading.read_folder(bot.config.evidence))
    assert [state.verdict for state in states] == ["INCONCLUSIVE"], "status says no more than the gate"


def test_what_cannot_be_read_is_left_behind_with_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = hurt(tmp_path, HARM["zeroed"])
    monkeypatch.setattr(restarts, "time_ns", lambda: bot.desk.hours(bot.days[8])[0])
    restarts.append(bot.config.evidence, bot.group, "the disk was exchanged")
    assert not any("nobody knows" in reason for reason in verdict_on_disk(bot).reasons)


def test_a_segment_that_was_removed_is_missed(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    header = bot.header()
    for _ in range(3):
        segment = Segment(bot.config.evidence, header)
        segment.counters({UNIT: {"mode": "shadow", "compared": 9, "signatures": 1}}, ended=True)
        segment.close()
    old, gone, last = (path.name for path in sorted(bot.config.evidence.glob("*.seg")))
    assert members.names(bot.config.evidence) == [old, gone, last]
    assert reading.statuses(bot.config, reading.read_folder(bot.config.evidence))[0].verdict == "PASS"
    (bot.config.evidence / gone).unlink()
    found = reading.read_folder(bot.config.evidence)
    assert [trouble.what for trouble in found[1].troubles] == ["missing"]
    began, over, _ = found[1].unknown[0]
    assert began < over <= began + 24 * 60 * MINUTE, "it ends with its day of UTC"
    state = reading.statuses(bot.config, found)[0]
    assert (state.verdict, state.counts["compared"]) == ("INCONCLUSIVE", 18)
    assert f"{gone} was begun in this folder and is gone" in state.reason


def test_what_was_removed_before_this_f_was_seen_is_no_matter_of_it(tmp_path: Path) -> None:
    bot = Bot(tmp_path)
    bot.config.evidence.mkdir(mode=0o700)
    members.enter(bot.config.evidence, "1-h-1-0.seg")
    segment = Segment(bot.config.evidence, bot.header())
    segment.counters({UNIT: {"mode": "shadow", "compared": 9, "signatures": 1}}, ended=True)
    segment.close()
    assert reading.statuses(bot.config, reading.read_folder(bot.config.evidence))[0].verdict == "PASS"


@pytest.mark.parametrize("change", ["a letter", "gone"])
def test_a_compacted_day_whose_head_was_touched_lets_no_gate_pass(tmp_path: Path, change: str) -> None:
    bot = Bot(tmp_path)
    for day in bot.days[:4]:
        bot.day(day, differed=3 if day == bot.days[1] else 0)
    for seen in bot.segments:
        seen.header |= {"started_ns": seen.novel[0]["at"], "host": "desk1"}
    bot.write_down()
    compact.compact(bot.config.evidence)
    for path in bot.config.evidence.glob("*.seg"):
        path.unlink()
    assert verdict_on_disk(bot).verdict == "FAIL"
    head = bot.config.evidence / f"date={bot.days[1]}" / "head.json"
    if change == "gone":
        head.unlink()
    else:
        head.write_text(head.read_text().replace("desk1", "desk2", 1))
    found = verdict_on_disk(bot)
    assert found.verdict == "INCONCLUSIVE", found.reasons


def test_each_unit_of_a_group_is_at_work_by_itself(tmp_path: Path) -> None:
    bot = pair(tmp_path)
    second(bot, bot.day(bot.days[0]), bot.days[0], [[900, 910]], [1000, 1000, 0, 0, 0])
    (found,) = bot.sessions()
    assert found.alive == {UNIT: 1.0, OTHER: pytest.approx(11 / 390)}
    assert f"{OTHER} was active for 2.8% of the session" in found.reasons[0]


@pytest.mark.parametrize(("activity", "state"), [("daily", "clean"), ("6 h", "inconclusive"), ("7 h", "clean")])
def test_a_unit_that_is_called_seldom_by_nature_says_so(tmp_path: Path, activity: str, state: str) -> None:
    bot = pair(tmp_path, f'activity = "{activity}"\n')
    second(bot, bot.day(bot.days[0]), bot.days[0], [[900, 910]], [1000, 1000, 0, 0, 0])
    (found,) = bot.sessions()
    assert found.state == state, found.reasons


def test_an_activity_that_is_no_length_is_refused_with_its_line(tmp_path: Path) -> None:
    for word in ('"weekly"', "30", "true"):
        with pytest.raises(ConfigError, match=r"exuvia\.toml:\d+: .*activity"):
            pair(tmp_path, f"activity = {word}\n")


def test_drops_are_counted_of_each_unit(tmp_path: Path) -> None:
    bot = pair(tmp_path)
    seen = bot.day(bot.days[0], compared=1_000_000)
    second(bot, seen, bot.days[0], [[870, 1259]], [1000, 100, 0, 900, 0])
    (found,) = bot.sessions()
    assert found.reasons == [f"900 of 1,000 calls of {OTHER} that were to be compared were missed: more than 0.1%"]


def test_another_libc_or_cpu_marks_the_session_and_asks_for_a_replay(bot: Bot) -> None:
    for number, day in enumerate(bot.days[:3]):
        bot.day(day).header.update({"host": f"m{number}", "libc": f"glibc 2.3{number // 2}", "cpu": "x"})
    found = bot.verdict()
    (note,) = [note for note in found.notes if "libc" in note]
    assert note.startswith(f"{bot.days[2]} ran on another libc or CPU than {bot.days[1]}") and "exuvia replay" in note


@pytest.mark.parametrize("counters", [{"signatures": 4096}, {"signatures": 16_384, "unlisted": 80_000}])
def test_a_process_that_ended_its_list_of_kinds_covers_nothing(bot: Bot, counters: dict[str, Any]) -> None:
    bot.day(bot.days[0], compared=1_000_000, signatures=list(range(1000)), counters=counters)
    (found,) = bot.sessions()
    assert found.state == "inconclusive" and "coverage of bot:price is" in found.reasons[0]


def equity(folder: Path, abs_: str = "50.00", more: str = "") -> Desk:
    return Desk(folder, f'{PAIR}key = ["scenario", "ts"]\nabs = "{abs_}"\nspread = "normal"\n{more}', "p")


def day_of(at: Desk, day: str, apart: float = 0.0, build: Callable[[int], str] = lambda _: "v1") -> None:
    rows = [{"scenario": "a", "ts": ts, "equity": "100.00", "b": "L"} for ts in at.every(day, 60)]
    at.both(
        day,
        "equity.jsonl",
        rows,
        [{**row, "equity": f"{100 + apart:.2f}", "b": build(n)} for n, row in enumerate(rows)],
    )


def test_a_gate_that_is_widened_starts_the_count_again_and_one_that_comes_back_finds_its_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = equity(tmp_path)
    moment = [at.hours(at.days[0])[0]]
    monkeypatch.setattr(settled, "time_ns", lambda: moment[0])
    for day in at.days[:5]:
        day_of(at, day, 80)
    assert at.verdict().verdict == "FAIL"
    moment[0] = at.hours(at.days[5])[0]
    text = (tmp_path / "exuvia.toml").read_text()
    (tmp_path / "exuvia.toml").write_text(text.replace("50.00", "500.00"))
    found = at.verdict()
    assert (found.verdict, found.bounds["days"]["clean"]) == ("INCONCLUSIVE", 0)
    for day in at.days[5:10]:
        day_of(at, day, 80)
    assert at.verdict().verdict == "PASS", "five sessions under the new settings"
    moment[0] = at.hours(at.days[10])[0]
    (tmp_path / "exuvia.toml").write_text(text)
    for day in at.days[10:15]:
        day_of(at, day)
    assert at.verdict().verdict == "FAIL", "what was asked for at first failed"


def test_settings_that_cannot_be_put_on_record_are_inconclusive(tmp_path: Path) -> None:
    at = equity(tmp_path)
    for day in at.days[:5]:
        day_of(at, day)
    (tmp_path / "evidence").mkdir(mode=0o700)
    (tmp_path / "evidence" / settled.FILE).write_text("{\n")
    found = at.verdict()
    assert found.verdict == "INCONCLUSIVE" and "gates.jsonl:1: not a record" in " ".join(found.reasons)


def test_a_build_that_fails_on_its_first_half_day_is_not_forgiven(tmp_path: Path) -> None:
    at = equity(tmp_path, more='build = "b"\n')
    day_of(at, at.days[0], 800, lambda n: "v1" if n < 200 else "v2")
    for day in at.days[1:7]:
        day_of(at, day, 0, lambda _: "v2")
    found = at.verdict()
    assert found.verdict == "FAIL" and "--restart" in " ".join(found.reasons)


def test_one_days_artefacts_in_another_days_folder_are_no_session(tmp_path: Path) -> None:
    at = equity(tmp_path)
    rows = [{"scenario": "a", "ts": ts, "equity": "100.00"} for ts in at.every(at.days[0], 60)]
    for day in at.days[:5]:
        at.both(day, "equity.jsonl", rows, rows)
    found = at.verdict()
    assert [session.state for session in found.sessions] == ["clean", *["inconclusive"] * 4]
    assert "390 of 390 rows of legacy are of another day than 2026-02-06" in " ".join(found.sessions[4].reasons)


def test_artefacts_of_a_minute_are_no_session_on_either_side(tmp_path: Path) -> None:
    at = equity(tmp_path)
    whole = [{"scenario": "a", "ts": ts, "equity": "100.00"} for ts in at.every(at.days[0], 60)]
    for legacy, candidate, silent in ((whole, whole[:1], "candidate"), (whole[:1], whole[:1], "legacy")):
        at.both(at.days[0], "equity.jsonl", legacy, candidate)
        session = at.verdict(at.days[0]).sessions[0]
        assert session.activity == pytest.approx(1 / 390)
        assert f"equity ({silent}) was active for 0.3% of the session" in " ".join(session.reasons)


@pytest.mark.parametrize(("more", "state"), [("", "inconclusive"), ('activity = "daily"\n', "clean")])
def test_artefacts_without_a_time_are_a_session_only_if_they_are_daily_by_nature(
    tmp_path: Path, more: str, state: str
) -> None:
    text = f'[exuvia]\n[group.p]\ncalendar = "XNYS"\n[group.p.gate.closed]\nkind = "count"\n{more}'
    at = Desk(tmp_path, text, "p")
    at.both(at.days[0], "closed.jsonl", [{"n": 1}], [{"n": 1}])
    session = at.verdict(at.days[0]).sessions[0]
    assert session.state == state, session.reasons
    assert more or "activity is unknown" in session.reasons[0]


def test_a_stretch_is_as_long_as_is_declared_and_the_last_one_may_be_shorter() -> None:
    start = 20_000 * 24 * 60 * MINUTE
    first = start // MINUTE
    assert share({first + 5, first + 95}, start, start + 100 * MINUTE, 1800).share == 0.5
    assert share({first - 1, first + 100}, start, start + 100 * MINUTE, 60).share == 0.0
    assert share({first}, start, start + 100 * MINUTE, 60).silent == "silent from 00:01 to 01:40 UTC"


def parquet(at: Desk, side: str, day: str, name: str, rows: int) -> None:
    pa = pytest.importorskip("pyarrow")
    from exuvia import lake

    opened = at.hours(day)[0]
    times = pa.array([opened + n * 1_000_000 for n in range(rows)], pa.timestamp("ns", "UTC"))
    table = pa.table({"symbol": ["SPY"] * rows, "ts": times, "close": [1.0] * rows})
    lake.write_parquet(at.folder / "artefacts" / side / day / "eod" / name, table)


@pytest.mark.parametrize(("rows", "state"), [(5, "clean"), (6, "dirty"), (10_000, "dirty")])
def test_the_rows_of_a_file_that_one_side_lacks_count(tmp_path: Path, rows: int, state: str) -> None:
    gate = 'kind = "parquet"\nkey = ["symbol", "ts"]\nfiles = 1\nrows = 5\nactivity = "daily"\n'
    at = Desk(tmp_path, f'[exuvia]\n[group.l]\ncalendar = "XNYS"\n[group.l.gate.eod]\n{gate}', "l")
    for side in ("legacy", "candidate"):
        parquet(at, side, at.days[0], "a.parquet", 100)
    parquet(at, "legacy", at.days[0], "b.parquet", rows)
    session = at.verdict(at.days[0]).sessions[0]
    assert session.state == state, session.reasons
    assert session.gates["eod"].numbers["rows"] == {
        "legacy": 100 + rows,
        "candidate": 100,
        "key_difference": rows,
        "other_values": 0,
    }


def test_rows_of_parquet_files_do_not_cancel(tmp_path: Path) -> None:
    gate = 'kind = "parquet"\nkey = ["symbol", "ts"]\nrows = 5\nactivity = "daily"\n'
    at = Desk(tmp_path, f'[exuvia]\n[group.l]\ncalendar = "XNYS"\n[group.l.gate.eod]\n{gate}', "l")
    for number in range(2):
        parquet(at, "legacy", at.days[0], f"{number}.parquet", 105 if number else 100)
        parquet(at, "candidate", at.days[0], f"{number}.parquet", 100 if number else 105)
    reasons = at.verdict(at.days[0]).sessions[0].reasons
    assert reasons[0].startswith("gate eod: 10 rows of all files are on one side only")


def test_no_number_is_a_bin_of_its_own(tmp_path: Path) -> None:
    gate = 'kind = "histogram"\nkey = ["s"]\nvalue = "x"\nbins = [0.0, 1.0]\nabs = 0\nactivity = "daily"\n'
    at = Desk(tmp_path, f'[exuvia]\n[group.h]\ncalendar = "XNYS"\n[group.h.gate.r]\n{gate}', "h")
    for candidate, state in ((5.0, "dirty"), (float("nan"), "clean")):
        at.both(at.days[0], "r.jsonl", [{"s": "a", "x": float("nan")}], [{"s": "a", "x": candidate}])
        assert at.verdict(at.days[0]).sessions[0].state == state


def test_opposite_differences_of_series_that_come_once_do_not_cancel(tmp_path: Path) -> None:
    text = f'{PAIR}key = ["run", "ts"]\nabs = "50.00"\nspread = "normal"\n'
    at = Desk(tmp_path, text, "p")
    for day in at.days[:5]:
        times = at.every(day, 60)
        rows = [{"run": f"{name}-{day}", "ts": ts, "equity": "100.00"} for name in "ab" for ts in times]
        other = [{**row, "equity": "140.00" if str(row["run"])[0] == "a" else "60.00"} for row in rows]
        at.both(day, "equity.jsonl", rows, other)
    found = at.verdict()
    assert (found.verdict, found.gates[0].intervals["bias (others, in size)"]["estimate"]) == ("FAIL", 40.0)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31"])
def test_a_day_that_no_calendar_has_is_no_traceback(
    tmp_path: Path, day: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Bot(tmp_path)
    assert cli.main(["gate", "bars", "--config", str(tmp_path / "exuvia.toml"), "--day", day]) in (2, 3)
    assert "Traceback" not in capsys.readouterr().err


DECLARED = """[[unit."bot:price".diverges]]
path = "$.price"
owner = "ana"
reason = "off the grid"
expires = 2026-12-31
budget = 10
"""
DECLARED_AS = "declared(ana, off the grid, until=2026-12-31, budget=10)"
IGNORED_AS = "ignore(ana, clock, until=2026-12-31, budget=10)"


@pytest.mark.parametrize("name", [DECLARED_AS, IGNORED_AS])
def test_a_budget_is_one_for_all_processes_and_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(ledger, "today", lambda: date(2026, 3, 2))
    bot = Bot(tmp_path, more=DECLARED)
    for day in bot.days[:3]:
        bot.day(day, counters={"ignored": [["$.price", name, 3]]})
    bot.write_down()
    assert verdict_on_disk(bot).verdict == "PASS"
    assert reading.statuses(bot.config, reading.read_folder(bot.config.evidence))[0].verdict == "PASS"
    bot.day(bot.days[3], counters={"ignored": [["$.price", name, 2]]})
    bot.write_down()
    found = verdict_on_disk(bot)
    assert (found.verdict, "11 hits of a budget of 10" in found.reasons[0]) == ("FAIL", True), found.reasons
    (state,) = reading.statuses(bot.config, reading.read_folder(bot.config.evidence))
    assert (state.verdict, "11 hits of a budget of 10" in state.reason) == ("FAIL", True), state.reason
    assert [line["state"] for line in state.as_dict()["ledger"] if line["hits"]] == ["over budget"]


@pytest.mark.parametrize("name", [DECLARED_AS, IGNORED_AS])
def test_what_was_declared_until_a_day_is_a_difference_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    bot = Bot(tmp_path, more=DECLARED)
    for day in bot.days[:3]:
        bot.day(day, counters={"ignored": [["$.price", name, 3]]})
    monkeypatch.setattr(ledger, "today", lambda: date(2026, 12, 31))
    assert bot.verdict().verdict == "PASS"
    monkeypatch.setattr(ledger, "today", lambda: date(2027, 1, 1))
    found = bot.verdict()
    assert (found.verdict, "expired on 2026-12-31" in found.reasons[0]) == ("FAIL", True)
    assert bot.verdict(day=bot.days[2]).verdict == "PASS", "of a day that is past it is asked by that day"


def test_a_declaration_that_was_never_hit_fails_nothing_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "today", lambda: date(2027, 1, 1))
    bot = Bot(tmp_path, more=DECLARED)
    for day in bot.days[:3]:
        bot.day(day)
    assert bot.verdict().verdict == "PASS"


def test_a_candidate_that_is_too_slow_for_a_canary_is_named_before_anybody_waits_for_sessions(bot: Bot) -> None:
    slow = {"times": {"legacy": [[bucket(1_000), 1_000]], "candidate": [[bucket(9_000), 1_000]]}}
    bot.day(bot.days[0], counters=slow)
    found = bot.verdict()
    assert found.notes[0].startswith(
        "the step to canary would be FAIL, however many sessions: bot:price: the candidate is"
    )
    assert bot.verdict(to="canary").reasons[0] == found.ahead[0] == found.as_dict()["ahead"][0]
    state = UnitStatus(UNIT, "shadow", effective="shadow")
    said = advice.advise(bot.config, bot.group, [state], journal.Journal(), found)
    assert "More sessions do not help: bot:price: the candidate is slower" in said.text
    bot.segments.clear()
    bot.day(bot.days[0], mode="canary", counters=slow | {"mode": "canary"}, served=100)
    assert bot.verdict().ahead == [], "a step that is taken is not asked again"
