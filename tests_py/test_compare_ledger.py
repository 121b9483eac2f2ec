"""Declared divergences: counted, ended by their day and budget, refused when they cannot be read."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.errors import CompareError, ConfigError
from exuvia.migrate import Comparator
from exuvia.migrate.comparator import ledger
from exuvia.migrate.comparator.ledger import comparators
from exuvia.migrate.config import Divergence, UnitConfig, load
from exuvia.migrate.dispatch import units
from exuvia.migrate.evidence.record import Record
from exuvia.migrate.shadow.protocol import Side
from exuvia.migrate.shadow.trial import Trial
from moult import Project, project

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["project"]

WHO = ("ana", "legacy leaves the grid")


def only(verdict: Any) -> tuple[str, str]:
    assert verdict.total == 1, verdict.differences
    return verdict.differences[0].path, verdict.differences[0].kind


def declared(path: str = "$.price", budget: int = 2, **values: str) -> Divergence:
    return Divergence(path, *WHO, date(2026, 12, 31), budget, **values)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The day on which the ledger thinks it is; a test may set another."""
    now = [date(2026, 11, 21)]
    monkeypatch.setattr(ledger, "today", lambda: now[0])
    return now


# --- the ledger ---


def test_a_declared_divergence_is_counted_and_a_difference_again_over_its_budget(day: list[date]) -> None:
    assert day
    entry = declared(legacy="25299.8", candidate="25299.75")
    comparator = Comparator(divergences=[entry])
    pair = ({"price": 25299.8}, {"price": 25299.75})
    for hits in (1, 2):
        verdict = comparator.compare(*pair)
        assert verdict.equal
        assert verdict.ignored == [("$.price", ledger.declared_name(entry), 1)]
        assert comparator.ledger()[0]["hits"] == hits
    over = comparator.compare(*pair)
    assert only(over) == ("$.price", "value")
    assert "hit 3 of a budget of 2" in over.differences[0].rule
    assert only(comparator.compare({"price": 25299.8}, {"price": 25300.0})) == ("$.price", "value")


def test_a_declared_divergence_is_a_difference_again_after_its_day(day: list[date]) -> None:
    comparator = Comparator(divergences=[declared()])
    assert comparator.compare({"price": 1.0}, {"price": 2.0}).equal
    day[0] = date(2026, 12, 31)
    assert comparator.compare({"price": 1.0}, {"price": 2.0}).equal
    day[0] = date(2027, 1, 1)
    assert "expired on 2026-12-31" in comparator.compare({"price": 1.0}, {"price": 2.0}).differences[0].rule


def test_the_ledgers_own_day_is_that_of_utc() -> None:
    assert ledger.today() in {datetime.now(UTC).date(), datetime.now(UTC).date() + timedelta(days=1)}
    assert Comparator(divergences=[Divergence("$", *WHO, date(1999, 1, 1), 5)]).compare(1, 2).total == 1


@pytest.mark.parametrize(
    ("values", "pair"),
    [
        ({"legacy": "1e+16"}, (1e16, 2.0)),
        ({"legacy": "'Buy'", "candidate": "'Sell'"}, ("Buy", "Sell")),
        ({"legacy": "Decimal('1.10')", "candidate": "Decimal('1.1')"}, (Decimal("1.10"), Decimal("1.1"))),
        ({"legacy": "None", "candidate": "0"}, (None, 0)),
        ({"legacy": "nan", "candidate": "0.0"}, (float("nan"), 0.0)),
        ({"legacy": "True", "candidate": "1"}, (True, 1)),
    ],
)
def test_values_are_declared_as_python_writes_them(values: dict[str, str], pair: tuple[Any, Any]) -> None:
    entry = Divergence("$", *WHO, date(9999, 12, 31), 1, **values)
    assert Comparator(divergences=[entry]).compare(*pair).equal
    assert not Comparator(divergences=[entry]).compare(pair[1], pair[0]).equal


def test_a_divergence_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CompareError, match="must start with"):
        Comparator(divergences=[declared("price")])
    with pytest.raises(CompareError, match="owner and a reason"):
        Comparator(divergences=[Divergence("$", "", "x", date(2027, 1, 1), 1)])
    with pytest.raises(CompareError, match="budget"):
        Comparator(divergences=[declared(budget=0)])


def test_exceptions_and_what_only_one_side_has_can_be_declared(day: list[date]) -> None:
    assert day
    outcomes = ((3, None), (None, ValueError("off")))
    assert Comparator(divergences=[declared("$")]).compare_outcomes(*outcomes).equal
    raised = ((None, KeyError("a")), (None, ValueError("a")))
    assert Comparator(divergences=[declared("$raise")]).compare_outcomes(*raised).equal
    assert Comparator(divergences=[declared("$.new")]).compare({"a": 1}, {"a": 1, "new": 2}).equal
    args = Comparator(divergences=[declared("$args[0].n")])
    assert args.compare({0: {"n": 1}}, {0: {"n": 2}}, "$args").equal


def test_a_report_says_how_each_declaration_stands_over_all_processes() -> None:
    entries = [declared(f"$.{name}", budget=3) for name in ("unused", "open", "used", "over")]
    entries.append(Divergence("add:$.late", *WHO, date(2020, 1, 1), 3))
    counts = {"open": 2, "used": 3, "over": 4, "late": 1}
    hits = {
        (path.partition(":")[2] or path, ledger.declared_name(entry)): counts.get(path.rpartition(".")[2], 0)
        for entry in entries
        for path in [entry.path]
    }
    lines = ledger.lines(entries, hits, date(2026, 11, 21))
    assert [line.state for line in lines] == ["unused", "open", "used up", "over budget", "expired"]
    assert [line.holds for line in lines] == [True, True, True, False, False]
    assert lines[1].hits == 2
    assert ledger.lines(entries[:1], {})[0].state in ("unused", "expired")


def test_the_methods_of_a_class_share_one_ledger_and_one_renaming(day: list[date]) -> None:
    assert day
    entries = (declared("$.price"), declared("add:$.volume"))
    unit = UnitConfig("bot:Book", "new:Book", compare=(("$.id", "ids"),), divergences=entries)
    whole = ledger.comparator_of(unit)
    add = ledger.comparator_of(unit, {"$.id": "ids"}, method="add", share=whole)
    assert not whole.compare({"volume": 1}, {"volume": 2}).equal
    assert add.compare({"volume": 1}, {"volume": 2}).equal
    assert whole.compare({"price": 1}, {"price": 2}).equal
    assert add.compare({"price": 1}, {"price": 2}).equal
    assert not whole.compare({"price": 1}, {"price": 2}).equal
    assert whole.compare({"id": "A-1"}, {"id": "A-2"}).equal
    assert not add.compare({"id": "A-1"}, {"id": "A-3"}).equal
    again = pickle.loads(pickle.dumps(whole))
    assert [row["hits"] for row in again.ledger()] == [0]
    assert again.rules == whole.rules


def test_an_ignoring_rule_ends_as_well(day: list[date]) -> None:
    rule = "ignore(ana, name of the machine, until=2026-12-31, budget=2)"
    comparator = Comparator({"$.host": rule})
    pair = ({"host": "a", "x": 1}, {"host": "b", "x": 1})
    assert comparator.compare(*pair).ignored == [("$.host", rule, 1)]
    assert comparator.compare(*pair).equal
    assert "hit 3 of a budget of 2" in comparator.compare(*pair).differences[0].rule
    day[0] = date(2027, 1, 1)
    assert "expired" in Comparator({"$.host": rule}).compare(*pair).differences[0].rule


# --- as declared ---


CONFIG = """
[exuvia]
evidence = "evidence"
[unit."bot.prices:round_to_tick"]
candidate = "shim:round_to_tick"
effect = "pure"
compare = {{ "$" = "exact" }}
[[unit."bot.prices:round_to_tick".diverges]]
path = "{path}"
owner = "ana"
reason = "off the grid"
expires = 2027-01-31
budget = 3
"""


@pytest.mark.parametrize(("path", "good"), [("$", True), ("add:$.price", True), ("price", False), ("$.a..b", False)])
def test_a_declared_path_that_cannot_be_read_is_refused_when_the_file_is(tmp_path: Path, path: str, good: bool) -> None:
    file = tmp_path / "exuvia.toml"
    file.write_text(CONFIG.format(path=path), encoding="utf-8")
    if good:
        assert load(file).units["bot.prices:round_to_tick"].divergences[0].path == path
        return
    with pytest.raises(ConfigError, match=r"exuvia.toml:\d+: .*path '"):
        load(file)
    assert load(file, rules=False).units


def test_a_unit_with_an_unreadable_result_is_refused_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bot_of_handles.py").write_text(
        "class Handle:\n    __slots__ = ()\n\n\ndef connect() -> Handle:\n    return Handle()\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "exuvia.toml"
    unit = '[unit."bot_of_handles:connect"]\ncandidate = "test_compare_rules:connect"\neffect = "pure"\n'
    file.write_text(f"[exuvia]\nevidence = 'evidence'\n{unit}", encoding="utf-8")
    config = load(file)
    with pytest.raises(ConfigError, match=r"exuvia.toml:3: .*connect returns Handle.*register"):
        units.make(config, config.units["bot_of_handles:connect"], Record("bot_of_handles:connect", print))
    file.write_text(f"[exuvia]\nevidence = 'evidence'\n{unit}compare = {{ '$' = 'repr' }}\n", encoding="utf-8")
    config = load(file)
    assert units.make(config, config.units["bot_of_handles:connect"], Record("bot_of_handles:connect", print))


DIVERGES = 'diverges = [{ path = "$", owner = "ana", reason = "off", expires = 2999-01-31, budget = 2 }]'


def test_a_declared_divergence_is_counted_in_the_evidence_and_fails_beyond_its_budget(project: Project) -> None:
    project.candidate.mean = lambda values, scale=1.0, *, shift=0.0: sum(values) * scale + shift
    project.install("mean", more=DIVERGES)
    for _ in range(2):
        assert project.legacy.mean([1.0, 2.0]) == 1.5
    state = project.status("mean")
    name = "declared(ana, off, until=2999-01-31, budget=2)"
    assert (state.counts["differed"], state.ignored) == (0, {("$", name): 2})
    assert ledger.lines(config_of(project), state.ignored)[0].state == "used up"
    assert project.legacy.mean([1.0, 2.0]) == 1.5
    assert project.status("mean").counts["differed"] == 1


def config_of(project: Project) -> tuple[Divergence, ...]:
    return load(project.config).units[project.unit("mean")].divergences


def test_the_worker_has_the_ledger_of_its_unit() -> None:
    entries = (declared("$.price"), declared("add:$.volume"))
    side = Side("bot:Book", "new:Book", is_class=True, compare=(("add:$.id", "ids"),), divergences=entries)
    made = comparators(pickle.loads(pickle.dumps(side)).compare, side.divergences)
    assert {method: len(one.ledger()) for method, one in made.items()} == {"": 1, "add": 2}
    assert Trial(side, dict, pickle.loads).comparators.keys() == made.keys()
