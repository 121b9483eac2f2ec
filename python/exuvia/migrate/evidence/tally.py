"""What is counted of one unit while the process runs: calls, times, strata, places, and why nothing was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia.migrate.evidence.activity import Activity
from exuvia.migrate.evidence.batches import Batches
from exuvia.migrate.evidence.buckets import bucket
from exuvia.migrate.evidence.nothing import nothing
from exuvia.migrate.evidence.shown import SHOWN
from exuvia.migrate.own import threading

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable

    from exuvia._exuvia import Switch
    from exuvia.migrate.dispatch.lives import Lives
    from exuvia.migrate.evidence.redact import Redactor

__all__ = ["NESTED", "OWN", "Tally"]

REASONS = 20
STRATA = 200
SIGNATURES = 16_384
"""Kinds of input that are listed; a call of a kind beyond them is counted, as it may be of a new one."""
BUCKETS = 64
NESTED = "called by a signal's handler or a destructor while exuvia was at work for another call of that thread"
OWN = ("dropped", "unsampled", "quiet", "canary_calls", "fallbacks", "panics", "timeouts")
"""Counters that this side keeps; if the switch counts one of them too, both add up. What is `dropped` is one of the
`skipped`, what is `quiet` one of the `unsampled`."""
SERVED = ("legacy_calls", "candidate_calls")
_NONE = dict.fromkeys((*OWN, "skipped"), 0)
_UNTIMED = ([0] * BUCKETS, [0] * BUCKETS)


class Tally:
    """Counters of one unit.

    Attributes:
        observed_calls: Calls of which a sample was taken and whose cost to the caller was timed; the observers add to
            it without a lock, since nothing is judged by it.
        observing_ns: What these cost their callers beside the call itself, nanoseconds.
        nested: Calls that were served and not observed, since exuvia was at work for another call of that thread. It
            is added to without a lock and without a call: a handler may come while this thread holds the lock.

    Args:
        unit: The unit's name.
        write: Takes one line of evidence; it never raises.
        redactor: Takes secrets out of what is shown.
    """

    # Of the class, as most units have neither: an object of more than thirty attributes has a dictionary of its own.
    lives: Lives | None = None
    apart = ""

    def __init__(self, unit: str, write: Callable[[dict[str, Any]], None], redactor: Redactor) -> None:
        self.unit, self.write, self.redactor = unit, write, redactor
        self.switch: Switch | None = None
        self.pickling = "refuse"
        self._base: dict[str, int] = {}
        self._flip: dict[str, int] = {}
        self._clear()

    def _clear(self) -> None:
        # A signal's handler may flush in the middle of it: a lock that this thread holds must not stop it.
        self._lock = threading.RLock()
        self.observed_calls = self.observing_ns = self.nested = 0
        self.places: Counter[tuple[str, str]] = nothing()
        self.ignored: Counter[tuple[str, str]] = nothing()
        self.reasons: Counter[str] = nothing()
        self.cascades = 0
        self._own: Counter[str] = nothing()
        self._strata: dict[str, list[int]] = {}
        # Of legacy and of the candidate, from the first call that was timed on.
        self._latency: tuple[list[int], list[int]] | None = None
        self._paired = Batches()
        self._times: tuple[Counter[int], Counter[int]] = (nothing(), nothing())
        self._signatures: set[int] = set()
        self._novel: list[int] = []
        self._unlisted = 0
        # All is counted from here on, so each total stands at nothing.
        self._activity = Activity({})

    def _compared(
        self, times: tuple[int, int] | None, differed: bool, *, cascade: bool, stratum: str, signature: int | None
    ) -> None:
        if times is not None:
            times = max(times[0], 0), max(times[1], 0)
        if self.switch is not None:
            self.switch.observed(*(times or (0, 0)), differed and not cascade)
        with self._lock:
            if times is not None:
                latency = self._latency = self._latency or ([0] * BUCKETS, [0] * BUCKETS)
                for buckets, fine, time in zip(latency, self._times, times, strict=True):
                    buckets[min(time.bit_length(), BUCKETS - 1)] += 1
                    fine[bucket(time)] += 1
                self._paired.add(*times)
            counts = self._strata.get(stratum)
            if counts is None:
                name = stratum if len(self._strata) < STRATA else "(further strata)"
                counts = self._strata.setdefault(name, [0, 0])
            counts[0] += 1
            counts[1] += differed and not cascade
            if differed and cascade:
                self.cascades += 1
            if signature is not None and signature not in self._signatures:
                if len(self._signatures) < SIGNATURES:
                    self._signatures.add(signature)
                    self._novel.append(signature)
                else:
                    self._unlisted += 1

    def _ignore(self, hits: Iterable[tuple[str, str, int]]) -> None:
        with self._lock:
            for path, rule, count in hits:
                self.ignored[path, rule] += count

    def lost(self, reason: str) -> None:
        """Count a sample that could not be taken.

        Args:
            reason: Why.
        """
        self._unobserved(reason, error=False)

    def failed(self, reason: str) -> None:
        """Count a sample that was taken and could not be compared.

        Args:
            reason: Why.
        """
        self._unobserved(reason, error=True)

    def dropped(self, reason: str = "the queue is full", samples: int = 1) -> None:
        """Count samples that were shed: they are lost too.

        Args:
            reason: Why.
            samples: How many.
        """
        if self.switch is not None:
            for _ in range(samples):
                self.switch.unobserved(False)
        self._reason(reason, samples)
        self.count("dropped", samples)

    def count(self, what: str, times: int = 1) -> None:
        """Count what happened beside comparing.

        Args:
            what: One of `OWN`.
            times: How often.

        Raises:
            ValueError: For another name.
        """
        if what not in OWN:
            raise ValueError(f"nothing is counted as {what!r}: one of {', '.join(OWN)}")
        with self._lock:
            self._own[what] += times

    def _unobserved(self, reason: str, *, error: bool) -> None:
        if self.switch is not None:
            self.switch.unobserved(error)
        self._reason(reason)

    def _reason(self, reason: str, times: int = 1) -> None:
        reason = self.redactor.reason(reason)[:SHOWN]
        with self._lock:
            if reason in self.reasons or len(self.reasons) < REASONS:
                self.reasons[reason] += times

    def flipped(self) -> None:
        """Note where the counters stand: from here on they tell who served in the new mode."""
        if self.switch is not None:
            now = self.switch.counts()
            self._flip = {name: now[name] for name in SERVED}

    @property
    def untouched(self) -> bool:
        """Whether nothing was counted: no call since the process began, or was forked."""
        return not any(self._counts().values())

    def rebase(self) -> None:
        """Count from here: a forked child does not repeat what its parent counted."""
        if self.switch is not None:
            self._base = self._flip = dict(self.switch.counts())
            self.switch.served_keys()
        if self.lives is not None:
            self.lives.rebase()
        self._clear()

    def _counts(self, now: dict[str, int] | None = None) -> dict[str, int]:
        if now is None:
            now = {} if self.switch is None else self.switch.counts()
        base = self._base
        counts = {name: count - base.get(name, 0) for name, count in now.items()} if base else now
        found = {**_NONE, **counts}
        for name, count in self._own.items():
            found[name] += count
        found["skipped"] += self.nested
        return found

    def counters(self, mode: str) -> dict[str, Any]:
        """Return everything that a line of counters says of this unit.

        Args:
            mode: The mode in which it stands.
        """
        objects = {} if self.lives is None else {"objects": self.lives.counters()}
        now: dict[str, int] = {} if self.switch is None else self.switch.counts()
        flip = self._flip.get
        served = {name: now[name] - flip(name, 0) for name in SERVED if name in now}
        marked = () if self.switch is None else self.switch.served_keys()
        keys = sum(word << 64 * at for at, word in enumerate(marked)) if any(marked) else 0
        with self._lock:
            counts = self._counts(now)
            novel, self._novel = self._novel, []
            latency = self._latency or _UNTIMED
            found = {
                "mode": mode,
                **counts,
                "observed_calls": self.observed_calls,
                "observing_ns": self.observing_ns,
                "since_flip": served,
                **objects,
                "cascades": self.cascades,
                "places": [[place, kind, count] for (place, kind), count in self.places.items()],
                "ignored": [[path, rule, hits] for (path, rule), hits in self.ignored.items()],
                "reasons": {**self.reasons, **({NESTED: self.nested} if self.nested else {})},
                "strata": [[stratum, *counted] for stratum, counted in self._strata.items()],
                "signatures": len(self._signatures),
                "unlisted": self._unlisted,
                "latency": {"legacy": latency[0].copy(), "candidate": latency[1].copy()},
                "times": {"legacy": sorted(self._times[0].items()), "candidate": sorted(self._times[1].items())},
                "paired": self._paired.written(),
                "sessions": self._activity.look(counts, keys),
            }
        if novel:
            self.write({"kind": "novel", "unit": self.unit, "signatures": novel})
        return found
