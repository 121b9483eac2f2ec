"""The comparator's self-test on recorded calls of the legacy bot: every fault is found, no equal pair is blamed."""

from __future__ import annotations

import copy
import csv
import io
import json
import math
import random
import sys
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from bot_modules import BOT, importable
from exuvia.migrate import Comparator, self_test
from exuvia.migrate.comparator import selftest
from exuvia.migrate.comparator.faults import FAULTS
from exuvia.migrate.comparator.sites import replaced, sites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIDNIGHT = 1_399_420_800_000_000_000
UIC = 21


@pytest.fixture(scope="module")
def bot() -> Iterator[Any]:
    """The legacy bot, importable while this module's tests run."""
    with importable():
        from legacy_bot import archive, bars, config, ledger, model, quotes, scan  # noqa: F401 - loaded for sys.modules

        yield sys.modules["legacy_bot"]


def record(bot: Any, ticks: Iterable[tuple[int, float, float]]) -> list[Any]:
    """Runs the bot's own code over ticks (ns, bid, ask) and records what each call took and returned."""
    calls: list[Any] = []
    settings = bot.config.load_config(BOT / "scenarios")
    book, builder = bot.quotes.QuoteBook(), bot.bars.TickBars(60)
    ledger = bot.ledger.Ledger(settings.start_equity)
    closed: list[Any] = []
    closes: dict[int, list[float]] = {UIC: []}
    number = 0
    for at, (ts, bid, ask) in enumerate(ticks):
        element = {"Uic": UIC, "LastUpdated": bot.model.format_ns(ts)}
        payload = json.dumps([{**element, "Quote": {"Bid": bid, "Ask": ask, "MarketState": "Open"}}]).encode()
        emitted = book.apply(payload)
        calls.append({"args": (payload,), "result": emitted})
        for quote in emitted:
            bar = builder.on_quote(quote)
            calls.append({"args": (quote,), "result": bar, "late": builder.late})
            if bar is not None:
                closed.append(bar)
                closes[UIC].append((bar.bid_close + bar.ask_close) / 2)
        if at % 50 == 49:
            views = {s.name: bot.model.ScenarioView() for s in settings.scenarios}
            intents = bot.scan.decide(views, {UIC: book.get(UIC)}, closes, settings.scenarios, ts)
            calls.append({"args": (views, closes[UIC][-20:], ts), "result": intents})
            side = ("Buy", "Sell")[number % 2]
            fill = bot.model.Fill(f"LB-trend-{number}", "trend", UIC, side, 1000, Decimal(repr(bid)), ts)
            trade = ledger.on_fill(fill, "entry")
            number += 1
            account = ledger.account("trend")
            calls.append({"args": (fill, "entry"), "result": trade, "state": account.as_state(), "account": account})
            calls.append({"equity": ledger.equity("trend", book.get(UIC)), "flat": account.position == 0})
    five = bot.bars.aggregate(closed, 300)
    calls.append({"args": (closed, 300), "result": five})
    if five:
        table = pa.table({name: [getattr(bar, name) for bar in five] for name in ("ts", "bid_close", "ticks")})
        calls.append({"bytes": bot.archive.encode_bars(five), "table": table})
        calls.append({"closes": np.array(closes[UIC]), "tags": {"fx", five[0].uic}, "seen": frozenset({UIC})})
    return calls


def simulated(seed: int, count: int) -> list[tuple[int, float, float]]:
    """Ticks of a random walk, two seconds apart."""
    rng = random.Random(seed)
    price, ticks = 1.1, []
    for n in range(count):
        price = round(price + rng.choice([-1, 0, 1]) * 1e-5, 5)
        ticks.append((MIDNIGHT + n * 2_000_000_000 + rng.randrange(10**9), price, round(price + 1e-4, 5)))
    return ticks


def test_every_fault_in_recorded_calls_is_found_at_its_path(bot: Any, proof: Any) -> None:
    calls = record(bot, simulated(7, 1500))
    found = self_test(samples=calls, seed=7, instances=4000)
    sys.stdout.write(f"{found}\n")
    assert found.ok, found.missed[:5]
    assert found.caught == found.injected >= 3900
    assert len(found.kinds) >= 60
    assert found.pairs == len(calls) >= 3000
    proof("faults injected into recorded calls, all found by the comparator", found.caught)


def test_every_fault_in_calls_on_real_ticks_is_found_at_its_path(bot: Any, data_dir: Path) -> None:
    path = data_dir / "QuantConnect__Lean/Data/forex/oanda/tick/eurusd/20140507_quote.zip"
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        rows = list(csv.reader(io.TextIOWrapper(archive.open(name))))[:2000]
    ticks = [(MIDNIGHT + int(row[0]) * 1_000_000, float(row[1]), float(row[2])) for row in rows]
    found = self_test(samples=record(bot, ticks), seed=11, instances=2000)
    assert found.ok, found.missed[:5]
    assert found.caught == found.injected >= 1900
    assert len(found.kinds) >= 40


def test_ten_thousand_calls_of_legacy_against_itself_raise_no_alarm(bot: Any) -> None:
    ticks = simulated(5, 4500)
    rules = {"$.result[*].bid": "tick:0.00001", "$.args[*].client_id": "ids", "$.state": "exact"}
    plain, ruled = Comparator(), Comparator(rules)
    pairs = 0
    for one, two in zip(record(bot, ticks), record(bot, ticks), strict=True):
        for comparator in (plain, ruled):
            verdict = comparator.compare(one, two)
            assert verdict.total == 0, verdict.differences
            assert verdict.compared > 0
        pairs += 1
    assert pairs >= 9_000
    assert 2 * pairs >= 10_000


def test_more_than_forty_kinds_of_faults_are_known_and_each_changes_something() -> None:
    assert len(FAULTS) >= 80
    seen = self_test(seed=3, instances=2 * len(FAULTS))
    assert seen.ok
    assert len(seen.kinds) >= 60


def test_the_same_seed_injects_the_same_faults_and_leaves_the_global_stream_alone() -> None:
    random.seed(5)
    before = random.getstate()
    one, two = self_test(seed=3, instances=200), self_test(seed=3, instances=200)
    assert one == two
    assert random.getstate() == before
    assert self_test(seed=4, instances=200).kinds != {}


def test_the_self_test_fails_when_a_rule_hides_what_matters() -> None:
    found = self_test({"$.fills[*].price": "abs:5000"}, seed=2, instances=4000)
    assert not found.ok
    assert found.missing > 0
    assert {one.fault for one in found.missed} == {"a float far off"}
    assert {one.path.partition("]")[2] for one in found.missed} == {".price"}
    assert "MISSED" in str(found)
    assert found.as_dict()["ok"] is False


def test_honest_rules_hide_only_what_they_were_declared_for() -> None:
    rules = {"$.fills[*].price": "tick:0.00001", "$.equity": "tick:0.01", "$.closes[*]": "ulp:4"}
    found = self_test({**rules, "$.note": "ignore(ana, free text)"}, seed=2, instances=6000)
    assert found.ok, found.missed[:3]
    assert found.hidden
    assert found.ignored > 0
    assert {one.path.partition("[")[0] for one in found.hidden} <= {"$.fills", "$.equity", "$.closes"}
    assert found.injected == found.caught + found.ignored + (found.injected - found.caught - found.ignored)
    assert "inside of declared tolerances" in str(found)
    assert json.loads(json.dumps(found.as_dict()))["ignored"] == found.ignored


def test_rows_in_any_order_are_searched_by_their_place() -> None:
    found = self_test({"$.fills": "keyed(id)", "$.closes": "multiset"}, seed=2, instances=3000)
    order = {"two neighbours swapped", "a list turned round"}
    assert (found.ok, found.missed) == (True, ()), found
    hidden = {one.rule for one in found.hidden if one.fault in order}
    assert hidden == {"$.fills keyed(id)", "$.closes multiset"}
    assert all(one.path in ("$.fills", "$.closes") for one in found.hidden if one.fault in order)
    kept = self_test({"$.fills": "keyed(id; ordered)"}, seed=2, instances=3000)
    assert (kept.ok, kept.hidden) == (True, ()), "in order the order counts"


@pytest.mark.parametrize(
    ("rules", "sample"),
    [
        ({"$": "multiset"}, [1, 2, 3]),
        ({"$": "multiset"}, ["AAPL", "MSFT", "SPY"]),
        ({"$": "keyed(id)"}, [{"id": f"A-{i}", "price": 1.5 + i} for i in range(6)]),
        ({"$": "keyed(id)"}, pa.table({"id": [1, 2, 3], "price": [1.0, 2.0, 3.0]})),
        ({"$": "jaccard:0.9"}, set(range(50))),
        ({"$": "jaccard:0.9"}, [f"S{i}" for i in range(50)]),
    ],
)
def test_a_unit_whose_order_does_not_count_can_pass(rules: dict[str, str], sample: Any) -> None:
    found = self_test(rules, samples=[sample], instances=1000)
    assert found.ok, found
    assert found.caught > 0


def test_where_all_is_ignored_nothing_is_trusted() -> None:
    found = self_test({"$.**": "ignore(me, noise)"}, samples=[{"a": 1.5, "b": 2}], instances=300)
    assert (found.ok, found.caught, found.ignored) == (False, 0, found.injected)
    assert "NOTHING is left that is compared" in str(found)


def test_infinity_is_near_to_nothing_on_a_column_too() -> None:
    found = self_test({"$[*]": "rel:1e-9"}, samples=[np.linspace(1, 2, 50)], instances=2000)
    assert found.ok, found
    injected, caught = found.kinds["infinity in an array"]
    assert injected == caught > 100


def test_a_comparator_that_sees_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def __init__(self, rules: object = None) -> None:
            self.rules = rules

        def compare(self, legacy: object, *_: object) -> Any:
            return Comparator().compare(legacy, legacy)

    monkeypatch.setattr(selftest, "Comparator", Blind)
    found = self_test(seed=1, instances=100)
    assert (found.caught, found.missing, found.ok) == (0, 100, False)


def test_an_alarm_on_equal_pairs_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nervous:
        def __init__(self, rules: object = None) -> None:
            self.rules = rules

        def compare(self, *_: object) -> Any:
            return Comparator().compare(1, 2)

    monkeypatch.setattr(selftest, "Comparator", Nervous)
    found = self_test(seed=1, instances=10)
    assert found.alarms == found.pairs
    assert not found.ok


def test_no_samples_prove_nothing() -> None:
    found = self_test(samples=[])
    assert (found.injected, found.ok) == (0, False)


def test_the_walk_of_the_self_test_changes_one_place_and_nothing_else() -> None:
    value = {"a": [1, (2.0, {"b": None})], "c": frozenset({1})}
    before = copy.deepcopy(value)
    for site in sites(value):
        other = replaced(value, site.way, "changed")
        assert value == before
        differing = [s.path for s in sites(other) if s.value == "changed"]
        assert differing == [site.path]


@pytest.mark.parametrize("tolerance", [1, 5, 50, 400])
def test_a_tolerance_on_an_integer_hides_what_lies_inside_of_it_and_nothing_beyond(tolerance: int) -> None:
    samples = [1, 2, -3, 0, 40, 900]
    found = self_test({"$": f"abs:{tolerance}"}, samples=samples, seed=3, instances=600)
    assert found.ok, found
    assert all(abs(int(one.wrong) - int(one.right)) <= tolerance for one in found.hidden)
    assert {one.rule for one in found.hidden} == {f"$ abs:{tolerance}"}
    assert f"inside of declared tolerances: $ abs:{tolerance} hides " in str(found)
    assert "one more" in str(found)
    assert found.kinds["an integer far off"][0] == found.kinds["an integer far off"][1] > 0
    assert json.loads(json.dumps(found.as_dict()))["hidden"][0]["rule"] == f"$ abs:{tolerance}"


@pytest.mark.parametrize("rule", ["abs:0.5", "abs:50", "rel:0.02", "rel:0.5", "tick:0.25", "tick:40", "ulp:4"])
def test_a_tolerance_on_a_float_hides_what_lies_inside_of_it_and_nothing_beyond(rule: str) -> None:
    samples = [1.25, 1.1, -3.5, 0.0, 40.0, 900.75, 25_299.75, 1e-9]
    found = self_test({"$": rule}, samples=samples, seed=3, instances=2000)
    assert found.ok, found
    name, _, amount = rule.partition(":")
    for one in found.hidden:
        right, wrong = float(one.right), float(one.wrong)
        reach = {"rel": max(abs(right), abs(wrong)), "ulp": math.ulp(max(abs(right), abs(wrong))), "tick": 0.5}.get(
            name, 1.0
        )
        assert abs(wrong - right) <= float(amount) * reach * (1 + 1e-9), one
    assert {one.rule for one in found.hidden} == {f"$ {rule}"}
    for fault in ("a float far off", "NaN", "infinity"):
        assert found.kinds[fault][0] == found.kinds[fault][1] > 0


@pytest.mark.parametrize("rule", ["abs:10000", "rel:0.999999"])
def test_a_tolerance_that_swallows_every_float_fails_the_self_test(rule: str) -> None:
    found = self_test({"$": rule}, samples=[1.25, 1.1, -3.5], seed=3, instances=600)
    assert not found.ok
    assert {one.fault for one in found.missed} >= {"a float far off"}


def test_decimals_and_cells_under_a_tolerance_are_judged_as_floats_are() -> None:
    for samples, rule, gross in (
        ([Decimal("1.10"), Decimal("-250.25")], {"$": "abs:0.5"}, "a Decimal far off"),
        ([Decimal("1.10"), Decimal("-250.25")], {"$": "quantum:0.5"}, "a Decimal far off"),
        ([np.array([1.0, 1.5, 3.0]), np.array([1.0, 1.5], "f4")], {"$[*]": "abs:5"}, "a cell far off"),
    ):
        found = self_test(rule, samples=samples, seed=3, instances=900)
        assert found.ok, found
        assert found.hidden
        assert found.kinds[gross][0] == found.kinds[gross][1] > 0


@pytest.mark.parametrize("declared", ["abs:0.5", "rel:0.01", "tick:0.01"])
def test_a_comparator_whose_tolerance_reaches_too_far_is_found_out(
    monkeypatch: pytest.MonkeyPatch, declared: str
) -> None:
    name, _, amount = declared.partition(":")

    class Wide:
        """Takes every tolerance for a hundred times what it says."""

        def __init__(self, rules: dict[str, str] | None = None) -> None:
            wider = f"{name}:{100 * float(amount) if name != 'rel' else 0.9}"
            self.inner = Comparator({path: wider if rule == declared else rule for path, rule in (rules or {}).items()})

        def compare(self, legacy: object, candidate: object) -> Any:
            return self.inner.compare(legacy, candidate)

    samples = [1.25, 1.1, -3.5, 40.0]
    assert self_test({"$": declared}, samples=samples, seed=3, instances=900).ok
    monkeypatch.setattr(selftest, "Comparator", Wide)
    found = self_test({"$": declared}, samples=samples, seed=3, instances=900)
    assert not found.ok
    assert {one.fault for one in found.missed} & {"a tick up", "a percent off", "a price ten times as high"}


def test_a_tolerance_that_swallows_every_integer_fails_the_self_test() -> None:
    found = self_test({"$": "abs:1000000"}, samples=[1, 2, 3], seed=3, instances=600)
    assert not found.ok
    assert "an integer far off" in {one.fault for one in found.missed}
