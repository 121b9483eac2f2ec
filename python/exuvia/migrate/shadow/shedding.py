"""When to take fewer samples: the shadow's share of a core, and what it does to legacy's latency.

>>> window = Window(0.5)
>>> window.spend(4_000_000_000, now=1.0)
>>> window.over(now=2.0)
False
>>> window.spend(2_000_000_000, now=2.0)
>>> window.over(now=2.5), window.over(now=12.0)
(True, False)
"""

from __future__ import annotations

from collections import deque

__all__ = ["Latency", "Window"]

WINDOW_S = 10
BUSY = 1000
QUIET_EVERY_S = 5.0
QUIET_S = 0.25
ENOUGH = 500
TIMES = 1.5
FLOOR_NS = 20_000
STRIKES = 3


class Window:
    """How long a unit's shadow computed in the last 10 s, against its share of one core.

    Args:
        share: The share, 0 … 1.
    """

    def __init__(self, share: float) -> None:
        self.allowed = share * WINDOW_S * 1e9
        self._seconds: deque[list[float]] = deque()
        self._total = 0.0

    def spend(self, ns: int, now: float) -> None:
        """Count time that was used.

        Args:
            ns: Nanoseconds.
            now: Monotonic seconds.
        """
        if not self._seconds or self._seconds[-1][0] != int(now):
            self._seconds.append([int(now), 0.0])
        self._seconds[-1][1] += ns
        self._total += ns

    def over(self, now: float) -> bool:
        """Say whether the share is used up.

        Args:
            now: Monotonic seconds.
        """
        while self._seconds and self._seconds[0][0] <= now - WINDOW_S:
            self._total -= self._seconds.popleft()[1]
        return self._total > self.allowed


class Latency:
    """Legacy's latency with the shadow at work, beside its latency in quiet moments without.

    A unit that is called more than 1,000 times in 5 s is left alone for 250 ms of them. If its p99 is worse
    than 1.5 times that of the quiet moments and by more than 20 µs, three times on end, the shadow is what
    slows it.
    """

    def __init__(self) -> None:
        self._busy: list[int] = []
        self._quiet: list[int] = []
        self._strikes = 0
        self._since = 0.0
        self._calls = 0
        self.quiet = False

    def took(self, ns: int) -> None:
        """Note a call of legacy's while the shadow is at work.

        Args:
            ns: Nanoseconds.
        """
        self._calls += 1
        if len(self._busy) < 20 * ENOUGH:
            self._busy.append(ns)

    def alone(self, ns: int) -> None:
        """Note a call of legacy's in a quiet moment.

        Args:
            ns: Nanoseconds.
        """
        if len(self._quiet) < 20 * ENOUGH:
            self._quiet.append(ns)

    def tick(self, now: float) -> str | None:
        """Begin and end quiet moments, and judge after each.

        Args:
            now: Monotonic seconds.

        Returns:
            Why the shadow has to stop, or `None`.
        """
        if not self._since:
            self._since = now
        elif self.quiet and now - self._since >= QUIET_S:
            self.quiet = False
            self._since, self._calls = now, 0
            return self._judge()
        elif not self.quiet and now - self._since >= QUIET_EVERY_S:
            self.quiet = self._calls >= BUSY
            self._since, self._calls = now, 0
        return None

    def _judge(self) -> str | None:
        if len(self._busy) < ENOUGH or len(self._quiet) < ENOUGH:
            return None
        busy, quiet = _p99(self._busy), _p99(self._quiet)
        self._busy, self._quiet = [], []
        self._strikes = self._strikes + 1 if busy > max(TIMES * quiet, quiet + FLOOR_NS) else 0
        if self._strikes < STRIKES:
            return None
        return f"it slowed legacy: p99 {busy / 1e3:.1f} µs with the shadow, {quiet / 1e3:.1f} µs without"


def _p99(times: list[int]) -> int:
    return sorted(times)[len(times) * 99 // 100]
