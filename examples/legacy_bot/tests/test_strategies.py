import math

import pytest
from legacy_bot.strategies import SmaCross, ZScoreReversion, mean


def test_mean_adds_from_first_to_last() -> None:
    assert mean([0.1, 0.2, 0.3]) == (0.0 + 0.1 + 0.2 + 0.3) / 3
    assert mean([1e16, 1.0, -1e16]) != mean([1e16, -1e16, 1.0])


@pytest.mark.parametrize(
    ("closes", "target"),
    [([1.0, 2.0], None), ([1.0, 2.0, 3.0], 1), ([3.0, 2.0, 1.0], -1), ([2.0, 2.0, 2.0], 0)],
)
def test_sma_cross_follows_the_fast_mean(closes: list[float], target: int | None) -> None:
    assert SmaCross(2, 3).target(closes, 0) == target


def test_only_the_last_closes_count() -> None:
    assert SmaCross(2, 3).target([100.0, 1.0, 2.0, 3.0], 0) == 1


@pytest.mark.parametrize(
    ("closes", "position", "target"),
    [
        ([1.0] * 3, 0, None),
        ([1.0] * 4, 5, 0),
        ([1.0, 1.0, 1.0, 2.0], 0, -1),
        ([1.0, 1.0, 1.0, 0.0], 0, 1),
        ([1.0, 2.0, 1.0, 1.5], 7, 0),
        ([1.0, 1.0, 2.0, 2.0], 7, 1),
        ([1.0, 1.0, 2.0, 2.0], -7, -1),
        ([1.0, 1.0, 2.0, 2.0], 0, 0),
    ],
)
def test_reversion_fades_extremes_and_keeps_in_between(closes: list[float], position: int, target: int | None) -> None:
    assert ZScoreReversion(4, 1.5, 0.5).target(closes, position) == target


def test_the_thresholds_themselves_count() -> None:
    closes = [1.0, 1.0, 1.0, 2.0]
    centre = 1.25
    score = 0.75 / math.sqrt((3 * (1.0 - centre) ** 2 + (2.0 - centre) ** 2) / 4)
    assert ZScoreReversion(4, score, 0.5).target(closes, 0) == -1
    assert ZScoreReversion(4, score + 1, score).target(closes, 1) == 0


def test_an_exit_of_zero_means_back_at_the_mean() -> None:
    assert ZScoreReversion(4, 1.5, 0.0).target([1.0, 3.0, 2.0, 2.0], 1) == 0


@pytest.mark.parametrize(("fast", "slow"), [(0, 3), (3, 3), (4, 3)])
def test_sma_cross_refuses_windows_that_make_no_sense(fast: int, slow: int) -> None:
    with pytest.raises(ValueError, match="sma_cross"):
        SmaCross(fast, slow)


@pytest.mark.parametrize(("window", "entry", "leave"), [(1, 2.0, 1.0), (5, 1.0, 1.0), (5, 1.0, -0.1)])
def test_reversion_refuses_thresholds_that_make_no_sense(window: int, entry: float, leave: float) -> None:
    with pytest.raises(ValueError, match="zscore_reversion"):
        ZScoreReversion(window, entry, leave)
