"""Exceptions are compared by class and by the attributes that rules declare; a rule that can say nothing is refused."""

from __future__ import annotations

from typing import Any

import pytest
from exuvia._exuvia import Comparator
from exuvia.errors import CompareError
from exuvia.migrate.shadow.packing import pack_raised, unpack_raised
from shadowing import Shadowed, shadowed

__all__ = ["shadowed"]


class RefusedError(ValueError):
    def __init__(self, text: str, code: Any, price: float = 1.0) -> None:
        super().__init__(text)
        self.code, self.price = code, price

    @property
    def late(self) -> bool:
        return bool(self.code == 9)


class OtherError(ValueError):
    def __init__(self, text: str, code: Any) -> None:
        super().__init__(text)
        self.code = code


def paths(rules: dict[str, str], legacy: BaseException, candidate: BaseException) -> list[tuple[str, str]]:
    verdict = Comparator(rules).compare_outcomes((None, legacy), (None, candidate))
    assert verdict.equal is (verdict.total == 0)
    return [(found.path, found.kind) for found in verdict.differences]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({}, []),
        ({"$raise.code": "exact"}, [("$raise.code", "value")]),
        ({"$raise.code": "abs:1"}, []),
        ({"$raise.*": "exact"}, [("$raise.args[0]", "value"), ("$raise.code", "value"), ("$raise.price", "value")]),
        ({"$raise.**": "exact"}, [("$raise.args[0]", "value"), ("$raise.code", "value"), ("$raise.price", "value")]),
        ({"$raise": "args"}, [("$raise.args[0]", "value")]),
        ({"$raise.args[0]": "exact"}, [("$raise.args[0]", "value")]),
        ({"$raise": "record"}, [("$raise.args[0]", "value"), ("$raise.code", "value"), ("$raise.price", "value")]),
        ({"$raise.price": "tick:0.1"}, [("$raise.price", "tolerance-exceeded")]),
        ({"$raise.late": "exact"}, []),
    ],
)
def test_only_and_all_attributes_that_a_rule_declares_are_compared(
    rules: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    assert paths(rules, RefusedError("a", 1, 1.0), RefusedError("b", 2, 1.5)) == expected


def test_properties_parts_and_attributes_of_one_side_are_attributes_too() -> None:
    assert paths({"$raise.late": "exact"}, RefusedError("a", 9), RefusedError("a", 8)) == [("$raise.late", "value")]
    ours, theirs = RefusedError("a", {"id": 1, "at": 5}), RefusedError("a", {"id": 1, "at": 7})
    assert paths({"$raise.code.at": "abs:5"}, ours, theirs) == []
    assert paths({"$raise.code": "exact"}, ours, theirs) == [("$raise.code.at", "value")]
    without = RefusedError("a", 1)
    del without.code
    assert paths({"$raise.code": "exact"}, RefusedError("a", 1), without) == [("$raise.code", "missing")]
    assert paths({"$raise.code": "exact"}, without, RefusedError("a", 1)) == [("$raise.code", "extra")]


def test_two_classes_are_one_by_record_or_base_and_their_declared_attributes_count() -> None:
    one, two = RefusedError("a", 1), OtherError("a", 2)
    assert paths({"$raise.code": "exact"}, one, two) == [("$raise", "exception")]
    assert paths({"$raise": "base", "$raise.code": "exact"}, one, two) == [("$raise.code", "value")]
    assert paths({"$raise": "record", "$raise.price": "ignore(ana, only legacy has it)"}, one, OtherError("a", 1)) == []


def test_an_attribute_that_neither_error_has_is_told_as_what_no_rule_hit() -> None:
    one, two = (None, RefusedError("a", 1)), (None, RefusedError("a", 2))
    verdict = Comparator({"$raise.cod": "exact"}).compare_outcomes(one, two)
    assert verdict.equal
    assert verdict.ignored == [("$raise.cod", "an attribute that neither exception has", 1)]
    assert Comparator({"$raise.code": "exact"}).compare_outcomes(one, (1, None)).ignored == []


@pytest.mark.parametrize("rule", ["number", "ulp:4", "multiset", "keyed(id)", "ids", "repr", "parquet", "jaccard:0.9"])
def test_a_rule_that_says_nothing_of_an_exception_is_refused(rule: str) -> None:
    with pytest.raises(CompareError, match=r"exact, base, args or record, its attributes by any rule"):
        Comparator({"$raise": rule})
    with pytest.raises(CompareError, match=r"attributes and no items: \$raise.args\[0\]"):
        Comparator({"$raise[0]": rule})
    Comparator({"$raise.code": rule})


def test_declared_attributes_reach_the_worker_and_a_wrong_name_is_shown(shadowed: Shadowed) -> None:
    text = """
        class Bad(ValueError):
            def __init__(self, text, code):
                super().__init__(text)
                self.code = code
        def price(n):
            raise Bad("no", 1)
        """
    candidate = "from LEGACY import Bad\ndef price(n):\n    raise Bad('no', n)\n"
    shadowed.write(text, candidate)
    shadowed.install("price", more='compare = { "$raise.code" = "exact", "$raise.cod" = "exact" }')
    for n in (1, 2, 1):
        with pytest.raises(shadowed.legacy.Bad):
            shadowed.legacy.price(n)
    counts = shadowed.counts("price")
    assert (counts["compared"], counts["differed"]) == (3, 1)
    assert [line["path"] for line in shadowed.kept("mismatch")] == ["$raise.code"]
    assert counts["ignored"] == [["$raise.cod", "an attribute that neither exception has", 3]]


class SlottedError(ValueError):
    __slots__ = ("code", "unset")


@pytest.mark.parametrize("declared", ["code", "filename", "errno"])
def test_what_an_error_keeps_in_slots_or_as_a_files_name_travels_to_the_worker(declared: str) -> None:
    error: Any = SlottedError("a") if declared == "code" else FileNotFoundError(2, "not there", "/data/x")
    if declared == "code":
        error.code = (1, "b")
    error.more = 5
    made: Any = unpack_raised(pack_raised(error))
    assert (type(made), made.args, made.more) == (type(error), error.args, 5)
    assert getattr(made, declared) == getattr(error, declared)
    assert getattr(made, declared) is not None
    assert not hasattr(made, "unset")
    assert paths({f"$raise.{declared}": "exact"}, error, made) == []
