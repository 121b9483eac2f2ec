"""The business gates: settings that are wrong are named with their line, wrong artefacts make no verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from exuvia import _exuvia, lake
from exuvia.errors import ConfigError, SchemaError
from exuvia.migrate import load
from exuvia.migrate.gates import artefacts, kinds
from gate_files import MINUTE, SECOND, Desk

if TYPE_CHECKING:
    from pathlib import Path

HEAD = '[exuvia]\ncalendar = "XNYS"\n[group.desk]\nsessions = 1\n[group.desk.gate.'


def desk(folder: Path, gate: str, sessions: int = 1, daily: bool = True) -> Desk:
    """A group of one gate, whose artefacts are a few rows a day by nature unless it is said that they are not."""
    more = 'activity = "daily"\n' if daily and '"freshness"' not in gate else ""
    return Desk(folder, HEAD.replace("= 1", f"= {sessions}") + gate + more, "desk")


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ('x]\nkind = "paired"\nabs = "1"', [":6:", "needs key", 'key = ["scenario", "date"]']),
        ('x]\nkind = "paired"\nkey = ["a"]', ["needs abs", 'abs = "50.00"']),
        ('x]\nkind = "paired"\nkey = []\nabs = "1"', [":7:", "key = []", "list of names"]),
        ('x]\nkind = "paired"\nkey = ["a"]\nabs = 1.5', ["abs = 1.5", 'decimal text: "50.00"']),
        ('x]\nkind = "paired"\nkey = ["a"]\nabs = "-1"', ["abs = '-1'", "at least 0"]),
        ('x]\nkind = "paired"\nkey = ["a"]\nabs = "NaN"', ["abs = 'NaN'"]),
        ('x]\nkind = "paired"\nkey = ["a"]\nabs = "1"\nbias = "0"', [":9:", "bias = '0'", "above 0"]),
        ('x]\nkind = "paired"\nkey = ["a"]\nabs = "1"\nwithin = 0.1', ["unknown key 'within'"]),
        ('x]\nkind = "rate"', ["needs when", 'when = "ts"']),
        ('x]\nkind = "rate"\nwhen = "ts"\nwithin = "500 %"', ["within = '500 %'", '"5 %"']),
        ('x]\nkind = "rate"\nwhen = "ts"\nper = "1 month"', ["per = '1 month'", '"30 s"']),
        ('x]\nkind = "rate"\nwhen = " "', ["when = ' '", "must be a text"]),
        ('x]\nkind = "overlap"\nvalue = "s"\ninterval = 1', ["interval = 1", "true or false"]),
        ('x]\nkind = "overlap"\nvalue = "s"\nat_least = true', ["at_least = True"]),
        ('x]\nkind = "parquet"\nkey = ["a"]\nfiles = -1', ["files = -1", "whole number"]),
        ('x]\nkind = "parquet"\nkey = ["a"]\nrows = true', ["rows = True"]),
        ('x]\nkind = "histogram"\nvalue = "v"\nbins = [1, 0]', ["bins = [1, 0]", "ascend"]),
        ('x]\nkind = "histogram"\nvalue = "v"\nbins = "no"', ["bins = 'no'", "edges"]),
        ('x]\nkind = "freshness"\nevery = 0', ["every = 0", '"15 min"']),
        ('x]\nkind = "freshness"\nevery = 1\ngrace = true', ["grace = True"]),
        ('x]\nkind = "absent"', ["needs text", 'text = "401"']),
        ('x]\nkind = "count"\nwhere = 3', ["where = 3", 'status = "closed"']),
        ('x]\nkind = "count"\nlegacy = "a/{date}.jsonl"', ["legacy = 'a/{date}.jsonl'", "only {day}"]),
        ('x]\nkind = "count"\nlegacy = "a.jsonl"', ["legacy = 'a.jsonl' holds all days", "{day}"]),
        ('x]\nkind = "count"\nlegacy = "{day}"\ncandidate = "{day}"', ["both '{day}'", "nothing would be compared"]),
    ],
)
def test_a_setting_that_is_wrong_is_named_with_its_line(tmp_path: Path, gate: str, words: list[str]) -> None:
    path = tmp_path / "exuvia.toml"
    path.write_text(HEAD + gate + "\n", encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert all(word in str(caught.value) for word in words), caught.value


def test_settings_have_the_defaults_that_are_documented() -> None:
    params, wrong = kinds.checked("paired", {"kind": "paired", "key": ["scenario", "date"], "abs": "50.00"}, "equity")
    assert wrong is None
    assert (params["value"], params["by"], params["bias"], params["drift"]) == (
        "equity",
        ["scenario"],
        "9.0000",
        "9.0000",
    )
    assert params["legacy"] == "artefacts/legacy/{day}/equity.jsonl"
    exact, _ = kinds.checked("paired", {"kind": "paired", "key": ["a"], "abs": "0"}, "x")
    assert "bias" not in exact
    for kind in kinds.KINDS:
        assert set(kinds.checked(kind, {"kind": kind})[0]) <= {"kind", *kinds.keys(kind)}
    # What was checked can be checked again: a group's own settings go over a preset's.
    again, wrong = kinds.checked("rate", kinds.checked("rate", {"kind": "rate", "when": "ts", "per": "1 min"})[0])
    assert (again["per"], wrong) == (60.0, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is missing"),
        ("", "an empty comparison proves nothing"),
        ('{"k": 1, "v": 2}\nnot json\n', ":2 is not JSON: 'not json'"),
        ("[1, 2]\n", "rows are objects with named fields"),
        ('{"v": 2}\n', "without the field 'k': it has v"),
        (b"\xff\xfe\n", "cannot be read"),
    ],
)
def test_an_artefact_that_cannot_be_read_makes_the_day_inconclusive(
    tmp_path: Path, text: str | bytes | None, said: str
) -> None:
    at = desk(tmp_path, 'g]\nkind = "paired"\nkey = ["k"]\nvalue = "v"\nabs = "1"\n')
    day = at.days[0]
    empty = [{"k": 1, "v": 2}] if text else []
    at.both(day, "g.jsonl", empty, empty)
    path = tmp_path / "artefacts" / "candidate" / day / "g.jsonl"
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    verdict = at.verdict(day)
    assert verdict.verdict == "INCONCLUSIVE"
    assert any(said in reason for reason in verdict.sessions[0].reasons), verdict.sessions[0].reasons


def test_a_torn_last_line_is_left_out_and_its_row_is_missing(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "count"\n')
    at.both(at.days[0], "g.jsonl", [{"n": 1}, {"n": 2}], [{"n": 1}, {"n": 2}])
    path = tmp_path / "artefacts" / "candidate" / at.days[0] / "g.jsonl"
    path.write_text(path.read_text()[:-4])
    assert at.verdict().sessions[0].reasons == ["gate g: rows: legacy 2, candidate 1, ±0 is allowed"]
    path.write_text('{"n": 1}\n{"n": 2}')
    assert at.verdict().verdict == "PASS"


def test_rows_that_cancel_out_in_sums_fail(tmp_path: Path) -> None:
    at = desk(
        tmp_path,
        'g]\nkind = "paired"\nkey = ["s"]\nvalue = "v"\nabs = "5"\n[group.desk.gate.n]\nkind = "count"\nkey = ["s"]\n',
    )
    day = at.days[0]
    rows = [{"s": "a", "v": "100"}, {"s": "b", "v": "100"}]
    at.both(day, "g.jsonl", rows, [{"s": "a", "v": "160"}, {"s": "b", "v": "40"}])
    at.both(day, "n.jsonl", [{"s": "a"}, {"s": "b"}], [{"s": "a"}, {"s": "a"}])
    reasons = at.verdict().sessions[0].gates
    assert reasons["g"].reasons[0] == "a: legacy 100, candidate 160: +60.00 is beyond ±5"
    assert reasons["n"].reasons == [
        "a: legacy 1, candidate 2, ±0 is allowed",
        "b: legacy 1, candidate 0, ±0 is allowed",
    ]


def test_rows_of_one_side_only_are_named(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "paired"\nkey = ["s"]\nvalue = "v"\nabs = "5"\n')
    legacy = [{"s": f"k{n}", "v": 1} for n in range(9)]
    at.both(at.days[0], "g.jsonl", legacy, [{"s": "other", "v": 1}])
    found = at.verdict().sessions[0].gates["g"]
    assert found.reasons == ["9 rows only legacy has: k0, k1, k2, k3, k4, …", "1 rows only candidate has: other"]


def test_a_file_of_all_days_is_split_by_time_and_filtered_by_field(tmp_path: Path) -> None:
    at = desk(
        tmp_path,
        'g]\nkind = "count"\nlegacy = "old.json"\ncandidate = "new.jsonl"\nwhen = "ts"\n'
        'where = { status = "closed" }\n',
    )
    start, end = at.hours(at.days[0])
    rows = [
        {"ts": start, "status": "closed"},
        {"ts": end - SECOND, "status": "closed"},
        {"ts": end, "status": "closed"},
    ]
    (tmp_path / "old.json").write_text(json.dumps([*rows, {"ts": start, "status": "open"}]))
    (tmp_path / "new.jsonl").write_text("".join(json.dumps({**row, "ts": row["ts"] / 1e9}) + "\n" for row in rows[:2]))
    verdict = at.verdict(at.days[0])
    assert (verdict.verdict, verdict.sessions[0].gates["g"].numbers["legacy"]) == ("PASS", 2)
    (tmp_path / "new.jsonl").write_text(json.dumps({"ts": at.days[0], "status": "closed"}) + "\n")
    assert at.verdict(at.days[0]).sessions[0].gates["g"].numbers["candidate"] == 1
    (tmp_path / "new.jsonl").write_text(json.dumps({"ts": "soon", "status": "closed"}) + "\n")
    assert "'soon' is no time" in at.verdict(at.days[0]).sessions[0].reasons[0]


def test_two_builds_in_a_day_are_inconclusive_and_a_new_build_is_a_new_count(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "count"\nbuild = "build"\n', sessions=2)

    def write(day: str, builds: list[str], more: int = 0) -> None:
        rows = [{"build": "py"}] * 2
        at.both(day, "g.jsonl", rows, [{"build": build} for build in builds] + [{"build": builds[0]}] * more)

    write(at.days[0], ["r1", "r1"])
    write(at.days[1], ["r1", "r1"], more=1)
    assert at.verdict().verdict == "FAIL"
    write(at.days[2], ["r2", "r2"])
    assert "2 sessions of another build are not counted" in at.verdict().notes
    assert at.verdict().verdict == "INCONCLUSIVE"
    write(at.days[3], ["r2", "r3"])
    assert "two builds in one day: candidate was written by r2, r3" in " ".join(at.verdict().reasons)
    write(at.days[3], ["r2", "r2"])
    assert at.verdict().verdict == "PASS"


def test_heartbeats_measure_the_activity_of_a_group_of_artefacts(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "freshness"\nlegacy = "old/{day}.jsonl"\nevery = "30 s"\n')
    day = at.days[0]
    signs = [{"ts": time} for time in at.every(day, 30)]
    at.write("candidate", day, "g.jsonl", signs)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / f"{day}.jsonl").write_text(json.dumps(signs[0]) + "\n")
    found = at.verdict(day).sessions[0]
    assert (found.state, found.activity) == ("clean", 1.0)
    assert found.gates["g"].numbers["legacy"]["gaps"] == 1
    at.write("candidate", day, "g.jsonl", signs[:600])
    found = at.verdict(day).sessions[0]
    assert found.state == "dirty"
    assert found.reasons[0] == "gate g: nothing for 5,430 s from 19:29:30 UTC, due every 30 s"
    assert found.activity == pytest.approx(300 / 390, abs=0.01)


def test_histograms_go_by_rows_that_moved_and_by_edges(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "histogram"\nkey = ["s"]\nvalue = "v"\nbins = [-1, 1]\nabs = 1\n')
    day = at.days[0]
    rows = [{"s": n, "v": 5.0 if n % 2 else -5.0} for n in range(10)]
    swapped = [{**row, "v": -row["v"]} if row["s"] < 2 else row for row in rows]
    at.both(day, "g.jsonl", rows, swapped)
    assert at.verdict().verdict == "PASS"
    at.both(day, "g.jsonl", rows, [{**row, "v": -row["v"]} if row["s"] < 4 else row for row in rows])
    assert (
        at.verdict().sessions[0].gates["g"].reasons[0].startswith("bin [-inf, -1.0): 2 of legacy's rows are not there")
    )
    at.both(day, "g.jsonl", rows, [{"s": 1, "v": "many"}])
    assert "'many' is no number and falls into no bin" in at.verdict().sessions[0].reasons[0]


def test_parquet_files_go_by_key_schema_and_values(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    at = desk(tmp_path, 'g]\nkind = "parquet"\nkey = ["ts"]\nrows = 5\nvalues = 0\n')
    day = at.days[0]

    def write(side: str, name: str, ts: list[int], kind: Any = None, close: float = 1.0) -> None:
        table = pa.table({"ts": pa.array(ts, kind or pa.int64()), "close": [close] * len(ts)})
        lake.write_parquet(tmp_path / "artefacts" / side / day / "g" / name, table)

    write("legacy", "a.parquet", list(range(100)))
    assert "is missing" in at.verdict().sessions[0].reasons[0]
    for ts, said in (
        (list(range(2, 102)), None),
        (
            list(range(3, 103)),
            "3 rows only in legacy's file and 3 only in the candidate's, by key; 5 are allowed: 0, 1, 2",
        ),
        (list(range(94)), "legacy has 100 rows, candidate 94, ±5 is allowed"),
    ):
        write("candidate", "a.parquet", ts)
        found = at.verdict().sessions[0].gates["g"]
        assert (found.verdict, said is None or said in found.reasons[0]) == ("FAIL" if said else "PASS", True), found
    write("candidate", "a.parquet", list(range(100)), close=1.5)
    assert at.verdict().sessions[0].gates["g"].reasons == ["100 rows of the same key have other values, 0 are allowed"]
    write("candidate", "a.parquet", list(range(100)), pa.int32())
    assert "schema.ts is Int64 in legacy's file and Int32" in at.verdict().sessions[0].gates["g"].reasons[0]
    (tmp_path / "artefacts" / "candidate" / day / "g" / "a.parquet").write_bytes(b"PAR1")
    assert "a.parquet" in at.verdict().sessions[0].reasons[0]
    assert at.verdict().verdict == "INCONCLUSIVE"


def test_parquet_is_an_artefact_of_every_kind(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    at = desk(tmp_path, 'g]\nkind = "paired"\nkey = ["ts"]\nvalue = "close"\nabs = "0"\nlegacy = "l/{day}.parquet"\n')
    day = at.days[0]
    start, _ = at.hours(day)
    stamps = [start + n * MINUTE for n in range(5)]
    table = pa.table({"ts": pa.array(stamps, pa.timestamp("ns", "UTC")), "close": [1.25] * 5})
    lake.write_parquet(tmp_path / "l" / f"{day}.parquet", table)
    rows = [artefacts.shown(row["ts"]) for row in artefacts.rows_of(tmp_path / "l" / f"{day}.parquet")]
    at.write("candidate", day, "g.jsonl", [{"ts": ts, "close": 1.25} for ts in rows])
    assert at.verdict().verdict == "PASS"
    assert artefacts.at_ns(rows[1]) == start + 60 * SECOND


def test_a_rate_by_its_ratio_is_known_only_where_both_made_calls(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "rate"\nwhen = "ts"\n', sessions=2)
    for day in at.days[:2]:
        calls = [{"ts": time} for time in at.every(day, 6)]
        at.both(day, "g.jsonl", calls, [*calls, *calls[::25]])
    verdict = at.verdict()
    assert verdict.verdict == "PASS"
    assert verdict.gates[0].intervals["ratio by calls"]["estimate"] == pytest.approx(1.04)
    at.both(at.days[2], "g.jsonl", [{"ts": at.hours(at.days[2])[0]}], [])
    assert "legacy made 1 calls, candidate 0: there is no ratio" in at.verdict().sessions[2].reasons[0]


def test_series_of_few_days_stand_together_and_are_named(tmp_path: Path) -> None:
    at = desk(
        tmp_path, 'g]\nkind = "paired"\nkey = ["s", "ts"]\nvalue = "v"\nabs = "50"\nspread = "normal"\n', sessions=4
    )
    for number, day in enumerate(at.days[:4]):
        rows = [{"s": "often", "ts": 1, "v": 10}, {"s": f"once{number}", "ts": 1, "v": 10}]
        at.both(day, "g.jsonl", rows, [rows[0], {**rows[1], "v": 19}])
    verdict = at.verdict()
    assert (verdict.verdict, verdict.gates[0].reasons[0]) == (
        "FAIL",
        "bias of (others, in size) +9.00 a session (+9.00 … +9.00) is not below ±9.00",
    )
    assert "gate g: too few days to stand alone: once0, once1, once2, once3" in verdict.notes


def test_few_days_of_a_series_are_not_yet_known_to_be_without_bias(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "paired"\nkey = ["s"]\nvalue = "v"\nabs = "50"\nspread = "normal"\n')
    at.both(at.days[0], "g.jsonl", [{"s": "a", "v": 1}], [{"s": "a", "v": 1}])
    verdict = at.verdict()
    assert verdict.verdict == "INCONCLUSIVE"
    assert verdict.reasons[0].startswith("gate g: bias of a +0.00 a session (-inf … +inf) is not yet known to be below")
    assert verdict.gates[0].as_dict()["intervals"]["bias a"]["low"] is None


def test_an_overlap_at_its_edge_passes_as_whole_sets_and_not_as_samples(tmp_path: Path) -> None:
    for interval, expected in (("true", "INCONCLUSIVE"), ("false", "PASS")):
        folder = tmp_path / interval
        folder.mkdir()
        at = desk(folder, f'g]\nkind = "overlap"\nvalue = "s"\ninterval = {interval}\n', sessions=3)
        for day in at.days[:3]:
            rows = [{"s": n} for n in range(100)]
            at.both(day, "g.jsonl", rows, rows[:96])
        verdict = at.verdict()
        assert (verdict.verdict, verdict.gates[0].intervals["overlap"]["estimate"]) == (expected, pytest.approx(0.96))
        if interval == "true":
            assert "overlap 96.0% (at least 93.1%) is not yet known to be 95% or more" in verdict.reasons[0]


def test_one_json_object_is_one_row_and_dots_lead_into_it(tmp_path: Path) -> None:
    text = 'g]\nkind = "paired"\nkey = ["ts"]\nvalue = "account.cash"\nabs = "0"\nlegacy = "{day}/a.json"\n'
    at = desk(tmp_path, text + 'candidate = "b-{day}.json"\n')
    day = at.days[0]
    (tmp_path / day).mkdir()
    (tmp_path / day / "a.json").write_text('{"ts": 1, "account": {"cash": 12.50}}')
    (tmp_path / f"b-{day}.json").write_text('[{"ts": 1, "account": {"cash": "12.5"}}]')
    assert at.verdict().sessions[0].state == "clean"
    (tmp_path / f"b-{day}.json").write_text('{"ts": 1, "account": 7}')
    assert "without the field 'account.cash'" in at.verdict().sessions[0].reasons[0]


@pytest.mark.parametrize("value", [True, "12:00", "", "9e9", 10**40])
def test_what_is_no_time_is_refused(value: Any) -> None:
    with pytest.raises(artefacts.ArtefactError, match="is no time"):
        artefacts.at_ns(value)


def test_texts_are_looked_for_in_fields_too(tmp_path: Path) -> None:
    text = 'g]\nkind = "absent"\ntext = "401"\nvalue = "status"\nlegacy = "old/{day}.jsonl"\n'
    at = desk(tmp_path, text)
    day = at.days[0]
    at.write("candidate", day, "g.jsonl", [{"status": 200, "bytes": 401}] * 3)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / f"{day}.jsonl").write_text('{"status": 401}\n')
    found = at.verdict().sessions[0]
    # What legacy did is told, and is not the candidate's fault.
    assert (found.state, found.gates["g"].numbers["legacy"]["hits"]) == ("clean", 1)
    at.write("candidate", day, "g.jsonl", [{"status": 200}, {"status": 401}])
    assert at.verdict().sessions[0].reasons[0] == "gate g: g.jsonl:2 has '401': 401"


def test_a_text_is_found_in_a_log_that_is_written_in_colours(tmp_path: Path) -> None:
    at = desk(tmp_path, 'g]\nkind = "absent"\ntext = "401"\nlegacy = "old-{day}.log"\ncandidate = "new-{day}.log"\n')
    day = at.days[0]
    (tmp_path / f"old-{day}.log").write_text("200\n")
    (tmp_path / f"new-{day}.log").write_text("\x1b[1;31m401\x1b[0m Unauthorized\n\x1b[32m14012\x1b[m held\n")
    found = at.verdict().sessions[0]
    assert found.reasons[0].startswith(f"gate g: new-{day}.log:1 has '401': 401 Unauthorized"), found.reasons
    assert found.gates["g"].numbers["candidate"]["hits"] == 1


def test_a_key_that_a_file_lacks_is_named_with_what_the_file_has(tmp_path: Path) -> None:
    legacy, candidate = tmp_path / "legacy.parquet", tmp_path / "candidate.parquet"
    lake.write_parquet(legacy, pa.table({"ts": [1, 2], "close": [1.0, 2.0]}))
    lake.write_parquet(candidate, pa.table({"ts": [1, 2], "price": [1.0, 2.5]}))
    assert _exuvia.gate_parquet(legacy, legacy, ["ts"])[:3] == (2, 2, (2, [], []))
    with pytest.raises(SchemaError, match=r"candidate\.parquet has no column 'close': it has ts, price"):
        _exuvia.gate_parquet(legacy, candidate, ["ts", "close"])
