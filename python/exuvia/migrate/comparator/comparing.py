"""The comparator as a function, every rule with an example, and the test of the comparator itself.

There is no default `==`: types, bits, order and exponents count unless a rule for the path says otherwise. A path is
`$` for the result, then fields and places: `$.fills[*].price`, `$[0]`, `$.*`, `$["odd key"]`, `$.**` (here and
everything below). `$raise` is the exception, `$args` the arguments after the call, `$self` the attributes of an
object, `$effects` and `$reads` what a call does and asks. Of two rules that match, the more specific wins.

**Numbers.** `exact` is the default; a float's bits count, and any NaN equals any other:

>>> compare(0.0, -0.0).differences[0].kind, compare(1, True).differences[0].kind, compare(1, 1.0).equal
('value', 'type', False)
>>> compare(1, 1.0, {"$": "number"}).equal  # by value, whatever the type; True stays no number
True
>>> compare(10.0, 10.005, {"$": "abs:0.01"}).equal, compare(1e6, 1e6 + 0.5, {"$": "rel:1e-6"}).equal
(True, True)
>>> compare(1.0, 1.0000000000000002, {"$": "ulp:1"}).equal  # so many representable floats apart
True

`tick:x` takes prices that are less than half a tick apart, but not one on the grid for one off it: that is how a
broken rounding looks. `quantum:x` takes Decimals of the same value in quanta, whatever their exponents:

>>> compare(1.10003, 1.1000300001, {"$": "tick:0.00001"}).equal, compare(25299.8, 25299.75, {"$": "tick:0.25"}).equal
(True, False)
>>> from decimal import Decimal
>>> compare(Decimal("1.10"), Decimal("1.1"), {"$": "quantum:0.01"}).equal
True

Money by name (`equity`, `pnl`, `closed_notional`, …) refuses `rel`, `ulp` and `sum`, also under `$.**`.

**Sums.** The same terms added in another order give other floats. `sum:way(n=, max=)` takes what rounding alone can
explain and no more: a sum of n terms with |x| ≤ max, so Σ|x| ≤ n·max, is wrong by at most γ(h)·Σ|x| with
γ(k) = k·u / (1 − k·u), u = 2⁻⁵³ and h the longest way from a term to the result: n − 1 for `any` order,
25 + ⌈log2(n / 112)⌉ for `pairwise` as NumPy does it (blocks of 128 in eight lanes), 3 and a term n·u² for
`compensated` (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §4.2 and §4.3). Both sides err, so
their bounds add up; `any+pairwise` names legacy's way, then the candidate's. `total=` gives Σ|x| itself, `then=`
further roundings (1 for a mean), `bits=32` sums in single precision:

>>> compare(sum([0.1] * 10), 1.0, {"$": "sum:any+compensated(n=10, max=0.1)"}).equal
True
>>> compare(1.0, 1.0 + 1e-14, {"$": "sum:any(n=10, max=0.1)"}).differences[0].kind
'tolerance-exceeded'

**Times.** Equal if they are the same instant and both know a zone or both do not. `window:1s` (`ns`, `us`, `ms`,
`s`, `m`, `h`, `d`) lets them be apart, `unit:ms` compares whole units:

>>> from datetime import UTC, datetime
>>> opened = datetime(2014, 5, 7, 8, 0, 0, 900_000, tzinfo=UTC)
>>> compare(opened, opened.replace(microsecond=0), {"$": "unit:s"}).equal
True
>>> compare(opened, opened.replace(tzinfo=None), {"$": "window:1d"}).differences[0].kind
'type'

**Ids.** Order ids and nonces differ by nature. `ids` wants the same shape (separators and words equal, numbers of
any length) and one renaming, a bijection, over all calls of the comparator; `ids(any)` does without the shape,
`ids(scope=call)` forgets after each comparison, `ids(name=order)` keeps renamings apart. On a dict it is for the keys:

>>> one, two = {"id": "A-1", "parent": "A-1"}, {"id": "A-7", "parent": "A-8"}
>>> compare(one, two, {"$.*": "ids"}).differences[0].candidate
'"A-8"; it was "A-7" before'
>>> compare({"A-1": 1.5, "A-2": 1.6}, {"A-7": 1.5, "A-8": 1.7}, {"$": "ids"}).differences[0].path
'$["A-2"]'

**Containers.** Lists are ordered. `multiset` takes any order, `keyed(id)` joins rows by fields (lists of dicts or
records, NumPy's and Arrow's tables alike; `keyed(ts, uic; ordered)` also wants their order), `jaccard:0.95` takes
sets that share so much of their union. Another order of keys in a dict is noted and no difference:

>>> compare([1, 2], [2, 1]).differences[0].kind, compare([1, 2], [2, 1], {"$": "multiset"}).equal
('order-only', True)
>>> rows = [{"id": 1, "price": 1.5}, {"id": 2, "price": 1.6}]
>>> found = compare(rows, [{"id": 2, "price": 1.7}], {"$": "keyed(id)"})
>>> [(row.path, row.kind) for row in found.differences]
[('$[id=2].price', 'value'), ('$[id=1]', 'missing')]
>>> compare({"A", "B", "C", "D"}, {"A", "B", "C"}, {"$": "jaccard:0.7"}).equal
True

**Objects.** Dataclasses, named tuples and objects with slots or a dict are compared by class and field; `record`
takes two classes by legacy's fields:

>>> from dataclasses import make_dataclass
>>> one, two = make_dataclass("Fill", ["price"])(1.5), make_dataclass("RustFill", ["price"])(1.5)
>>> compare(one, two).differences[0].kind, compare(one, two, {"$": "record"}).equal
('type', True)

**Values of libraries.** All of these are compared by class and by what is in them:

- by items, as a list or a dict: `deque` (with its `maxlen`), `array.array` (with its type code), `OrderedDict`,
  `defaultdict` (without its factory), `Counter`, `MappingProxyType`; `bytearray` and `memoryview` (with format and
  shape) as bytes;
- as one value: `date`, `time`, `timedelta`, `timezone`, `ZoneInfo`, `UUID`, paths, `Fraction`, `complex`, `range`,
  `slice`, addresses and networks of `ipaddress`, members of any enumeration, also flags that are several;
- NumPy's scalars by their value (`datetime64` and `timedelta64` with their unit), its arrays by shape and cell;
- pandas' `Timestamp`, `NaT`, `Timedelta`, `Period`, `Interval`; a `Series` as `$.name`, `$.index` and `$.values[*]`, an
  index as `$.names`, `$.dtype` and `$.values[*]`, a `DataFrame` by column, rows that are not just counted as a column
  too; `attrs` are not looked at;
- polars' `DataFrame` by column, its `Series` as `$.name` and `$.values[*]`, and every other table or array that
  speaks Arrow.

>>> from collections import deque
>>> one, two, longer = deque([1, 2], 3), deque([1, 5], 3), deque([1, 2], 9)
>>> compare(one, two).differences[0].path, compare(one, longer).differences[0].kind
('$[1]', 'type')

What has no fields (an iterator, a generator, a view of a dict, a function, a lazy frame, a lock) is refused, unless it
is registered or its path has the rule `repr`:

>>> class Handle:
...     __slots__ = ()
...     def __repr__(self): return "Handle(7)"
>>> compare([Handle()], [Handle()], {"$[*]": "repr"}).equal
True
>>> register(Handle, repr)
>>> compare([Handle()], [Handle()]).equal
True
>>> unregister(Handle)
True

**Exceptions.** By class, and by the attributes that a rule names: `$raise.code` declares one, `$raise.*` those of the
object, `$raise.args` or the rule `args` what it was made with. `base` takes classes that descend from one builtin
class, `record` any two by args and attributes. An attribute that neither has is told among what was ignored:

>>> one, two = (None, ValueError("a")), (None, CompareError("b"))
>>> [Comparator({"$raise": rule}).compare_outcomes(one, two).equal for rule in ("exact", "base")]
[False, True]
>>> Comparator({"$raise": "args"}).compare_outcomes(one, (None, ValueError("b"))).differences[0].path
'$raise.args[0]'
>>> one, two = ((None, KeyError("EURUSD")) for _ in range(2))
>>> one[1].code, two[1].code = 1, 2
>>> Comparator().compare_outcomes(one, two).equal, Comparator({"$raise.code": "abs:1"}).compare_outcomes(one, two).equal
(True, True)
>>> Comparator({"$raise.code": "exact"}).compare_outcomes(one, two).differences[0].path
'$raise.code'

**Bytes.** `parquet` decodes two Parquet files and compares them as tables:

>>> from arro3.core import Array, DataType, Table
>>> from exuvia import lake
>>> table = Table.from_pydict({"close": Array([1.5, 1.6], DataType.float64())})
>>> one, two = (lake.encode_parquet(table, metadata={"written by": name}) for name in ("legacy", "candidate"))
>>> compare(one, two).equal, compare(one, two, {"$": "parquet"}).equal
(False, True)

**What is not judged.** `ignore(owner, reason, until=2027-01-31, budget=100)` counts differences instead, until its
day and up to its budget; then they are differences again. Differences that are *meant* belong into the ledger
(`exuvia.migrate.comparator.ledger`), with both values:

>>> found = compare({"host": "a", "x": 1}, {"host": "b", "x": 1}, {"$.host": "ignore(ana, name of the machine)"})
>>> found.equal, found.ignored
(True, [('$.host', 'ignore(ana, name of the machine)', 1)])
"""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator, is_readable, register, sum_bound, unregister
from exuvia.errors import CompareError
from exuvia.migrate.comparator.selftest import SelfTest, self_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exuvia._exuvia import Verdict

__all__ = [
    "SelfTest",
    "compare",
    "is_readable",
    "refuse_unreadable",
    "register",
    "self_test",
    "sum_bound",
    "unregister",
]


def compare(legacy: object, candidate: object, rules: Mapping[str, str] | None = None) -> Verdict:
    """Compare two values: types, bits, order and exponents count unless a rule says otherwise.

    >>> compare([1, 2.0], [True, 2.0]).differences[0].kind
    'type'
    >>> bool(compare(float("nan"), float("nan"))), bool(compare(0.0, -0.0))
    (True, False)

    Args:
        legacy: What legacy returned.
        candidate: What the candidate returned.
        rules: Rules by path, as this module's text shows them.

    Returns:
        A verdict that is true if they are equal; its differences name path, kind and both values.

    Raises:
        CompareError: For a rule that is not known, or a value that has no readable fields.
    """
    return Comparator(rules).compare(legacy, candidate)


def refuse_unreadable(function: Callable[..., Any], rules: Mapping[str, str] | None = None) -> None:
    """Refuse a unit whose declared result cannot be compared, before anything runs.

    Only what the annotation of the result says is known by then; one that says nothing, such as `object`, `Any` or
    an abstract class, is judged at its first call.

    >>> class Connection:
    ...     __slots__ = ()
    >>> def connect() -> Connection: ...
    >>> refuse_unreadable(connect)
    Traceback (most recent call last):
    exuvia.errors.CompareError: connect returns Connection, which has no fields that can be read: ...

    Args:
        function: Legacy's side.
        rules: The unit's rules: `repr` and `ignore` make a value readable.

    Raises:
        CompareError: Naming the class and what to do.
    """
    if "return" not in getattr(function, "__annotations__", ()):
        return
    if any(rule == "repr" or rule.startswith("ignore") for rule in (rules or {}).values()):
        return
    try:
        result = typing.get_type_hints(function).get("return")
    except Exception:
        # Hints that name what is only imported for a type checker say nothing here.
        return
    for cls in _classes(result):
        if cls is not object and not inspect.isabstract(cls) and not is_readable(cls):
            name = getattr(function, "__qualname__", repr(function))
            raise CompareError(
                f"{name} returns {cls.__qualname__}, which has no fields that can be read: "
                f"register({cls.__qualname__}, to_plain) says what it is compared by, "
                "the rule repr or ignore(owner, reason) on its path does without"
            )


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from _classes(inner)
