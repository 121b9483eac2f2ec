"""What is put on record of one unit while the process runs: its differences by place, and calls of novel inputs."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import evidence_signature
from exuvia.migrate.background import Background
from exuvia.migrate.evidence.nothing import nothing
from exuvia.migrate.evidence.redact import REDACTED, Redactor
from exuvia.migrate.evidence.shown import SHOWN, apart, parameters, shown
from exuvia.migrate.evidence.tally import Tally
from exuvia.migrate.gates.mending import TOO_BIG, UNRECORDED
from exuvia.migrate.own import pickle
from exuvia.migrate.shadow.containment import HERE

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable, Sequence

    from exuvia._exuvia import Verdict

__all__ = ["Record"]

LINES_A_PLACE = 5
PLACES = 200
CALLS = 1000
SPREAD = 64
LIVES = 2000
LONGEST_CALL = 1024 * 1024
WRITE_S = 1.0
"""How long a caller waits for a line that is written beside it; a file that is held longer gets it later."""


class Record(Tally):
    """Differences and recorded calls of one unit, beside its counters.

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
        super().__init__(unit, write, redactor or Redactor())
        self.sampling = sampling
        self._record = record
        self._parameters: dict[str, tuple[str, ...]] = {}

    def _clear(self) -> None:
        super()._clear()
        self._kept: Counter[tuple[str, int]] = nothing()
        self._spread = self._lived = 0

    def observed(
        self,
        verdicts: Sequence[Verdict],
        times: tuple[int, int] | None,
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
            times: Nanoseconds of legacy and of the candidate, `None` if nobody took them.
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
        self._put_on_record(
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

    def _put_on_record(self, line: dict[str, Any]) -> None:
        """Write a line; from a caller's thread in one beside it, where no signal's handler can come in the middle."""
        if HERE.observing:
            with contextlib.suppress(RuntimeError):
                # None can be started as the interpreter ends.
                Background(lambda: self.write(line)).join(WRITE_S)
                return
        self.write(line)

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
                signature = evidence_signature(pickle.loads(arguments))
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
                self._reason(TOO_BIG)
                return False
            secret = self.redactor.secret_unit(self.unit, call)
            plain = (
                self.redactor.pickle(arguments, self._names(call), secret=secret),
                self.redactor.pickle(outcome, secret=secret),
            )
        except Exception as error:
            self._reason(f"{UNRECORDED}{type(error).__name__}: {error}")
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

    def _shown(self, call: str, arguments: object) -> str:
        try:
            if isinstance(arguments, tuple) and len(arguments) == 2 and isinstance(arguments[1], dict):
                positional, named = arguments
                secret = self.redactor.secret_unit(self.unit, call)
                return shown(self.redactor.arguments(positional, named, self._names(call), secret=secret))
            return shown(self.redactor.value(arguments))
        except Exception as error:
            return f"<arguments that cannot be shown: {type(error).__name__}>"

    def _shown_remote(self, call: str, pickled: bytes | None, text: str) -> str:
        if pickled is not None:
            try:
                return self._shown(call, pickle.loads(pickled))
            except Exception as error:
                return f"<arguments that cannot be shown: {type(error).__name__}>"
        if self.redactor.secret_unit(self.unit, call):
            return REDACTED
        return self.redactor.text(text)[:SHOWN]

    def _names(self, call: str) -> tuple[str, ...]:
        """Names of the parameters of the unit, or of one of its methods: they tell secrets that come by position."""
        if call not in self._parameters:
            self._parameters[call] = parameters(self.unit, call)
        return self._parameters[call]
