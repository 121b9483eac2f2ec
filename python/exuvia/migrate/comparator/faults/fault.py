"""What a kind of fault is, and the register of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["FAULTS", "Fault", "Nothing", "fault", "need"]


class Nothing(Exception):  # noqa: N818 - no error: the fault has nothing to change here
    """This fault cannot be injected here."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: What went wrong.
        change: Takes a random generator and a value, returns the wrong one, or raises `Nothing`.
        fine: Whether a declared tolerance may hide it.
        amount: Whether one may that reaches so far: by how much the value is off is all that is wrong.
    """

    name: str
    change: Callable[[random.Random, Any], Any]
    fine: bool = False
    amount: bool = False


FAULTS: dict[str, Fault] = {}


def fault(
    name: str, *types: type, fine: bool = False, amount: bool = False, exact: bool = True
) -> Callable[[Callable[[random.Random, Any], Any]], Callable[[random.Random, Any], Any]]:
    """Register a kind of fault.

    Args:
        name: What went wrong.
        types: Types whose values it changes; without one it judges for itself.
        fine: Whether a declared tolerance may hide it.
        amount: Whether one may that reaches so far.
        exact: Whether values of subclasses are left alone.
    """

    def register(change: Callable[[random.Random, Any], Any]) -> Callable[[random.Random, Any], Any]:
        def guarded(rng: random.Random, value: Any) -> Any:
            need(not types or (type(value) in types if exact else isinstance(value, types)))
            return change(rng, value)

        FAULTS[name] = Fault(name, guarded, fine, amount)
        return change

    return register


def need(condition: object) -> None:
    """Raise `Nothing` unless the condition holds.

    Args:
        condition: Whether the fault changes something here.
    """
    if not condition:
        raise Nothing
