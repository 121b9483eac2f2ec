"""The record of one unit: strata, latency, novel inputs, recorded calls, activity; and what adds up over processes."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import itertools
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from typing import Any

import pytest
from exuvia._exuvia import Switch, evidence_columns, evidence_parquet, evidence_signature
from exuvia.errors import SchemaError
from exuvia.migrate import own
from exuvia.migrate.evidence import reading, record, tally, term
from exuvia.migrate.evidence.activity import Activity
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.evidence.redact import Redactor
from exuvia.migrate.evidence.segment import Segment
from exuvia.migrate.gates.verdict import UnitStatus
from hypothesis import given
from hypothesis import strategies as st

UNIT = "bot:price"


def made(**more: Any) -> tuple[Record, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    made = Record(UNIT, lines.append, **more)
    made.switch = Switch(len, len, len)
    return made, lines


def verdict(*kinds: str) -> Any:
    found = [
        types.SimpleNamespace(path="$[0]", place="$[*]", kind=kind, legacy="1", candidate="2", rule="exact")
        for kind in kinds
    ]
    return types.SimpleNamespace(total=len(kinds), differences=found, ignored=[("$.at", "ignore", 2)])


def test_strata_latency_and_signatures_are_counted_for_each_call() -> None:
    record, lines = made()
    for side, ns, kinds in (("Buy", 1_000, ()), ("Buy", 1_023, ("value",)), ("Sell", 1_024, ()), ("Sell", 0, ())):
        record.observed([verdict(*kinds)], (ns, 10), ((side,), {}), stratum=side)
    counters = record.counters("shadow")
    assert counters["strata"] == [["Buy", 2, 1], ["Sell", 2, 0]]
    assert counters["latency"]["legacy"][10] == 2
    assert counters["latency"]["legacy"][11] == 1
    assert counters["latency"]["legacy"][0] == 1
    assert counters["latency"]["candidate"][4] == 4
    assert (counters["compared"], counters["differed"], counters["signatures"]) == (4, 1, 2)
    assert [line["kind"] for line in lines] == ["mismatch", "novel"]
    assert (lines[0]["stratum"], lines[0]["signature"]) == ("Buy", evidence_signature((("Buy",), {})))
    assert len(lines[1]["signatures"]) == 2
    record.counters("shadow")
    assert len(lines) == 2, "what is novel is said once"


def test_what_the_worker_compared_counts_as_what_was_compared_here() -> None:
    here, lines = made()
    here.observed([verdict("value", "type")], (100, 200), (([1],), {}), call="push", stratum="s", signature=7)
    there, remote = made()
    differences = [
        {"path": "$[0]", "place": "$[*]", "kind": kind, "legacy": "1", "candidate": "2", "rule": "exact"}
        for kind in ("value", "type")
    ]
    assert there.observed_remote(
        differences, (100, 200), call="push", stratum="s", signature=7, arguments="(([1],), {})",
        ignored=[("$.at", "ignore", 2)],
    )  # fmt: skip
    assert remote == lines
    one, other = there.counters("shadow"), here.counters("shadow")
    assert list(one.pop("sessions")) == list(other.pop("sessions"))
    assert one == other
    assert not there.observed_remote([], (1, 1))
    assert there.observed_remote([], (1, 1), cascade=True, total=3)
    assert there.counters("shadow")["cascades"] == 1


def test_cascades_are_no_differences_of_a_stratum() -> None:
    record, lines = made()
    assert record.observed([verdict("value")], (1, 1), ((), {}), cascade=True, stratum="Buy")
    counters = record.counters("shadow")
    assert (counters["differed"], counters["cascades"], counters["strata"]) == (0, 1, [["Buy", 1, 0]])
    assert [line["kind"] for line in lines] == ["novel"]


def test_what_is_counted_beside_adds_up_with_the_switch_and_drops_are_lost_samples() -> None:
    record, _ = made()
    record.dropped("the queue is full", 3)
    record.count("panics")
    record.count("timeouts", 2)
    counters = record.counters("shadow")
    assert (counters["dropped"], counters["skipped"]) == (3, 3)
    assert (counters["panics"], counters["timeouts"], counters["canary_calls"]) == (1, 2, 0)
    assert counters["reasons"] == {"the queue is full": 3}
    with pytest.raises(ValueError, match="nothing is counted as 'coffee'"):
        record.count("coffee")
    record.rebase()
    assert record.counters("shadow")["dropped"] == 0


def test_a_call_is_recorded_once_for_each_novel_shape_of_its_inputs() -> None:
    record, lines = made(record=2)
    for n in range(10):
        arguments = pickle.dumps((([float(n + 1)] if n % 2 else ["x" * 30],), {}))
        record.sampled("", arguments, pickle.dumps((n, None)))
    assert [line["kind"] for line in lines] == ["call"] * 4
    assert [pickle.loads(base64.b64decode(line["outcome"]))[0] for line in lines] == [0, 1, 2, 3]
    assert not record.wants("", lines[0]["signature"])
    assert record.wants("", 1)
    assert not made(record=0)[0].sampled("", pickle.dumps(((), {})), pickle.dumps(1))


def test_beyond_the_first_of_a_shape_no_more_than_64_calls_are_recorded() -> None:
    record, lines = made(record=1)
    for n in range(200):
        record.sampled("", pickle.dumps(((1.5,), {})), pickle.dumps((n, None)), spread=True)
    assert len(lines) == 65
    assert record.wants("", 1)
    assert not record.wants("", lines[0]["signature"], spread=True)
    assert not made(record=0)[0].sampled("", pickle.dumps(((), {})), pickle.dumps(1), spread=True)


def test_a_call_that_cannot_be_recorded_is_named_and_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LONGEST_CALL", 1_000)
    made_, lines = made()
    assert not made_.sampled("", b"no pickle", b"")
    assert not made_.sampled("", pickle.dumps(((b"x" * 2_000,), {})), pickle.dumps(None))
    assert lines == []
    assert [reason[:30] for reason in made_.counters("shadow")["reasons"]] == [
        "a call could not be recorded: ",
        "a call was too big to be recor",
    ]


def test_strata_and_signatures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "SIGNATURES", 10)
    made_, _ = made()
    for n in range(tally.STRATA + 50):
        made_.observed([verdict()], (1, 1), ((), {}), stratum=f"s{n}", signature=n)
    counters = made_.counters("shadow")
    assert len(counters["strata"]) == tally.STRATA + 1
    assert counters["strata"][-1] == ["(further strata)", 50, 0]
    assert counters["signatures"] == 10


def test_processes_add_up_in_the_status_of_a_unit(tmp_path: Path) -> None:
    state = UnitStatus(UNIT)
    for side in ("Buy", "Sell"):
        made_, _ = made()
        made_.observed([verdict("value")], (1_000, 3), ((side, 1), {}), stratum=side)
        made_.observed([verdict()], (1_000, 3), ((side, 1), {}), stratum="Buy")
        made_.dropped()
        state.add(made_.counters("shadow"))
    assert state.strata == {"Buy": [3, 1], "Sell": [1, 1]}
    assert (state.latency["legacy"][10], state.latency["candidate"][2]) == (4, 4)
    assert state.as_dict()["dropped"] == 2


# --- signatures ---


class Side(enum.Enum):
    BUY = 1
    SELL = 2


@dataclasses.dataclass
class Order:
    side: Side
    amount: float


def test_a_signature_is_the_same_in_every_process() -> None:
    value = (([1.5, {"side": "Buy", "n": None}], Order(Side.BUY, 2.0)), {"x": b"12"})
    code = f"from exuvia._exuvia import evidence_signature as of; print(of((({value[0][0]!r}, ), {value[1]!r})))"
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1] == f"{evidence_signature(((value[0][0],), value[1]))}\n"
    assert 0 <= evidence_signature(value) < 2**63


def test_what_tells_inputs_apart_and_what_does_not() -> None:
    of = evidence_signature
    apart: list[tuple[Any, Any]] = [
        (1, 1.0),
        (0, 1),
        (1, -1),
        (1.0, math.nan),
        (1.0, math.inf),
        (1.0, 1e9),
        (True, 1),
        (None, 0),
        ("Buy", "Sell"),
        ("Buy", b"Buy"),
        ([], [1]),
        ([1], (1,)),
        ([1] * 3, [1] * 30),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": None}),
        (Side.BUY, Side.SELL),
        (Order(Side.BUY, 1.0), Order(Side.SELL, 1.0)),
        (Order(Side.BUY, 1.0), Order(Side.BUY, -1.0)),
        (decimal.Decimal(1), 1),
        (datetime.datetime.now(datetime.UTC), None),
        ([1, None], [1, 1]),
        (2**80, 1),
        ({1}, [1]),
    ]
    for one, other in apart:
        assert of(one) != of(other), (one, other)
    same: list[tuple[Any, Any]] = [
        (101.5, 99.25),
        ("order-1234567", "order-7654321"),
        ([1.5, 2.5], [2.5, 1.5]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (["x" * 20, "y" * 20], ["z" * 20, "w" * 20]),
    ]
    for one, other in same:
        assert of(one) == of(other), (one, other)


def test_arrays_count_by_type_and_size() -> None:
    numpy = pytest.importorskip("numpy")
    of = evidence_signature
    assert of(numpy.zeros(5)) == of(numpy.ones(6)) != of(numpy.zeros(500))
    assert of(numpy.zeros(5)) != of(numpy.zeros(5, dtype="f4"))


@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.binary() | st.booleans() | st.integers(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s) | st.tuples(s, s) | st.sets(st.integers()),
    )
)
def test_any_value_has_a_signature_and_a_copy_has_the_same(value: Any) -> None:
    assert evidence_signature(value) == evidence_signature(pickle.loads(pickle.dumps(value)))


def test_cycles_and_depth_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    evidence_signature(ring)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    evidence_signature(deep)
    while deep != 1:  # freed step by step, or the interpreter's own recursion ends it
        deep = deep[0]


# --- activity ---


def test_activity_is_in_the_minute_hour_and_day_in_which_counters_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    start = int(datetime.datetime(2026, 11, 20, 23, 58, 30, tzinfo=datetime.UTC).timestamp())
    activity, calls = Activity({}), 0
    for seconds, more in ((0, 1), (20, 1), (40, 0), (60, 2), (100, 1), (3_700, 1), (3_760, 1)):
        calls += more
        monkeypatch.setattr(own.time, "time_ns", lambda at=start + seconds: at * 1_000_000_000)
        days = activity.look({"legacy_calls": calls, "compared": calls, "differed": calls // 4, "skipped": 0})
    assert list(days) == ["2026-11-20", "2026-11-21"]
    first, second = days.values()
    assert (first["minutes"], second["minutes"]) == ([[1438, 1439]], [[0, 0], [60, 61]])
    assert (first["calls"], second["calls"], first["differed"], second["differed"]) == (4, 3, 1, 0)
    assert first["hours"] == {"23": [4, 4, 1, 0, 0]}
    assert second["hours"] == {"0": [1, 1, 0, 0, 0], "1": [2, 2, 0, 0, 0]}
    assert (second["last"] - first["first"]) == 3_760 * 1_000_000_000


def test_what_the_candidate_served_and_of_how_many_keys_is_in_its_hour_and_day() -> None:
    activity = Activity({})
    activity.look({"legacy_calls": 5, "candidate_calls": 2}, 0b101)
    (day,) = activity.look({"legacy_calls": 6, "candidate_calls": 9}, 0b110).values()
    assert [sum(hour) for hour in zip(*day["hours"].values(), strict=True)] == [15, 0, 0, 0, 9]
    assert (day["served"], day["keys"]) == (9, "7")


def test_a_minute_of_calls_of_which_none_was_compared_is_not_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    activity, at = Activity({}), 0
    monkeypatch.setattr(own.time, "time_ns", lambda: at)
    gains = ({"legacy_calls": 9}, {"compared": 1}, {"skipped": 1}, {"candidate_calls": 1}, {"legacy_calls": 10})
    for minute, gained in enumerate(gains):
        at = minute * 60 * 1_000_000_000
        days = activity.look({**dict.fromkeys(("legacy_calls", "compared", "skipped", "candidate_calls"), 0), **gained})
        if minute:
            assert days["1970-01-01"]["minutes"] == [[1, min(minute, 3)]]
        else:
            assert days["1970-01-01"]["minutes"] == []


def test_kinds_beyond_those_that_are_listed_are_counted() -> None:
    said: list[dict[str, Any]] = []
    kept = tally.Tally("u", said.append, Redactor())
    for signature in range(tally.SIGNATURES + 500):
        kept._compared((1, 1), False, cascade=False, stratum="", signature=signature)
    counted = kept.counters("shadow")
    assert (counted["signatures"], counted["unlisted"], len(said[0]["signatures"])) == (
        tally.SIGNATURES,
        500,
        tally.SIGNATURES,
    )


def test_minutes_in_any_order_make_the_same_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    for _ in range(200):
        minutes = [dice.randrange(40) for _ in range(dice.randrange(1, 60))]
        activity = Activity({})
        for count, minute in enumerate(minutes, 1):
            monkeypatch.setattr(own.time, "time_ns", lambda at=minute * 60: at * 1_000_000_000)
            days = activity.look({"legacy_calls": count, "compared": count})
        spans = days["1970-01-01"]["minutes"]
        assert {minute for first, last in spans for minute in range(first, last + 1)} == set(minutes)
        assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(spans))


def test_sessions_reach_the_disk_and_the_newest_counts(tmp_path: Path) -> None:
    segment = Segment(tmp_path, {"fingerprints": {UNIT: "f"}}, rotate=2_000)
    made_, _ = made()
    for n in range(20):
        made_.observed([verdict()], (1, 1), ((n,), {}))
        segment.counters({UNIT: made_.counters("shadow")}, sync=True)
    segment.counters({UNIT: made_.counters("shadow")}, ended=True)
    segment.close()
    found = reading.read_folder(tmp_path)
    assert len(found) > 1
    [session] = [entry for each in found for entry in each.sessions]
    assert session["compared"] == 20
    assert sum(last - first + 1 for first, last in session["minutes"]) in (1, 2)


# --- SIGTERM ---

TERM = """
import signal, sys, threading, time
from exuvia.migrate.evidence import term
lock = threading.Lock()
def flush():
    if sys.argv[1] == "stuck":
        lock.acquire()
    print("flushed", flush=True)
assert term.hook(flush, 0.3)
assert not term.hook(flush)
if sys.argv[1] == "chained":
    before = signal.getsignal(signal.SIGTERM)
    def own(number, frame):
        before(number, frame)
        print("the program's own", flush=True)
        sys.exit(7)
    signal.signal(signal.SIGTERM, own)
if sys.argv[1] == "replaced":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(9))
with lock:
    print("up", flush=True)
    time.sleep(30)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("plain", -signal.SIGTERM, "flushed\n"),
        ("stuck", -signal.SIGTERM, ""),
        ("chained", 7, "flushed\nthe program's own\n"),
        ("replaced", 9, ""),
    ],
)
def test_sigterm_flushes_within_a_deadline_and_the_program_ends_as_it_would_have(
    how: str, code: int, said: str
) -> None:
    with subprocess.Popen([sys.executable, "-c", TERM, how], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert (process.wait(30), rest) == (code, said)
        assert time.monotonic() - began < 10.0


def test_the_handler_is_put_in_place_only_in_the_main_thread() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(term.hook(lambda: None)))
    thread.start()
    thread.join()
    assert found == [False]
    assert os.getpid() > 0


def test_a_row_with_a_cell_too_few_is_refused_with_both_numbers() -> None:
    width = len(evidence_columns("calls"))
    for cells in (0, width - 1, width + 1):
        with pytest.raises(SchemaError, match=f"a row of evidence has {cells} cells, expected {width}"):
            evidence_parquet("calls", [("x",) * cells], {})


def test_big_containers_count_by_their_size_and_shapes_and_small_ones_by_their_keys() -> None:
    assert evidence_signature({"a": 1}) != evidence_signature({"b": 1})
    one, other = ({f"{start + at}": at for at in range(500)} for start in (0, 1_000))
    assert evidence_signature(one) == evidence_signature(other), "other keys, the same data"
    assert evidence_signature(one) != evidence_signature({key: str(value) for key, value in one.items()})
    assert evidence_signature(bytearray(3)) != evidence_signature(bytearray(5_000))
    assert evidence_signature(bytearray(b"abc")) == evidence_signature(bytearray(b"xyz"))
    assert evidence_signature(bytearray(b"abc")) != evidence_signature(b"abc")
