"""What is known of one unit while the process runs: its counters, and its differences by place."""

from __future__ import annotations

import math
import struct
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exuvia._exuvia import Switch, Verdict
    from exuvia.migrate.dispatch.lives import Lives

__all__ = ["Record", "apart"]

LINES_A_PLACE = 5
PLACES = 200
REASONS = 20
SHOWN = 300


class Record:
    """Counters and differences of one unit.

    Args:
        unit: The unit's name.
        write: Takes one line of evidence; it never raises.
        sampling: Says whether evidence can still be kept; without it nothing is sampled.
    """

    def __init__(
        self, unit: str, write: Callable[[dict[str, Any]], None], sampling: Callable[[], bool] = lambda: True
    ) -> None:
        self.unit = unit
        self.write = write
        self.sampling = sampling
        self.switch: Switch | None = None
        self.lives: Lives | None = None
        self.places: Counter[tuple[str, str]] = Counter()
        self.ignored: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.cascades = 0
        self._lock = threading.Lock()
        self._base: dict[str, int] = {}
        self._flip: dict[str, int] = {}

    def observed(
        self,
        verdicts: Sequence[Verdict],
        times: tuple[int, int],
        arguments: object,
        *,
        call: str = "",
        cascade: bool = False,
    ) -> bool:
        """Count one compared call and put its differences on record.

        Args:
            verdicts: Of the result, the arguments and the attributes.
            times: Nanoseconds of legacy and of the candidate.
            arguments: The call's arguments, shown with a difference.
            call: The method, where the unit is a class.
            cascade: Whether the object had differed before.

        Returns:
            Whether the call differed.
        """
        differed = any(verdict.total for verdict in verdicts)
        if self.switch is not None:
            self.switch.observed(*times, differed and not cascade)
        with self._lock:
            for verdict in verdicts:
                for path, rule, hits in verdict.ignored:
                    self.ignored[path, rule] += hits
        if not differed:
            return False
        if cascade:
            with self._lock:
                self.cascades += 1
            return True
        for verdict in verdicts:
            for found in verdict.differences:
                self._difference(found, call, verdict.total, arguments)
        return True

    def _difference(self, found: Any, call: str, total: int, arguments: object) -> None:
        place = f"{call}: {found.place}" if call else found.place
        with self._lock:
            known = (place, found.kind) in self.places
            if not known and len(self.places) >= PLACES:
                place = "(further places)"
            self.places[place, found.kind] += 1
            write = self.places[place, found.kind] <= LINES_A_PLACE
        if write:
            self.write(
                {
                    "kind": "mismatch",
                    "unit": self.unit,
                    "call": call,
                    "path": f"{call}: {found.path}" if call else found.path,
                    "place": place,
                    "difference": found.kind,
                    "legacy": found.legacy,
                    "candidate": found.candidate,
                    "apart": apart(found.legacy, found.candidate),
                    "rule": found.rule,
                    "total": total,
                    "arguments": shown(arguments),
                }
            )

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

    def _unobserved(self, reason: str, *, error: bool) -> None:
        if self.switch is not None:
            self.switch.unobserved(error)
        with self._lock:
            if reason in self.reasons or len(self.reasons) < REASONS:
                self.reasons[reason[:SHOWN]] += 1

    def flipped(self) -> None:
        """Note where the counters stand: from here on they tell who served in the new mode."""
        if self.switch is not None:
            self._flip = dict(self.switch.counts())

    def rebase(self) -> None:
        """Count from here: a forked child does not repeat what its parent counted."""
        if self.switch is not None:
            self._base = self._flip = dict(self.switch.counts())
        if self.lives is not None:
            self.lives.rebase()
        self._lock = threading.Lock()
        self.places.clear()
        self.ignored.clear()
        self.reasons.clear()
        self.cascades = 0

    def counters(self, mode: str) -> dict[str, Any]:
        """Return everything that a line of counters says of this unit.

        Args:
            mode: The mode in which it stands.
        """
        objects = {} if self.lives is None else {"objects": self.lives.counters()}
        now = {} if self.switch is None else dict(self.switch.counts())
        counts = {name: count - self._base.get(name, 0) for name, count in now.items()}
        served = {
            name: now[name] - self._flip.get(name, 0) for name in ("legacy_calls", "candidate_calls") if name in now
        }
        with self._lock:
            return {
                "mode": mode,
                **counts,
                "since_flip": served,
                **objects,
                "cascades": self.cascades,
                "places": [[place, kind, count] for (place, kind), count in self.places.items()],
                "ignored": [[path, rule, hits] for (path, rule), hits in self.ignored.items()],
                "reasons": dict(self.reasons),
            }


def apart(legacy: str, candidate: str) -> str:
    """Say how far two floats are apart: in units of the last place if few, else as a number.

    >>> apart("0.1", "0.10000000000000002"), apart("1.75", "2.0"), apart("'a'", "2.0"), apart("1", "2")
    ('1 ulp', '0.25', '', '')

    Args:
        legacy: Legacy's value as its repr.
        candidate: The candidate's.
    """
    if not any(set(text) & set(".e") for text in (legacy, candidate)):
        return ""
    try:
        one, other = float(legacy), float(candidate)
    except ValueError:
        return ""
    if not (math.isfinite(one) and math.isfinite(other)):
        return ""
    ulps = abs(_ordinal(one) - _ordinal(other))
    return f"{ulps} ulp" if 0 < ulps < 10_000 else f"{abs(one - other):.2g}"


def _ordinal(value: float) -> int:
    """The place of a float among all floats in order."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF))


def shown(value: object) -> str:
    """Return a value's repr, cut; a repr that raises is named instead.

    Args:
        value: Anything.
    """
    try:
        text = repr(value)
    except Exception as error:
        text = f"<a {type(value).__name__} whose repr raised {type(error).__name__}>"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
