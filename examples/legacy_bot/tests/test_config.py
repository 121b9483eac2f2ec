import shutil
from pathlib import Path

import pytest
from legacy_bot.config import ConfigError, deep_merge, load_config
from legacy_bot.order_manager import Limits
from legacy_bot.strategies import SmaCross, ZScoreReversion

SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCENARIOS, tmp_path / "scenarios"))


def test_the_shipped_scenarios_are_read_in_the_order_of_their_names() -> None:
    config = load_config(SCENARIOS)
    assert [scenario.name for scenario in config.scenarios] == ["aggressive", "reversion", "trend"]
    assert isinstance(config.limits, Limits)
    assert {type(scenario.strategy) for scenario in config.scenarios} == {SmaCross, ZScoreReversion}


def test_an_override_changes_what_it_names_and_keeps_the_rest(folder: Path) -> None:
    (folder / "trend.yaml").write_text("strategy: {slow: 55}\nstop: 1\n")
    base, trend = load_config(SCENARIOS).scenarios[2], load_config(folder).scenarios[2]
    assert trend.strategy == SmaCross(10, 55)
    assert (trend.stop, type(trend.stop)) == (1.0, float)
    assert (trend.take, trend.max_hold_s) == (base.take, base.max_hold_s)


def test_sections_merge_unless_they_are_of_another_kind() -> None:
    base = {"a": {"kind": "x", "n": 1, "m": 2}, "b": 1}
    assert deep_merge(base, {"a": {"n": 5}}) == {"a": {"kind": "x", "n": 5, "m": 2}, "b": 1}
    assert deep_merge(base, {"a": {"kind": "y", "k": 3}}) == {"a": {"kind": "y", "k": 3}, "b": 1}
    assert base == {"a": {"kind": "x", "n": 1, "m": 2}, "b": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stopp: 1.0", "unknown key 'stopp'"),
        ("strategy: {kind: sma_cross, fats: 1}", "unknown key 'fats'"),
        ("strategy: {kind: magic}", "'magic'"),
        ("strategy: {kind: zscore_reversion, window: 9, entry: 2.0}", "missing key 'exit'"),
        ("strategy: {fast: 50}", "sma_cross: fast 50"),
        ("amount: lots", "key 'amount' is 'lots', expected int"),
        ("amount: true", "key 'amount' is True, expected int"),
        ("amount: 0", "amount is 0"),
        ("order_type: stop", "order_type is 'stop'"),
        ("- a list", "found a list"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_mistake_is_named_with_its_file(folder: Path, text: str, message: str) -> None:
    (folder / "trend.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        load_config(folder)
    assert str(folder / "trend.yaml") in str(error.value)


def test_a_mistake_in_the_base_is_named_too(folder: Path) -> None:
    text = (SCENARIOS / "base.yaml").read_text()
    (folder / "base.yaml").write_text(text.replace("max_amount", "max_amounts"))
    with pytest.raises(ConfigError, match=r"base\.yaml: (missing|unknown) key 'max_amounts?' of Limits"):
        load_config(folder)
    (folder / "base.yaml").write_text(text + "colour: red\n")
    with pytest.raises(ConfigError, match=r"base\.yaml: unknown key 'colour'"):
        load_config(folder)
    (folder / "base.yaml").unlink()
    with pytest.raises(ConfigError, match=r"base\.yaml: cannot be read"):
        load_config(folder)
