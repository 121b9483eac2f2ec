"""Side by side: the bot in Python and the bot in Rust, two processes with their own files, judged by these files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from exuvia import lake
from gate_files import Desk

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
GROUP = """
[exuvia]
calendar = "24/7"

[group.cutover]
sessions = 1

[group.cutover.gate.equity]
kind = "paired"
legacy = "out/python/{day}/equity.jsonl"
candidate = "out/rust/{day}/equity.jsonl"
key = ["scenario", "ts"]
abs = "50.00"
activity = "5 min"

[group.cutover.gate.trades]
kind = "count"
legacy = "out/python/{day}/trades.jsonl"
candidate = "out/rust/{day}/trades.jsonl"
key = ["scenario"]

[group.cutover.gate.pnl]
kind = "paired"
legacy = "out/python/{day}/trades.jsonl"
candidate = "out/rust/{day}/trades.jsonl"
key = ["scenario", "entry_ts"]
value = "pnl"
abs = "0.00"

[group.cutover.gate.exits]
kind = "histogram"
legacy = "out/python/{day}/trades.jsonl"
candidate = "out/rust/{day}/trades.jsonl"
key = ["scenario", "exit_ts"]
value = "reason"

[group.cutover.gate.orders]
kind = "overlap"
legacy = "out/python/{day}/orders.jsonl"
candidate = "out/rust/{day}/orders.jsonl"
value = "client_id"
at_least = 1.0
interval = false

[group.cutover.gate.lake]
kind = "parquet"
legacy = "out/python/{day}/bars"
candidate = "out/rust/{day}/bars"
key = ["uic", "ts"]
rows = 5
values = 0

[group.cutover.gate.state]
kind = "paired"
legacy = "out/python/{day}/state.json"
candidate = "out/rust/{day}/state.json"
key = ["ts"]
value = "counter"
abs = "0"
activity = "daily"
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of both bots after the same simulated market."""
    pytest.importorskip("pandas")
    patch = pytest.MonkeyPatch()
    try:
        patch.syspath_prepend(str(EXAMPLES / "demo"))
        runs = pytest.importorskip("runs")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(EXAMPLES / "legacy_bot"), str(EXAMPLES / "demo")]))
        folder = tmp_path_factory.mktemp("bots")
        for side, launcher in (("python", ["-m", "legacy_bot"]), ("rust", [str(EXAMPLES / "demo" / "whole_run.py")])):
            runs.run_bot(side, "sim:7?ticks=12000", folder / side, launcher, lambda *_: None)
    finally:
        patch.undo()
    return folder


@pytest.fixture
def desk(ran: Path, tmp_path: Path) -> Desk:
    (only,) = (ran / "python" / "bars").iterdir()
    day = only.name.removeprefix("date=")
    for side in ("python", "rust"):
        shutil.copytree(ran / side, tmp_path / "out" / side / day)
    return Desk(tmp_path, GROUP, "cutover", "24/7", [day])


def change(path: Path, edit: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    rows = edit([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_two_bots_that_are_equal_pass_by_their_files(desk: Desk) -> None:
    verdict = desk.verdict(desk.days[0])
    found = verdict.sessions[0]
    assert found.state == "clean", found.reasons
    assert found.gates["equity"].numbers["pairs"] > 20
    assert found.gates["trades"].numbers["candidate"] > 5
    assert found.gates["lake"].numbers["rows"]["legacy"] > 100
    assert found.gates["orders"].numbers["overlap"] == 1.0
    # One day says nothing of a bias: the gate of values waits for more, and so does the group.
    assert verdict.verdict == "INCONCLUSIVE"
    assert [gate.gate for gate in verdict.gates if gate.verdict != "PASS"] == ["equity"]


def apart(rows: list[dict[str, Any]], by: float) -> list[dict[str, Any]]:
    names = sorted({row["scenario"] for row in rows})[:2]
    last = {name: max(row["ts"] for row in rows if row["scenario"] == name) for name in names}
    sign = dict(zip(names, (1, -1), strict=True))
    return [
        {**row, "equity": f"{float(row['equity']) + by * sign[row['scenario']]:.2f}"}
        if last.get(row["scenario"]) == row["ts"]
        else row
        for row in rows
    ]


def test_equity_that_cancels_out_over_scenarios_fails(desk: Desk) -> None:
    path = desk.folder / "out" / "rust" / desk.days[0] / "equity.jsonl"
    change(path, lambda rows: apart(rows, 50.0))
    assert desk.verdict(desk.days[0]).sessions[0].state == "clean"
    change(path, lambda rows: apart(rows, 0.01))
    found = desk.verdict(desk.days[0])
    assert (found.verdict, found.sessions[0].gates["equity"].numbers["beyond"]) == ("FAIL", 2)


def test_a_trade_that_changed_its_scenario_fails_in_every_gate_of_trades(desk: Desk) -> None:
    path = desk.folder / "out" / "rust" / desk.days[0] / "trades.jsonl"
    names = sorted({json.loads(line)["scenario"] for line in path.read_text().splitlines()})

    def moved(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        other = next(name for name in names if name != rows[0]["scenario"])
        return [{**rows[0], "scenario": other}, *rows[1:]]

    change(path, moved)
    gates = desk.verdict(desk.days[0]).sessions[0].gates
    assert {name for name, gate in gates.items() if gate.verdict == "FAIL"} == {"trades", "pnl"}


def test_bars_that_are_as_many_but_not_the_same_fail(desk: Desk) -> None:
    folder = desk.folder / "out" / "rust" / desk.days[0] / "bars"
    path = next(folder.rglob("bars_1m.parquet"))
    table = lake.read_parquet(path)
    rows = table.num_rows
    import pyarrow as pa

    held = pa.table(table)
    ts = held.column("ts").cast(pa.int64()).to_pylist()
    shifted = [at + 7 if n < 3 else at for n, at in enumerate(ts)]
    column = pa.chunked_array([pa.array(shifted, pa.int64()).cast(held.schema.field("ts").type)])
    lake.write_parquet(path, held.set_column(held.schema.get_field_index("ts"), held.schema.field("ts"), column))
    found = desk.verdict(desk.days[0]).sessions[0].gates["lake"]
    assert found.verdict == "FAIL"
    assert "3 rows only in legacy's file and 3 only in the candidate's, by key" in found.reasons[0]
    assert found.numbers["rows"]["legacy"] == found.numbers["rows"]["candidate"] >= rows


def test_a_bot_that_left_nothing_is_inconclusive(desk: Desk) -> None:
    shutil.rmtree(desk.folder / "out" / "rust")
    found = desk.verdict(desk.days[0])
    assert (found.verdict, found.exit_code) == ("INCONCLUSIVE", 3)
    assert all(gate.verdict == "INCONCLUSIVE" for gate in found.sessions[0].gates.values())
