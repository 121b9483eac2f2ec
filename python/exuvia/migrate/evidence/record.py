"""What is known of one unit while the process runs: its counters, its differences by place, its novel inputs."""

from __future__ import annotations

import base64
import inspect
import math
import pickle
import struct
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import evidence_signature
from exuvia.migrate.evidence.activity import Activity
from exuvia.migrate.evidence.buckets import bucket
from exuvia.migrate.evidence.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exuvia._exuvia import Switch, Verdict
    from exuvia.migrate.dispatch.lives import Lives

__all__ = ["BUCKETS", "OWN", "Record", "apart", "shown"]

LINES_A_PLACE = 5
PLACES = 200
REASONS = 20
STRATA = 200
SHOWN = 300
SIGNATURES = 4096
CALLS = 1000
SPREAD = 64
LIVES = 2000
LONGEST_CALL = 1024 * 1024
BUCKETS = 64
OWN = ("dropped", "unsampled", "canary_calls", "fallbacks", "panics", "timeouts")
"""Counters that this side keeps; if the switch counts one of them too, both add up."""


class Record:
    """Counters and differences of one unit.

    Args:
        unit: The unit's name.
        write: Takes one line of evidence; it never raises.
        sampling: Says whether evidence can still be kept; without it nothing is sampled.
        redactor: Takes secrets out of what is shown and recorded.
        record: Calls that are recorded for each novel signature; with 0 none is, nor any that comes later.
    """

    def __init__(
        self,
        unit: str,
        write: Callable[[dict[str, Any]], None],
        sampling: Callable[[], bool] = lambda: True,
        *,
        redactor: Redactor | None = None,
        record: int = 1,
    ) -> None:
        self.unit = unit
        self.write = write
        self.sampling = sampling
        self.redactor = redactor or Redactor()
        self.switch: Switch | None = None
        self.lives: Lives | None = None
        self._record = record
        self._base: dict[str, int] = {}
        self._flip: dict[str, int] = {}
        self._parameters: dict[str, tuple[str, ...]] = {}
        self._clear()

    def _clear(self) -> None:
        self._lock = threading.Lock()
        self.places: Counter[tuple[str, str]] = Counter()
        self.ignored: Counter[tuple[str, str]] = Counter()
        self.reasons: Counter[str] = Counter()
        self.cascades = 0
        self._own: Counter[str] = Counter()
        self._strata: dict[str, list[int]] = {}
        self._latency = ([0] * BUCKETS, [0] * BUCKETS)
        self._times: tuple[Counter[int], Counter[int]] = (Counter(), Counter())
        self._signatures: set[int] = set()
        self._novel: list[int] = []
        self._kept: Counter[tuple[str, int]] = Counter()
        self._spread = self._lived = 0
        self._activity = Activity(self._counts())

    def observed(
        self,
        verdicts: Sequence[Verdict],
        times: tuple[int, int],
        arguments: object,
        *,
        call: str = "",
        cascade: bool = False,
        stratum: str = "",
        signature: int | None = None,
    ) -> bool:
        """Count one compared call and put its differences on record.

        Args:
            verdicts: Of the result, the arguments and the attributes.
            times: Nanoseconds of legacy and of the candidate.
            arguments: The call's arguments, shown with a difference.
            call: The method, where the unit is a class.
            cascade: Whether the object had differed before.
            stratum: Which kind of call it is, for the bounds: side, instrument.
            signature: Of the inputs, if it is known already.

        Returns:
            Whether the call differed.
        """
        differed = any(verdict.total for verdict in verdicts)
        if signature is None:
            signature = evidence_signature(arguments)
        self._compared(times, differed, cascade=cascade, stratum=stratum, signature=signature)
        ignored = [hit for verdict in verdicts for hit in verdict.ignored]
        if ignored:
            self._ignore(ignored)
        if differed and not cascade:
            said: str | None = None
            for verdict in verdicts:
                for found in verdict.differences:
                    place, write = self._place(found.place, found.kind, call)
                    if write:
                        said = said or self._shown(call, arguments)
                        line = {name: getattr(found, name) for name in ("path", "kind", "legacy", "candidate", "rule")}
                        self._difference(
                            found=line,
                            place=place,
                            call=call,
                            total=verdict.total,
                            arguments=said,
                            stratum=stratum,
                            signature=signature,
                        )
        return differed

    def observed_remote(
        self,
        lines: Sequence[dict[str, Any]],
        times: tuple[int, int] | None,
        *,
        call: str = "",
        cascade: bool = False,
        stratum: str = "",
        signature: int | None = None,
        arguments: str = "",
        pickled: bytes | None = None,
        total: int | None = None,
        ignored: Iterable[tuple[str, str, int]] = (),
        object_number: int = 0,
    ) -> bool:
        """Count one call that the worker compared, and put its differences on record.

        Args:
            lines: Differences as `{"path", "place", "kind", "legacy", "candidate", "rule"}`.
            times: Nanoseconds of legacy and of the candidate, `None` if one side never answered.
            call: The method, where the unit is a class.
            cascade: Whether the object had differed before.
            stratum: Which kind of call it is.
            signature: Of the inputs.
            arguments: The call's arguments as they are shown with a difference.
            pickled: The pickle of positional and keyword arguments, if it is at hand: secrets that came by position
                are known by the names of the parameters, which a text does not have.
            total: Differences, if there are more than lines.
            ignored: Path, rule and hits of ignored differences.
            object_number: Which object of a class it was, in this process; 0 for a function.

        Returns:
            Whether the call differed.
        """
        count = len(lines) if total is None else total
        self._compared(times, count > 0, cascade=cascade, stratum=stratum, signature=signature)
        self._ignore(ignored)
        if not cascade:
            said: str | None = None
            for line in lines:
                place, write = self._place(line["place"], line["kind"], call)
                if write:
                    said = said or self._shown_remote(call, pickled, arguments)
                    self._difference(
                        found=line,
                        place=place,
                        call=call,
                        total=count,
                        arguments=said,
                        stratum=stratum,
                        signature=signature,
                        object_number=object_number,
                    )
        return count > 0

    def _compared(
        self, times: tuple[int, int] | None, differed: bool, *, cascade: bool, stratum: str, signature: int | None
    ) -> None:
        if self.switch is not None:
            self.switch.observed(*(times or (0, 0)), differed and not cascade)
        with self._lock:
            for buckets, fine, time in zip(self._latency, self._times, times or (), strict=times is not None):
                buckets[min(max(time, 0).bit_length(), BUCKETS - 1)] += 1
                fine[bucket(time)] += 1
            counts = self._strata.get(stratum)
            if counts is None:
                name = stratum if len(self._strata) < STRATA else "(further strata)"
                counts = self._strata.setdefault(name, [0, 0])
            counts[0] += 1
            counts[1] += differed and not cascade
            if differed and cascade:
                self.cascades += 1
            if signature is not None and signature not in self._signatures and len(self._signatures) < SIGNATURES:
                self._signatures.add(signature)
                self._novel.append(signature)

    def _ignore(self, hits: Iterable[tuple[str, str, int]]) -> None:
        with self._lock:
            for path, rule, count in hits:
                self.ignored[path, rule] += count

    def _place(self, place: str, kind: str, call: str) -> tuple[str, bool]:
        """Count a difference at its place; say how the place is called, and whether a line is written."""
        place = f"{call}: {place}" if call else place
        with self._lock:
            if (place, kind) not in self.places and len(self.places) >= PLACES:
                place = "(further places)"
            self.places[place, kind] += 1
            return place, self.places[place, kind] <= LINES_A_PLACE

    def _difference(
        self,
        *,
        found: dict[str, Any],
        place: str,
        call: str,
        total: int,
        arguments: str,
        stratum: str,
        signature: int | None,
        object_number: int = 0,
    ) -> None:
        which = {"object": object_number} if object_number else {}
        self.write(
            {
                **which,
                "kind": "mismatch",
                "unit": self.unit,
                "call": call,
                "stratum": stratum,
                "path": f"{call}: {found['path']}" if call else found["path"],
                "place": place,
                "difference": found["kind"],
                "legacy": found["legacy"],
                "candidate": found["candidate"],
                "apart": apart(found["legacy"], found["candidate"]),
                "rule": found["rule"],
                "total": total,
                "arguments": arguments,
                "signature": signature,
            }
        )

    def wants(self, call: str, signature: int, *, spread: bool = False) -> bool:
        """Say whether a call of these inputs is still to be recorded.

        Args:
            call: The method, where the unit is a class.
            signature: Of the inputs.
            spread: Whether it is wanted although its shape is known, as one that came later in the process.
        """
        novel = self._kept[call, signature] < self._record and sum(self._kept.values()) < CALLS
        return novel or (spread and self._record > 0 and self._spread < SPREAD)

    def sampled(
        self,
        call: str,
        arguments: bytes,
        outcome: bytes,
        *,
        signature: int | None = None,
        spread: bool = False,
        object_number: int = 0,
        step: int | None = None,
    ) -> bool:
        """Record a call for repro, replay and A/A, if its inputs are novel or it is one of those spread out.

        Args:
            call: The method, where the unit is a class.
            arguments: The pickle of positional and keyword arguments.
            outcome: The pickle of legacy's result and exception.
            signature: Of the inputs, if it is known already.
            spread: Whether a call of a known shape counts among the 64 that a process records of all its calls.
            object_number: Which object of a class it was, in this process; 0 for a function.
            step: The call's place in the object's life, if that is recorded from its making on: such a call is
                recorded whatever its shape, up to 2,000 of a process.

        Returns:
            Whether it was recorded.
        """
        try:
            if signature is None:
                signature = evidence_signature(pickle.loads(arguments))  # noqa: S301 - made by this very process
            with self._lock:
                if step is not None and self._record > 0 and self._lived < LIVES:
                    self._lived += 1
                elif self.wants(call, signature):
                    self._kept[call, signature] += 1
                elif self.wants(call, signature, spread=spread):
                    self._spread += 1
                else:
                    return False
            if len(arguments) + len(outcome) > LONGEST_CALL:
                self._reason("a call was too big to be recorded")
                return False
            plain = self.redactor.pickle(arguments, self._names(call)), self.redactor.pickle(outcome)
        except Exception as error:
            self._reason(f"a call could not be recorded: {type(error).__name__}: {error}")
            return False
        texts = [base64.b64encode(data).decode("ascii") for data in plain]
        which = {"object": object_number, "step": step} if object_number else {}
        self.write(
            {
                **which,
                "kind": "call",
                "unit": self.unit,
                "call": call,
                "signature": signature,
                "arguments": texts[0],
                "outcome": texts[1],
            }
        )
        return True

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
        for _ in range(samples):
            self._unobserved(reason, error=False)
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

    def _reason(self, reason: str) -> None:
        reason = self.redactor.text(reason)[:SHOWN]
        with self._lock:
            if reason in self.reasons or len(self.reasons) < REASONS:
                self.reasons[reason] += 1

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
        self._clear()

    def _counts(self, now: dict[str, int] | None = None) -> dict[str, int]:
        if now is None:
            now = {} if self.switch is None else dict(self.switch.counts())
        base = self._base
        counts = {name: count - base.get(name, 0) for name, count in now.items()} if base else now
        return {**counts, **{name: counts.get(name, 0) + self._own[name] for name in OWN}}

    def counters(self, mode: str) -> dict[str, Any]:
        """Return everything that a line of counters says of this unit.

        Args:
            mode: The mode in which it stands.
        """
        objects = {} if self.lives is None else {"objects": self.lives.counters()}
        now: dict[str, int] = {} if self.switch is None else dict(self.switch.counts())
        served = {
            name: now[name] - self._flip.get(name, 0) for name in ("legacy_calls", "candidate_calls") if name in now
        }
        with self._lock:
            counts = self._counts(now)
            novel, self._novel = self._novel, []
            found = {
                "mode": mode,
                **counts,
                "since_flip": served,
                **objects,
                "cascades": self.cascades,
                "places": [[place, kind, count] for (place, kind), count in self.places.items()],
                "ignored": [[path, rule, hits] for (path, rule), hits in self.ignored.items()],
                "reasons": dict(self.reasons),
                "strata": [[stratum, *counted] for stratum, counted in self._strata.items()],
                "signatures": len(self._signatures),
                "latency": {
                    side: list(buckets) for side, buckets in zip(("legacy", "candidate"), self._latency, strict=True)
                },
                "times": {
                    side: sorted(fine.items()) for side, fine in zip(("legacy", "candidate"), self._times, strict=True)
                },
                "sessions": self._activity.look(counts),
            }
        if novel:
            self.write({"kind": "novel", "unit": self.unit, "signatures": novel})
        return found

    def _shown(self, call: str, arguments: object) -> str:
        try:
            if isinstance(arguments, tuple) and len(arguments) == 2 and isinstance(arguments[1], dict):
                positional, named = arguments
                return shown(self.redactor.arguments(positional, named, self._names(call)))
            return shown(self.redactor.value(arguments))
        except Exception as error:
            return f"<arguments that cannot be shown: {type(error).__name__}>"

    def _shown_remote(self, call: str, pickled: bytes | None, text: str) -> str:
        if pickled is not None:
            try:
                return self._shown(call, pickle.loads(pickled))  # noqa: S301 - made by this very process
            except Exception as error:
                return f"<arguments that cannot be shown: {type(error).__name__}>"
        return self.redactor.text(text)[:SHOWN]

    def _names(self, call: str) -> tuple[str, ...]:
        """Names of the parameters of the unit, or of one of its methods: they tell secrets that come by position."""
        if call not in self._parameters:
            self._parameters[call] = _parameters(self.unit, call)
        return self._parameters[call]


def _parameters(unit: str, call: str) -> tuple[str, ...]:
    module, _, qualname = unit.partition(":")
    held: Any = sys.modules.get(module)
    try:
        for part in qualname.split("."):
            held = inspect.getattr_static(held, part)
        if call and isinstance(held, type):
            held = inspect.getattr_static(held, call)
        bound = bool(call) and not isinstance(held, staticmethod)
        names = tuple(inspect.signature(getattr(held, "__func__", held)).parameters)
    except (AttributeError, TypeError, ValueError):
        return ()
    return names[1:] if bound else names


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
