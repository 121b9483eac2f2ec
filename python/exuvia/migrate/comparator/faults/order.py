"""What a rule about order or overlap lets pass, reckoned by the self-test: it shares nothing with the comparator.

>>> allowed("multiset", [1, 2], [2, 1]), allowed("multiset", [1, 2], [1]), allowed("tick:1", [1, 2], [2, 1])
(True, False, False)
>>> allowed("keyed(id; ordered)", [{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}])
False
>>> allowed("jaccard:0.5", {1, 2}, {1}), allowed("jaccard:0.6", {1, 2}, {1})
(True, False)
"""

from __future__ import annotations

from collections import Counter
from typing import Any

__all__ = ["allowed"]


def allowed(rule: str, right: Any, wrong: Any) -> bool:
    """Say whether the wrong value differs from the right one only as the rule allows.

    Args:
        rule: As it is declared.
        right: The right value.
        wrong: The wrong one.
    """
    name, _, rest = rule.partition("(" if "(" in rule else ":")
    one, two = _items(right), _items(wrong)
    if one is None or two is None or type(right) is not type(wrong):
        return False
    if name == "multiset" or (name == "keyed" and "ordered" not in rest.partition(";")[2]):
        return Counter(map(repr, one)) == Counter(map(repr, two))
    if name == "jaccard":
        first, second = set(map(repr, one)), set(map(repr, two))
        return not first | second or len(first & second) >= float(rest) * len(first | second)
    return False


def _items(value: Any) -> list[Any] | None:
    """The members of a container, or the rows of a table; `None` for what has neither."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    rows = getattr(value, "to_pylist", None)
    return list(rows()) if rows is not None else None
