"""What a scan refuses, with the value and the words that are known; strategies of your own."""

from __future__ import annotations

import math
import pickle
from types import MappingProxyType
from typing import Any

import pytest
from exuvia import scan
from exuvia.errors import ScanError, ValueRangeError
from test_scan_decide import WEDNESDAY, Fixed, Quote, Rules, View


def one(quote: Quote, closes: Any = (), strategy: Any = None, **view: Any) -> list[Any]:
    rules = Rules("s", 21, 1000, strategy or Fixed(1), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    return scan.decide({"s": View(**view)}, {21: quote}, {21: list(closes)}, [rules], WEDNESDAY)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.3, 0.0])
def test_a_quote_that_is_no_price_names_instrument_and_value(bad: float) -> None:
    with pytest.raises(ScanError, match=r"bid of instrument 21 is"):
        one(Quote(21, WEDNESDAY, bad, 1.3, "Open"))
    with pytest.raises(ScanError, match=r"ask of instrument 21 is"):
        one(Quote(21, WEDNESDAY, 1.3, bad, "Open"))


def test_a_close_that_is_nan_is_refused_where_it_is_looked_at() -> None:
    quote = Quote(21, WEDNESDAY, 1.3, 1.3, "Open")
    with pytest.raises(ScanError, match="close NaN at index 1 of instrument 21 must be a finite number"):
        one(quote, [1.0, math.nan], scan.SmaCross(1, 2))
    assert one(quote, [math.nan, 1.0, 1.1], scan.SmaCross(1, 2))[0].side == "Buy"
    with pytest.raises(ScanError, match="close NaN of instrument 21 must be a finite number"):
        scan.Scanner([]).push_close(21, math.nan)
    with pytest.raises(ScanError, match="close inf at index 2 of the closes must be"):
        scan.SmaCross(1, 2).target([1.0, 1.0, math.inf])


@pytest.mark.parametrize("keep", [0, 3])
def test_a_scanner_that_keeps_fewer_closes_than_its_strategy_looks_at_is_refused(keep: int) -> None:
    scenario = scan.Scenario("s", 21, 1_000, scan.SmaCross(2, 4), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    with pytest.raises(ScanError, match=f'keep {keep} is fewer than the [45] closes that the strategy of scenario "s"'):
        scan.Scanner([scenario], keep=keep)


def test_a_position_without_an_opposite_is_refused_not_shortened() -> None:
    quote = Quote(21, WEDNESDAY, 1.3, 1.3, "Open")
    with pytest.raises(ScanError, match="position -9223372036854775808: it cannot be closed by one order"):
        one(quote, position=-(2**63), entry_price=1.0, entry_ts=0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda huge: scan.Intent("place", "s", 21, "Buy", huge, "Market", None, 0, "entry"), "amount"),
        (lambda huge: scan.Intent("place", "s", huge, "Buy", 1, "Market", None, 0, "entry"), "uic"),
        (lambda huge: scan.Intent("place", "s", 21, "Buy", 1, "Market", None, huge, "entry"), "decided"),
        (lambda huge: scan.Scanner([], keep=-huge), "keep"),
        (lambda huge: scan.Scanner([]).push_close(huge, 1.0), "uic"),
        (lambda huge: scan.Scanner([]).decide({}, {}, huge), "now"),
        (lambda huge: scan.decide({}, {}, {}, [], huge), "now"),
    ],
)
def test_a_whole_number_that_does_not_fit_is_named_with_its_value(make: Any, said: str) -> None:
    with pytest.raises(ValueRangeError, match=rf"{said} -?{2**70} is out of range"):
        make(2**70)


def test_unknown_words_are_refused_with_the_words_that_are_known() -> None:
    with pytest.raises(ScanError, match=r'action "hold" is unknown: use one of place, cancel'):
        scan.Intent("hold", "s", 21, "Buy", 1, "Market", None, 0, "entry")
    with pytest.raises(ValueRangeError, match=r'side "buy" is unknown'):
        scan.Intent("place", "s", 21, "buy", 1, "Market", None, 0, "entry")
    with pytest.raises(ValueRangeError, match=r'order type "Peg" is unknown'):
        one(Quote(21, WEDNESDAY, 1.3, 1.3, "Open"), open_order="x", open_side="Buy", open_type="Peg", open_decided=0)


def test_a_symbol_without_a_quote_decides_nothing_and_a_scenario_without_a_view_is_an_error() -> None:
    rules = Rules("s", 99, 1000, Fixed(1), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    assert scan.decide({}, {}, {}, [rules], WEDNESDAY) == []
    with pytest.raises(ScanError, match='scenario "s" has no view'):
        scan.decide({}, {99: Quote(99, WEDNESDAY, 1.3, 1.3, "Open")}, {}, [rules], WEDNESDAY)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("amount", 0, "has amount 0: it must be positive"),
        ("tick", 0.0, "has tick 0: it must be positive"),
        ("stop", math.nan, "has stop NaN: it must be a number"),
        ("order_type", "stop", 'has order_type "stop": use one of market, limit'),
    ],
)
def test_a_scenario_that_makes_no_sense_is_refused(field: str, value: Any, message: str) -> None:
    values = {
        "name": "s",
        "uic": 21,
        "amount": 1000,
        "strategy": Fixed(1),
        "order_type": "limit",
        "limit_offset": 0.0,
        "tick": 1e-5,
        "max_spread": 1.0,
        "stop": 1.0,
        "take": 1.0,
        "max_hold_s": 60,
        "cooldown_s": 0,
        "order_ttl_s": 60,
        "max_quote_age_s": 60,
    }
    with pytest.raises(ScanError, match=message):
        scan.Scenario(**{**values, field: value})
    plain = Rules(**{**values, field: value})
    with pytest.raises(ScanError, match=message):
        scan.Scanner([plain])
    held = View(1000, 1.3, WEDNESDAY) if field == "stop" else View()
    with pytest.raises(ScanError, match=message):
        scan.decide({"s": held}, {21: Quote(21, WEDNESDAY, 1.3, 1.3, "Open")}, {}, [plain], WEDNESDAY)


def test_parameters_of_a_strategy_that_make_no_sense_are_refused() -> None:
    for make in (lambda: scan.SmaCross(5, 5), lambda: scan.SmaCross(0, 5), lambda: scan.ZScoreReversion(1, 2.0, 1.0)):
        with pytest.raises(ScanError):
            make()


class Failing:
    def target(self, closes: list[float], position: int) -> int | None:
        raise LookupError(f"no model for {position} after {len(closes)} closes")


def test_a_strategy_of_yours_raises_its_own_exception() -> None:
    quote = Quote(21, WEDNESDAY, 1.3, 1.3, "Open")
    with pytest.raises(LookupError, match="no model for 0 after 2 closes"):
        one(quote, [1.0, 1.1], Failing())
    rules = Rules("s", 21, 1000, Failing(), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    with pytest.raises(LookupError, match="no model for 0 after 0 closes"):
        scan.Scanner([rules]).decide({"s": View()}, {21: quote}, WEDNESDAY)


def test_a_strategy_may_come_back_to_its_scanner() -> None:
    class Nosy:
        def target(self, closes: list[float], position: int) -> int | None:  # noqa: ARG002 - as the bot calls it
            scanner.push_close(21, 2.0)
            return len(scanner.closes(21))

    rules = Rules("s", 21, 1000, Nosy(), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    scanner = scan.Scanner([rules])
    [intent] = scanner.decide({"s": View()}, {21: Quote(21, WEDNESDAY, 1.3, 1.3, "Open")}, WEDNESDAY)
    assert intent.side == "Buy"


def test_a_scanner_keeps_as_many_closes_as_it_is_told() -> None:
    scanner = scan.Scanner([], keep=3)
    for value in range(10):
        scanner.push_close(21, float(value))
    assert scanner.closes(21) == [7.0, 8.0, 9.0]
    assert scanner.closes(22) == []


@pytest.mark.parametrize(
    "value",
    [
        scan.SmaCross(2, 5),
        scan.ZScoreReversion(5, 1.5, 0.5),
        scan.ScenarioView(5, 1.1, 2, None, "id", "Buy", "Limit", 7),
        scan.Intent("place", "s", 21, "Buy", 1000, "Limit", 1.39284, 7, "entry"),
        scan.Scenario("s", 21, 1, scan.SmaCross(1, 2), "limit", 0.1, 0.1, 0.1, 0.1, 0.1, 1, 1, 1, 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_compared_hashed_pickled_and_frozen(value: Any) -> None:
    twin = pickle.loads(pickle.dumps(value))
    assert twin == value
    assert hash(twin) == hash(value)
    assert twin is not value
    assert value != "something else"
    field = value.__match_args__[0]
    assert f"{type(value).__name__}({field}=" in repr(value)
    with pytest.raises(AttributeError):
        setattr(value, field, None)


def test_quotes_and_closes_may_be_any_mapping() -> None:
    rules = Rules("s", 21, 1000, Fixed(1), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    quotes = {21: Quote(21, WEDNESDAY, 1.3, 1.3, "Open")}
    decided = scan.decide({"s": View()}, MappingProxyType(quotes), MappingProxyType({21: [1.0]}), [rules], WEDNESDAY)
    assert [(intent.scenario, intent.side, intent.amount) for intent in decided] == [("s", "Buy", 1000)]
    assert decided == scan.decide({"s": View()}, quotes, {21: [1.0]}, [rules], WEDNESDAY)
    assert scan.decide({"s": View()}, MappingProxyType({}), MappingProxyType({}), [rules], WEDNESDAY) == []


def test_only_an_open_limit_order_whose_side_is_known_is_cancelled_for_its_age() -> None:
    quote, old = Quote(21, WEDNESDAY, 1.3, 1.3, "Open"), WEDNESDAY - 61 * 10**9
    [cancel] = one(quote, open_order="x", open_side="Buy", open_type="Limit", open_decided=old)
    assert (cancel.action, cancel.side) == ("cancel", "Buy")
    assert one(quote, open_order="x", open_side="Buy", open_type="Limit", open_decided=WEDNESDAY - 10**9) == []
    for side, kind in ((None, "Limit"), ("Buy", None), ("Buy", "Market")):
        assert one(quote, open_order="x", open_side=side, open_type=kind, open_decided=old) == []


def test_a_scanner_says_how_many_scenarios_it_holds() -> None:
    rules = Rules("s", 21, 1000, Fixed(1), "market", 0.0, 1e-5, 1.0, 1.0, 1.0, 60, 0, 60, 60)
    for held in (0, 2):
        scanner = scan.Scanner([rules] * held)
        assert (len(scanner), repr(scanner)) == (held, f"<Scanner of {held} scenarios>")


def test_a_view_gives_back_side_and_type_of_its_open_order_as_words() -> None:
    view = scan.ScenarioView(5, open_order="a", open_side="Sell", open_type="Limit", open_decided=3)
    assert (view.open_side, view.open_type) == ("Sell", "Limit")
    assert (scan.ScenarioView().open_side, scan.ScenarioView().open_type) == (None, None)
    with pytest.raises(ValueRangeError, match="Hold"):
        scan.ScenarioView(open_side="Hold")
