"""The comparator as a function, and the test of the comparator itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exuvia._exuvia import Comparator
from exuvia.migrate.comparator.faults import self_test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exuvia._exuvia import Verdict

__all__ = ["compare", "self_test"]


def compare(legacy: object, candidate: object, rules: Mapping[str, str] | None = None) -> Verdict:
    """Compare two values: types, bits, order and exponents count unless a rule says otherwise.

    >>> compare([1, 2.0], [True, 2.0]).differences[0].kind
    'type'
    >>> bool(compare(float("nan"), float("nan"))), bool(compare(0.0, -0.0))
    (True, False)

    Args:
        legacy: What legacy returned.
        candidate: What the candidate returned.
        rules: Rules by path: `exact`, `abs:x`, `rel:x`, `ulp:n`, `tick:x`, `number`, `record`, `base`,
            `args`, `parquet`, `ignore(owner, reason)`. Paths: `$.fills[*].price`, `$[0]`, `$.*`, `$.**`.

    Returns:
        A verdict that is true if they are equal; its differences name path, kind and both values.

    Raises:
        CompareError: For a rule that is not known, or a value that has no readable fields.
    """
    return Comparator(rules).compare(legacy, candidate)
