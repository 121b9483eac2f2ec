"""The five presets: each passes on exactly its numbers, prints the stricter bound, and fails just beyond them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from exuvia import lake
from exuvia.migrate.cli import main as cli
from gate_files import SECOND, Desk

if TYPE_CHECKING:
    from pathlib import Path

SCENARIOS = [f"s{n:02d}" for n in range(11)]


def desk(folder: Path, preset: str, calendar: str = "XNYS", more: str = "") -> Desk:
    text = f'[exuvia]\ncalendar = "{calendar}"\n[group.desk]\npreset = "{preset}"\n{more}'
    return Desk(folder, text, "desk", calendar)


def token(at: Desk, day: str, every: float = 900, line: str = "GET /prices 200") -> None:
    at.write("candidate", day, "token.jsonl", [{"refreshed": time} for time in at.every(day, every)])
    at.write("candidate", day, "calls.jsonl", [{"call": line}] * 3)


def paper(at: Desk, day: str, apart: list[str] | None = None, trades: list[str] | None = None) -> None:
    values = apart or ["0.00"] * len(SCENARIOS)
    moments = at.every(day, 60)
    rows = [{"scenario": name, "ts": time, "equity": "100000.00"} for name in SCENARIOS for time in moments]
    equity = {name: f"{100_000 + float(by):.2f}" for name, by in zip(SCENARIOS, values, strict=True)}
    moved = [{**row, "equity": equity[str(row["scenario"])]} for row in rows]
    at.both(day, "equity.jsonl", rows, moved)
    closed = [{"scenario": name, "n": n} for name in SCENARIOS for n in range(2)]
    at.both(day, "trades.jsonl", closed, closed if trades is None else [{"scenario": name} for name in trades])


def quotes(at: Desk, day: str, beat: float = 30, share: tuple[int, int] = (40, 40), more: int = 0) -> None:
    at.write("candidate", day, "heartbeat.jsonl", [{"ts": time} for time in at.every(day, beat)])
    calls = [{"ts": time} for time in at.every(day, 12)]
    at.both(day, "calls.jsonl", calls, calls + [{"ts": time + SECOND} for time in at.every(day, 12)[:more]])
    both, union = share
    symbols = [{"symbol": f"S{n}"} for n in range(union)]
    at.both(day, "no_options.jsonl", symbols, symbols[:both])


def files(at: Desk, day: str, shift: int = 0, extra: int = 0, regimes: int = 0) -> None:
    import pyarrow as pa

    start, _ = at.hours(day)
    five = 300 * SECOND
    keys = {
        "eod": [(f"S{n}", start) for n in range(105)],
        "intraday": [("SPY", start + n * five) for n in range(len(at.every(day, 300)) + 5)],
    }
    for side in ("legacy", "candidate"):
        mine = side == "candidate"
        for name in ("eod", "intraday"):
            for number in range(3 + (extra if mine else 0)):
                # Rows of the first file are others in the candidate's, one more file has a few rows of its own.
                by = shift if mine and not number else 0
                rows = keys[name][by : len(keys[name]) - 5 + by] if number < 3 else keys[name][:2]
                table = pa.table(
                    {
                        "symbol": [symbol for symbol, _ in rows],
                        "ts": pa.array([time for _, time in rows], pa.timestamp("ns", "UTC")),
                        "close": [1.0] * len(rows),
                    }
                )
                lake.write_parquet(at.folder / "artefacts" / side / day / name / f"{number}.parquet", table)
        names = ["long" if not mine or n >= regimes else "short" for n in range(20)]
        at.write(side, day, "regimes.jsonl", [{"symbol": f"S{n}", "regime": name} for n, name in enumerate(names)])


def research(at: Desk, day: str, line: str = "GET /portfolio", amount: str = "100") -> None:
    at.write("candidate", day, "calls.jsonl", [{"call": line}])
    for name, key in (("values", "value"), ("positions", "amount")):
        rows = [{"symbol": "ISIN1", key: "100"}, {"symbol": "ISIN2", key: "7.50"}]
        at.both(day, f"{name}.jsonl", rows, [{**rows[0], key: amount}, rows[1]])


PRESETS: dict[str, tuple[Any, int, list[dict[str, Any]], list[dict[str, Any]]]] = {
    # preset: what writes a day, its sessions, days that are just within, days that are just beyond
    "token": (token, 2, [{"every": 990}], [{"every": 991}, {"line": "GET /prices 401 Unauthorized"}]),
    "paper_trading": (
        paper,
        5,
        [{"apart": ["50.00", "-50.00", *["0.00"] * 9]}, {"apart": ["-50.00", "50.00", *["0.00"] * 9]}],
        [{"apart": ["50.01", "-50.01", *["0.00"] * 9]}, {"trades": [*SCENARIOS[1:], *SCENARIOS[1:], "s01", "s01"]}],
    ),
    "quote_collector": (
        quotes,
        3,
        [{"beat": 33}, {"share": (38, 40)}],
        [{"beat": 34}, {"share": (37, 40)}, {"more": 300}],
    ),
    "lake": (files, 2, [{"extra": 1, "regimes": 1}, {"shift": 2}], [{"shift": 3}, {"extra": 2}, {"regimes": 2}]),
    "research": (research, 3, [{}], [{"line": "POST /orders"}, {"amount": "100.01"}]),
}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_passes_on_its_sessions_and_not_one_before(
    tmp_path: Path, preset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write, needed, _, _ = PRESETS[preset]
    at = desk(tmp_path, preset)
    for number in range(needed):
        write(at, at.days[number])
        verdict = at.verdict(at.days[number])
        assert verdict.verdict == ("PASS" if number + 1 == needed else "INCONCLUSIVE"), verdict.reasons
    assert verdict.bounds["days"]["bound"] == pytest.approx(1 - 0.05 ** (1 / needed))
    words = ["gate", "desk", "--config", str(tmp_path / "exuvia.toml"), "--day", at.days[needed - 1]]
    assert cli.main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["overall"], said["bounds"]["days"]["stricter"]["sessions"]) == ("PASS", 59)
    assert cli.main(words) == 0
    assert "the stricter bound, 5%, takes 59 clean (replayed) sessions" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("preset", "case"), [(name, n) for name, found in PRESETS.items() for n in range(len(found[2]))]
)
def test_what_is_just_within_a_presets_numbers_is_clean(tmp_path: Path, preset: str, case: int) -> None:
    write, _, within, _ = PRESETS[preset]
    at = desk(tmp_path, preset)
    write(at, at.days[0], **within[case])
    assert at.verdict(at.days[0]).sessions[0].state == "clean", at.verdict().sessions[0].reasons


@pytest.mark.parametrize(
    ("preset", "case"), [(name, n) for name, found in PRESETS.items() for n in range(len(found[3]))]
)
def test_what_is_just_beyond_a_presets_numbers_fails(tmp_path: Path, preset: str, case: int) -> None:
    write, needed, _, beyond = PRESETS[preset]
    at = desk(tmp_path, preset)
    for day in at.days[: needed - 1]:
        write(at, day)
    write(at, at.days[needed - 1], **beyond[case])
    verdict = at.verdict(at.days[needed - 1])
    assert (verdict.verdict, verdict.exit_code, verdict.sessions[-1].state) == ("FAIL", 1, "dirty"), verdict.reasons
    for day in at.days[needed : 2 * needed]:
        write(at, day)
    assert at.verdict().verdict == "FAIL"


def test_nine_dollars_a_day_are_within_fifty_and_do_not_pass(tmp_path: Path) -> None:
    for number, grow in enumerate((False, True)):
        (tmp_path / str(number)).mkdir()
        at = desk(tmp_path / str(number), "paper_trading")
        for day, n in zip(at.days, range(1, 6), strict=False):
            by = f"{9 * n if grow else 9:.2f}"
            paper(at, day, apart=[by, *["0.00"] * 9, f"-{by}"])
        verdict = at.verdict()
        assert [session.state for session in verdict.sessions] == ["clean"] * 5
        assert verdict.verdict == "FAIL"
        assert ("drift of s00 +9.00" if grow else "bias of s00 +9.00") in " ".join(verdict.gates[0].reasons)
