"""The report: its first screen says in words what is known, its second shows what that stands on."""

from __future__ import annotations

import re
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.migrate import load
from exuvia.migrate.face import advice, first, plots, report, second, whole
from exuvia.migrate.face.latency import quantile
from exuvia.migrate.gates.judge import GroupVerdict
from exuvia.migrate.gates.runs import GateRun
from exuvia.migrate.gates.sessions import Session
from exuvia.migrate.gates.verdict import UnitStatus
from exuvia.migrate.modes import journal as modes
from exuvia.migrate.worth.compiled import is_compiled

if TYPE_CHECKING:
    from pathlib import Path

    from exuvia.migrate.config import Config

UNIT = "bot.bars:aggregate"
TOML = f"""
[unit."{UNIT}"]
candidate = "shim:aggregate"
effect = "pure"
mode = "shadow"
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "exuvia.toml"
    path.write_text(TOML, encoding="utf-8")
    path.chmod(0o600)
    return load(path)


def state(**counts: Any) -> UnitStatus:
    made = UnitStatus(unit=UNIT, mode="shadow", effective="shadow")
    made.counts.update({"compared": 1000, "legacy_ns": 9_000_000, "candidate_ns": 1_000_000, **counts})
    buckets = [0] * 64
    buckets[13], buckets[16] = 990, 10
    made.latency = {"legacy": buckets, "candidate": [*buckets[3:], 0, 0, 0]}
    return made


def verdict(word: str = "PASS", **more: Any) -> GroupVerdict:
    days = {"clean": 5, "dirty": 0, "bound": 0.45, "stricter": {"share": 0.05, "sessions": 59, "more": 54}}
    strata = [
        {"unit": UNIT, "effect": "pure", "stratum": name, "compared": n, "differed": 0, "bound": up, "thin": up > 0.01}
        for name, n, up in (("side=Buy", 900, 0.0033), ("side=Sell", 100, 0.0295))
    ]
    made = GroupVerdict(UNIT, word, bounds={"days": days, "strata": strata}, needed=5)
    made.sessions = [Session("2026-11-19"), Session("2026-11-20", "dirty", ["<one> differs"])]
    made.gates = [GateRun("equity", "paired", intervals={"bias": {"estimate": 9.0, "limit": 9}})]
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_the_first_sentence_says_that_all_was_equal_and_who_may_go_on() -> None:
    said = first.headline([state()], [verdict()], rehearsal=False, compiled={UNIT})
    assert "Rust answered exactly as the Python code in all of 1,000 compared calls" in said
    assert "1 of 1 group may take the next step" in said
    assert "none of it counts" in first.headline([state()], [], rehearsal=True)


def test_a_difference_is_the_first_thing_that_is_said() -> None:
    said = first.headline([state(differed=3)], [verdict()], rehearsal=False)
    assert said.startswith('<p class="lead">Do not go on: 3 of 1,000 compared calls differ, in bot.bars:aggregate')


def test_a_group_that_fails_is_the_first_thing_that_is_said_though_every_call_was_equal() -> None:
    bad = verdict("FAIL", reasons=["gate equity: +800.00 is beyond ±50.00"])
    said = first.headline([state()], [bad, verdict()], rehearsal=False)
    assert said.startswith('<p class="lead">Do not go on: group bot.bars:aggregate: gate equity: +800.00 is beyond')
    assert "<b>1 of 2</b><span>groups fail</span>" in first.tiles([state()], [bad, verdict()], None)


def test_what_is_to_be_done_about_many_is_said_once_and_what_fails_comes_first() -> None:
    many = [advice.Advice(f"bot:f{n}", "Legacy.", f"exuvia promote bot:f{n} --to shadow") for n in range(26)]
    shown = first.next_steps([*many, advice.Advice("desk", "Not ready.", "exuvia gate desk", urgent=True)], [])
    assert (shown.count("<tr>"), shown.count("Legacy.")) == (3, 1), "a head and two rows"
    assert shown.index("Not ready.") < shown.index("Legacy.")
    assert "and 25 more, each by its name" in shown
    assert "bot:f25" in shown


def test_a_group_without_units_is_told_where_it_stands(config: Config, tmp_path: Path) -> None:
    config.path.write_text(TOML + '[group.desk]\n[group.desk.gate.rows]\nkind = "count"\nlegacy = "a-{day}.jsonl"\n')
    declared = load(config.path)
    group, journal = declared.groups["desk"], modes.Journal()
    said = advice.advise(declared, group, [], journal, verdict("INCONCLUSIVE", reasons=["0 of 5 clean sessions"]))
    assert "nothing is compared until" not in said.text
    failing = advice.advise(declared, group, [], journal, verdict("FAIL", reasons=["rows: 3 against 4"]))
    assert (failing.text, failing.urgent) == ("Not ready: rows: 3 against 4.", True)


def test_without_evidence_nothing_is_claimed() -> None:
    assert "Nothing was compared yet" in first.headline([UnitStatus(unit=UNIT)], [], rehearsal=False)
    assert "No unit is declared" in first.headline([], [], rehearsal=False)


def test_every_figure_of_the_second_screen_is_there_thinnest_stratum_first() -> None:
    strata = second.strata([verdict()])
    assert strata.index("side=Sell") < strata.index("side=Buy")
    assert strata.count("thin") == 1, "one stratum only"
    assert "2.950%" in strata
    assert "54 more" in second.sessions([verdict()])
    assert "&lt;one&gt; differs" in second.sessions([verdict()])
    assert "bias 9, limit 9" in second.gates([verdict()])


def test_nothing_is_drawn_of_what_nobody_counted() -> None:
    empty = UnitStatus(unit=UNIT)
    assert second.latency([empty]) == second.shadow([empty]) == second.strata([]) == second.sessions([]) == ""
    one = plots.stacked_bars([("bot:price", (("equal", 1.0),))], "calls", "calls")
    assert ">1 call<" in one
    assert plots.days([]) == plots.distributions([], "") == ""
    assert plots.distributions([("x", [0] * 64, [0] * 64)], "") == ""


def test_what_was_dropped_or_fell_back_has_a_column_and_what_was_not_has_none() -> None:
    shown = second.shadow([state(dropped=7, fallbacks=2)])
    assert re.findall(r"<th class=n>([^<]+)</th>", shown) == ["dropped", "answered by legacy"]


def test_of_few_calls_no_percentile_is_shown() -> None:
    found = state()
    for side in found.latency.values():
        side[:] = [1 if at == 26 else 0 for at in range(64)]
    shown = second.latency([found])
    assert re.findall(r"<td class=n>([^<]*)</td>", shown) == ["–"] * 4, "one call of 35 ms has no p50 of 47.5 ms"
    assert "fewer than 20 calls" in shown
    for side in found.latency.values():
        side[:] = [50 if at == 26 else 0 for at in range(64)]
    p50, _, p99, *_ = re.findall(r"<td class=n>([^<]*)</td>", second.latency([found]))
    assert p50 != "–"
    assert p99 == "–"
    assert "fewer than" not in second.latency([state()])


def test_the_last_label_of_an_axis_and_the_colour_of_both_sides_are_there() -> None:
    buckets = [1 if 10 <= at < 27 else 0 for at in range(64)]
    plot = plots.distributions([(UNIT, buckets, buckets)], "Calls by time")
    places = [float(x) for x in re.findall(r'class="tick" x="([\d.]+)"', plot)]
    assert max(places) <= plots.WIDTH - 20, "half of a label has to fit right of its line"
    assert '<i class="both"></i>both' in second.latency([state()])


def test_quantiles_lie_within_the_bucket_of_the_true_one() -> None:
    times = [100 + 7 * k for k in range(1000)]
    buckets = [0] * 64
    for time in times:
        buckets[time.bit_length()] += 1
    for share in (0.01, 0.5, 0.99):
        true, found = times[int(share * 1000) - 1], quantile(buckets, share)
        assert found is not None
        assert 0.5 <= found / true <= 2.0


@pytest.mark.parametrize(
    ("mode", "given", "judged", "command"),
    [
        ("legacy", {}, verdict(), f"exuvia promote {UNIT} --to shadow"),
        ("shadow", {"differed": 1}, verdict("FAIL"), f"exuvia diff {UNIT}"),
        ("shadow", {}, verdict(), f"exuvia approve {UNIT} --to canary"),
        ("canary", {}, verdict(), f"exuvia approve {UNIT} --to rust"),
        ("shadow", {}, verdict("FAIL", reasons=["gate equity: bias"]), f"exuvia gate {UNIT}"),
        ("shadow", {}, verdict("INCONCLUSIVE", reasons=["few"], needed=9), f"exuvia gate {UNIT}"),
        ("shadow", {}, verdict("INCONCLUSIVE", reasons=["no self-test"]), f"exuvia gate {UNIT}"),
        ("rust", {}, verdict(), ""),
    ],
)
def test_the_advice_is_a_command_that_exists(
    config: Config, mode: str, given: dict[str, int], judged: GroupVerdict, command: str
) -> None:
    found = state(**given)
    found.mode = found.effective = mode
    said = advice.advise(config, config.group_of(UNIT), [found], modes.Journal(), judged)
    typed = command.replace("exuvia ", "", 1).replace(" ", f" --config {config.path} ", 1)
    assert said.command == (f"exuvia {typed}" if command else "")
    assert said.text.endswith(".")
    assert ("raise mode to" in said.text) == ("approve" in command), "the file allows shadow only"


def test_the_command_can_be_typed_as_it_stands(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def advised() -> advice.Advice:
        return advice.advise(config, config.group_of(UNIT), [state()], modes.Journal(), verdict())

    monkeypatch.delenv("EXUVIA_CONFIG", raising=False)
    monkeypatch.chdir(config.path.parent)
    assert advised().command == f"exuvia approve {UNIT} --to canary", "this file is found without being named"
    monkeypatch.chdir(config.path.parent.parent)
    name = config.path.relative_to(config.path.parent.parent)
    assert advised().command == f"exuvia approve --config {name} {UNIT} --to canary"
    assert 'raise mode to "canary" in exuvia.toml first, then take it to canary.' in advised().text
    config.path.write_text(TOML.replace("shadow", "rust"), encoding="utf-8")
    high = state()
    high.file = "rust"
    said = advice.advise(config, config.group_of(UNIT), [high], modes.Journal(), verdict())
    assert "raise" not in said.text


def test_the_whole_run_says_what_counts_as_saved_and_is_named_by_what_is_in_it() -> None:
    sides = [
        {"name": name, "wall_s": wall, "compute_s": compute, "waiting_s": 2.0, "start_s": 1.0}
        for name, wall, compute in (("legacy", 4.01, 1.06), ("rust", 4.14, 0.64))
    ]
    both = whole.runs({"runs": sides, "parity": [{"what": "trades.jsonl", "equal": True}]})
    assert "1.06 s became 0.64 s" in both
    assert "the bar of rust may even be the longer one" in both
    assert "equal: 1 artefact." in both
    assert both.index("</svg>") < both.index("<details>") < both.index("<table>"), "the rows are folded away"
    alone = whole.runs({"runs": sides[:1]})
    assert "Whole run: legacy alone" in alone
    assert "all Rust" not in alone


def test_a_journal_that_cannot_be_trusted_comes_before_all_advice(config: Config) -> None:
    said = advice.advise(config, config.group_of(UNIT), [state()], modes.Journal(broken="torn"), verdict())
    assert "cannot be trusted" in said.text


def test_the_page_of_a_real_folder_has_both_screens_and_no_script(config: Config) -> None:
    page = report.page("Cutover <1>", config, [state()], [], None).text
    assert "Cutover &lt;1&gt;" in page
    assert page.index("What to do next") < page.index("Sessions and what they prove") < page.index("Units")
    assert "<script" not in page
    assert "http:" not in page
    assert "https:" not in page


def test_tables_break_names_and_heads_and_scroll_in_their_own_box(config: Config) -> None:
    found = state(unsampled=9, quiet=4, observed_calls=1)
    found.unit = "legacy_bot.bars.aggregation.minutes:aggregate_quote_bars_from_ticks"
    page = report.page("Cutover", config, [found], [], None).text
    style, _, body = page.partition("</style>")
    broken = "legacy_bot.<wbr>bars.<wbr>aggregation.<wbr>minutes:<wbr>aggregate_quote_bars_from_ticks"
    units = body.partition("<h2>Units</h2>")[2].partition("</section>")[0]
    assert f'<td class="unit"><code>{broken}</code></td>' in units
    assert units.index("<th>verdict</th>") < units.index("legacy calls"), "the verdict is seen without scrolling"
    assert body.count("<table>") == body.count('<div class="scroll"><table>')
    for rule in re.findall(r"(?:^|[}\n])([^{}]*\bth\b[^{}]*)\{([^}]*)\}", style):
        assert "nowrap" not in rule[1], rule
    assert re.search(r"\.scroll \{ overflow-x: auto;", style)


def test_what_is_not_compiled_is_not_called_rust() -> None:
    other = state(candidate_calls=40)
    other.unit, other.mode, other.effective = "bot.scan:decide", "rust", "rust"
    said = first.headline([state()], [], rehearsal=True)
    assert "The candidate answered exactly as legacy in all of 1,000 compared calls" in said
    assert "Rust" not in said + first.headline([state(differed=3)], [], rehearsal=True)
    both = first.headline([state(), other], [], rehearsal=True, compiled={UNIT})
    assert "The candidates answered" in both
    assert "1 unit of 2 runs on the candidate." in both
    third = state(candidate_calls=1)
    third.effective = "rust"
    mixed = first.headline([third, other], [], rehearsal=True, compiled={UNIT})
    assert "2 units of 2 run on the candidates, 1 of them Rust." in mixed
    assert "1 unit of 1 runs on Rust." in first.headline([third], [], rehearsal=True, compiled={UNIT})


def test_the_first_screen_says_what_is_wrong_where_no_call_differs_and_who_served() -> None:
    held = state()
    held.quarantined = "the candidate raised"
    assert "Do not go on: bot.bars:aggregate: in quarantine: the candidate raised." in first.headline(
        [held], [], rehearsal=False
    )
    served = first.headline([state(differed=3, candidate_calls=9)], [], rehearsal=False)
    assert "The candidate served calls of the program." in served
    assert "nothing reached" not in served


@pytest.mark.parametrize(
    ("text", "compiled"),
    [
        ("def aggregate(x): return x\n", False),
        ("import json\nimport numpy as np\ndef aggregate(x): return np.asarray(json.loads(x))\n", False),
        ("from exuvia.migrate import original\ndef aggregate(x): return original(print)(x)\n", False),
        ("from exuvia import bars\ndef other(x): return bars.aggregate(x)\ndef aggregate(x): return x\n", False),
        ("from exuvia import bars\ndef aggregate(x): return bars.aggregate(x)\n", True),
        ("import exuvia.bars\ndef aggregate(x): return exuvia.bars.aggregate(x)\n", True),
        ("from exuvia.bars import aggregate as fast\naggregate = fast\n", True),
        ("def aggregate(x):\n    return _inner(x)\ndef _inner(x):\n    from native import f\n    return f(x)\n", True),
        ("from helper import aggregate\n", True),
    ],
)
def test_compiled_is_what_leads_to_compiled_code(tmp_path: Path, text: str, compiled: bool) -> None:
    (tmp_path / "shim.py").write_text(text, encoding="utf-8")
    (tmp_path / "helper.py").write_text("from native import aggregate\n", encoding="utf-8")
    (tmp_path / f"native{EXTENSION_SUFFIXES[0]}").write_bytes(b"")
    assert is_compiled("shim:aggregate", [tmp_path, *sys.path]) is compiled


def test_a_step_names_its_unit_so_that_no_other_is_rolled_back(config: Config) -> None:
    config.path.write_text("[exuvia]\nrehearsal = true\n" + TOML.replace("shadow", "rust"), encoding="utf-8")
    rehearsal = load(config.path)
    found = state(candidate_calls=5)
    found.mode = found.effective = found.file = "rust"
    said = advice.advise(rehearsal, rehearsal.group_of(UNIT), [found], modes.Journal(), None)
    assert said.command == f"exuvia rollback --config {config.path} {UNIT}"
    assert "Rust" not in said.text


def test_a_tooltip_counts_calls_in_whole_ones() -> None:
    plot = plots.stacked_bars([(UNIT, (("equal", 2000.0), ("differs", 1.0)))], "Compared calls", "calls")
    assert "<title>equal: 2,000 calls</title>" in plot
    assert "<title>differs: 1 call</title>" in plot
    assert "<title>compute: 1.06 s</title>" in plots.stacked_bars([("legacy", (("compute", 1.06),))], "x", "s")


def test_the_overhead_is_what_a_sample_costs_its_caller_and_what_was_shed() -> None:
    found = state(legacy_calls=2000, observed_calls=900, observing_ns=10_800_000, skipped=50, dropped=50, unsampled=950)
    shown = second.overhead([found])
    assert "10.8 ms of the program&#x27;s own threads, 12.0 µs for each of 900 sampled calls" in shown
    assert re.findall(r"<td class=n>([^<]*)</td>", shown) == [
        *("2,000", "900", "12.0 µs", "9.00 µs", "10.8 ms", "50 (4.76%)", "950")
    ]
    unknown = second.overhead([state(legacy_calls=1000)])
    assert "measured nowhere here" in unknown
    assert re.findall(r"<td class=n>([^<]*)</td>", unknown)[2] == "–"
    assert second.overhead([UnitStatus(unit=UNIT)]) == ""
