"""Histories that sit exactly on the edge of what a gate forbids, and clean ones; and the gates' arithmetic once more.

Plain numpy and the standard library: nothing here is shared with the arithmetic that is tested. Student's distribution
is the finite sum for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4), Clopper and Pearson's bound is
solved on sums of the binomial distribution.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

LOOKS = 60
ALPHA = 0.05

Judge = Callable[[list[Any], int], str]


def student_above(t: float, freedom: int) -> float:
    """P(T > t) for t >= 0, by the finite sums."""
    angle = math.atan2(t, math.sqrt(freedom))
    cos, sin = math.cos(angle), math.sin(angle)
    term, total = 1.0, 0.0
    if freedom % 2 == 0:
        for k in range(freedom // 2):
            total += term
            term *= cos * cos * (2 * k + 1) / (2 * k + 2)
        inside = sin * total
    else:
        for k in range((freedom - 1) // 2):
            total += term
            term *= cos * cos * (2 * k + 2) / (2 * k + 3)
        inside = 2 / math.pi * (angle + sin * cos * total)
    return (1.0 - inside) / 2


@functools.cache
def student(freedom: int, tail: float) -> float:
    """The quantile; beyond 400 degrees of freedom by Cornish and Fisher's expansion from the normal one."""
    if freedom > 400:
        from statistics import NormalDist

        z = NormalDist().inv_cdf(1 - tail)
        g1 = (z**3 + z) / 4
        g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
        return z + g1 / freedom + g2 / freedom**2
    low, high = 0.0, 1e8
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if student_above(middle, freedom) > tail else (low, middle)
    return high


@functools.cache
def missed_at_most(missed: int, n: int, level: float) -> float:
    """The upper bound of a share after `missed` in `n`: where so few would come with a chance of `level`."""
    if missed >= n:
        return 1.0
    k = np.arange(missed + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - k[:-1]) / (k[:-1] + 1)))])
    low, high = missed / n, 1.0
    for _ in range(50):
        p = (low + high) / 2
        chance = float(np.exp(logs + k * math.log(p) + (n - k) * math.log1p(-p)).sum())
        low, high = (p, high) if chance > level else (low, p)
    return high


def spent(look: int) -> float:
    """The level of a look."""
    return ALPHA / look - ALPHA / (look + 1)


def mean_within(values: np.ndarray[Any, Any], limit: float, level: float) -> bool:
    """Whether the mean is known to lie strictly inside ±limit."""
    if len(values) < 2:
        return False
    half = student(len(values) - 1, level) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return bool(abs(float(np.mean(values))) + half < limit)


def paired_passes(days: list[dict[str, float]], level: float, bias: float, drift: float) -> bool:
    """All series of all days, judged by mean and by mean step."""
    for name in days[0]:
        values = np.array([day[name] for day in days])
        if not mean_within(values, bias, level) or not mean_within(np.diff(values), drift, level):
            return False
    return True


def capitals(gains: np.ndarray[Any, Any], prior: float, top: float) -> float:
    """What a gambler has who stakes mean over mean square of all gains so far, four days of `prior` before them."""
    before = np.concatenate([np.full(4, prior), gains])
    sums, squares = np.cumsum(before)[3:-1], np.cumsum(before**2)[3:-1]
    return float(np.prod(1.0 + np.clip(sums / squares, 0.0, top) * gains))


def mean_known(values: np.ndarray[Any, Any], limit: float, most: float) -> bool:
    """Whether both bets against a mean beyond ±limit have come to twenty times what was put in."""
    inside, top = np.clip(values, -most, most), 0.99 / (most - limit)
    return bool(min(capitals(limit - side * inside, limit, top) for side in (1, -1)) >= 1 / ALPHA)


def betting_passes(days: list[dict[str, float]], most: float, bias: float, drift: float) -> bool:
    """All series of all days, whatever their days do within ±most."""
    for name in days[0]:
        values = np.array([day[name] for day in days])
        room = 2 * most < drift * (len(values) - 1)
        if not mean_known(values, bias, most) or not (room or mean_known(np.diff(values), drift, 2 * most)):
            return False
    return True


def rate_passes(days: list[np.ndarray[Any, Any]], level: float, within: float) -> bool:
    """Counts by minute of each day: the ratio by minutes and by days."""
    minutes = np.concatenate(days).astype(float)
    legacy, candidate = minutes[:, 0].sum(), minutes[:, 1].sum()
    ratio, n = candidate / legacy, len(minutes)
    error = math.sqrt(((minutes[:, 1] - ratio * minutes[:, 0]) ** 2).sum() * n / (n - 1)) / candidate
    logs = np.log([day[:, 1].sum() / day[:, 0].sum() for day in days])
    halves = [
        (math.log(ratio), student(n - 1, level) * error),
        (float(logs.mean()), student(len(days) - 1, level) * float(logs.std(ddof=1)) / math.sqrt(len(days))),
    ]
    return all(math.log(1 - within) < mid - half and mid + half < math.log(1 + within) for mid, half in halves)


def overlap_passes(days: list[tuple[int, int]], level: float, at_least: float) -> bool:
    """Members of both and of either: the share by members and by days."""
    shares = np.array([both / union for both, union in days])
    both, union = (sum(day[at] for day in days) for at in (0, 1))
    half = student(len(days) - 1, level) * float(shares.std(ddof=1)) / math.sqrt(len(days))
    return bool(float(shares.mean()) - half >= at_least and 1 - missed_at_most(union - both, union, level) >= at_least)


@dataclass
class Edge:
    """A kind of history: what makes one day after the other, and how one look at it is judged twice."""

    name: str
    needed: int
    days: Callable[[np.random.Generator], Iterator[Any]]
    again: Callable[[list[Any], float], bool]
    forbidden: bool = True


def noise(dice: np.random.Generator, size: float) -> float:
    return float(dice.normal(0, size))


def biased(by: float, size: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    def days(dice: np.random.Generator) -> Iterator[Any]:
        sign = 1 if dice.random() < 0.5 else -1
        while True:
            yield {"": sign * by + noise(dice, size)}

    return days


def growing(by: float, size: float, wander: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    def days(dice: np.random.Generator) -> Iterator[Any]:
        at = -by * dice.integers(0, 8)
        while True:
            at += by + noise(dice, wander)
            yield {"": at + noise(dice, size)}

    return days


def clustered(days_with: float, amount: float, other: float = 0.0) -> Callable[[np.random.Generator], Iterator[Any]]:
    """A bias on some of the days, the same each time; on the others another one, mostly none."""

    def days(dice: np.random.Generator) -> Iterator[Any]:
        sign = 1 if dice.random() < 0.5 else -1
        while True:
            yield {"": sign * (amount if dice.random() < days_with else other)}

    return days


def cancelling(by: float, size: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    """Scenarios in pairs that lean to opposite sides: their sum is the noise alone."""

    def days(dice: np.random.Generator) -> Iterator[Any]:
        while True:
            yield {f"s{n}": (by if n % 2 else -by) + noise(dice, size) for n in range(4)}

    return days


def calls(ratio: float, calls_a_bucket: float, swing: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    """Calls by half hours, Poisson; a day has a factor of its own to its ratio."""

    def days(dice: np.random.Generator) -> Iterator[Any]:
        while True:
            day = math.exp(noise(dice, swing))
            legacy = dice.poisson(calls_a_bucket, 13)
            yield np.stack([legacy, dice.poisson(calls_a_bucket * ratio * day, 13)], axis=1)

    return days


def members(share: float, union: int, swing: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    """Members of both sets; a day has a share of its own."""

    def days(dice: np.random.Generator) -> Iterator[Any]:
        while True:
            here = share if not swing else float(dice.beta(share / swing, (1 - share) / swing))
            yield int(dice.binomial(union, here)), union

    return days


def bad_days(share: float) -> Callable[[np.random.Generator], Iterator[Any]]:
    """Days on which all is wrong at once, the others faultless."""

    def days(dice: np.random.Generator) -> Iterator[Any]:
        while True:
            yield bool(dice.random() < share)

    return days


def edge_of(sessions: int) -> float:
    """The share of bad days that so many clean ones leave: the edge of what a gate by days forbids."""
    return 1 - ALPHA ** (1 / sessions)
