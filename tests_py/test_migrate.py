"""The moult of a program: install, shadow, flip, classes and their twins, what the caller may notice."""

from __future__ import annotations

import contextvars
import decimal
import importlib
import pickle
import random
import signal
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import numpy as np
import pytest
from exuvia.errors import ConfigError, MigrateError, PanicError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEGACY = """
import functools, random

class FrameError(ValueError):
    pass

def mean(values, scale=1.0, *, shift=0.0):
    total = 0.0
    for value in values:
        total += value
    return total / len(values) * scale + shift

def pick(values):
    return random.choice(values)

def sort(values):
    values.sort()
    return len(values)

def orders(n):
    return [{"id": i, "price": 1.0 + i / 100, "fills": [{"amount": 10 * i}]} for i in range(n)]

error = FrameError("offset 3")

def decode(data):
    if not data:
        raise error
    return data[0]

@functools.lru_cache(maxsize=None)
def cached(x):
    return x * 2

def recursive(n):
    return 0 if n == 0 else 1 + recursive(n - 1)

class Book:
    limit = 3
    def __init__(self, start=0):
        self.seen = start
        self.rows = []
    def add(self, row):
        self.seen += 1
        self.rows.append(row)
        return self.inner()
    def inner(self):
        return self.seen
    def fail(self, x):
        raise KeyError(x)
    def me(self):
        return self
    @property
    def last(self):
        return self.rows[-1] if self.rows else None
    @last.setter
    def last(self, row):
        self.rows[-1] = row
    @classmethod
    def make(cls):
        return cls()
    def __len__(self):
        return self.seen

class Special(Book):
    pass

class Frozen:
    __slots__ = ("x",)
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x * 2
"""

USER = """
from {legacy} import Book, mean, orders
held = {{"mean": mean}}
def use(values):
    return mean(values, 2.0, shift=1.0)
def book():
    b = Book()
    return [b.add(1), b.add(2), b.last, len(b)]
"""

CANDIDATE = """
import contextvars, decimal, random, sys
from {legacy} import Book as LegacyBook, FrameError
calls = []
def mean(values, scale=1.0, *, shift=0.0):
    calls.append(values)
    return sum(values) / len(values) * scale + shift
def pick(values):
    random.seed(99); random.random()
    return random.choice(values)
def sort(values):
    values.sort(reverse=True)
    return len(values)
def orders(n):
    made = [{{"id": i, "price": 1.0 + i / 100, "fills": [{{"amount": 10 * i}}]}} for i in range(n)]
    if n > 2:
        made[2]["fills"][0]["amount"] = 999
    return made
def decode(data):
    if not data:
        raise FrameError("offset 4")
    return data[0]
def cached(x):
    return x * 3
def recursive(n):
    return n
def exits(*args):
    sys.exit("candidate")
def wrong_signature(values):
    return 0
class Book:
    def __init__(self, start=0):
        self.n = start
        self.rows = []
    def add(self, row):
        self.n += 1
        self.rows.append(row)
        return self.n if row != "bad" else -1
    def inner(self):
        return self.n
    def fail(self, x):
        raise KeyError(x)
    def me(self):
        return self
    @property
    def last(self):
        return self.rows[-1] if self.rows else None
    @last.setter
    def last(self, row):
        self.rows[-1] = row
    @classmethod
    def make(cls):
        return cls()
    @property
    def seen(self):
        return self.n
    def __len__(self):
        return self.n
class Broken(Book):
    def __init__(self, start=0):
        raise SystemExit("no")
class Frozen:
    def __init__(self, x):
        self.x = x
    def twice(self):
        return self.x + self.x
"""

NUMBER = iter(range(10_000))


class Project:
    """A legacy package, its user, a candidate and a configuration, under names of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = next(NUMBER)
        self.legacy_name, self.user_name, self.candidate_name = (f"{n}{number}" for n in ("leg", "user", "cand"))
        for name, text in (
            (self.legacy_name, LEGACY),
            (self.user_name, USER.format(legacy=self.legacy_name)),
            (self.candidate_name, CANDIDATE.format(legacy=self.legacy_name)),
        ):
            (folder / f"{name}.py").write_text(textwrap.dedent(text))
        self.config = folder / "exuvia.toml"
        self.legacy: Any = importlib.import_module(self.legacy_name)
        self.user: Any = importlib.import_module(self.user_name)
        self.candidate: Any = importlib.import_module(self.candidate_name)

    def unit(self, name: str) -> str:
        return f"{self.legacy_name}:{name}"

    def write(
        self,
        *names: str,
        mode: str = "shadow",
        candidate: str | None = None,
        more: str = "",
        rehearsal: bool = True,
    ) -> Path:
        lines = ["[exuvia]", f"rehearsal = {str(rehearsal).lower()}", 'endpoints = ["http://127.0.0.1:9"]']
        for name in names:
            lines += [
                f'[unit."{self.unit(name)}"]',
                f'candidate = "{self.candidate_name}:{candidate or name}"',
                'effect = "pure"',
                f'mode = "{mode}"',
                more,
            ]
        self.config.write_text("\n".join(lines))
        self.config.chmod(0o600)
        return self.config

    def install(self, *names: str, **options: Any) -> None:
        exuvia.migrate.install(self.write(*names, **options))

    def status(self, name: str) -> Any:
        return next(state for state in exuvia.migrate.status() if state.unit == self.unit(name))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Project(tmp_path)
    yield made
    exuvia.migrate.uninstall()
    for name in (made.legacy_name, made.user_name, made.candidate_name):
        sys.modules.pop(name, None)


def test_names_bound_long_ago_follow_every_flip_and_the_code_comes_back(project: Project) -> None:
    original, held = project.legacy.mean.__code__, project.user.held["mean"]
    project.install("mean", mode="legacy")
    assert held.__code__ is original
    for mode, calls in (("shadow", 1), ("rust", 2), ("legacy", 2), ("rust", 3)):
        exuvia.migrate.set_mode(project.unit("mean"), mode)
        assert project.user.use([1.0, 2.0]) == 4.0
        assert len(project.candidate.calls) == calls
        assert project.user.mean is held is project.legacy.mean
    state = project.status("mean")
    assert (state.mode, state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (
        "rust",
        0,
        1,
    )
    exuvia.migrate.uninstall()
    assert held.__code__ is original
    project.user.use([1.0])
    assert len(project.candidate.calls) == 3


def test_a_planted_bug_is_named_by_unit_path_and_both_values(project: Project) -> None:
    project.install("orders")
    assert project.user.orders(4)[2]["fills"] == [{"amount": 20}]
    state = project.status("orders")
    assert state.verdict == "FAIL"
    assert state.places == {("$[*].fills[*].amount", "value"): 1}
    project.legacy.orders(2)
    assert (state := project.status("orders")).counts["compared"] == 2
    assert (state.counts["differed"], state.reason) == (1, "1 of 2 compared calls differ")


def test_nothing_compared_is_inconclusive_and_equal_calls_pass(project: Project) -> None:
    project.install("mean", "orders")
    assert project.status("mean").verdict == "INCONCLUSIVE"
    project.legacy.mean([1.0])
    state = project.status("mean")
    assert (state.verdict, state.counts["legacy_calls"], state.counts["candidate_calls"]) == ("PASS", 1, 0)
    assert state.counts["legacy_ns"] > 0
    assert state.speedup is not None
    assert exuvia.migrate.overall(exuvia.migrate.status()) == "INCONCLUSIVE"


def test_the_caller_gets_legacys_own_exception_object(project: Project) -> None:
    project.install("decode")
    with pytest.raises(ValueError, match="offset 3") as caught:
        project.legacy.decode(b"")
    assert caught.value is project.legacy.error
    assert caught.value.__context__ is None
    assert project.status("decode").verdict == "PASS"


def test_arguments_of_exceptions_count_where_the_rule_says_so(project: Project) -> None:
    project.install("decode", more='compare = { "$raise" = "args" }')
    with pytest.raises(ValueError, match="offset 3"):
        project.legacy.decode(b"")
    assert project.status("decode").places == {("$raise.args[*]", "value"): 1}


def test_what_the_candidate_does_to_its_arguments_stays_there_and_counts(project: Project) -> None:
    project.install("sort")
    values = [3, 1, 2]
    assert project.legacy.sort(values) == 3
    assert values == [1, 2, 3]
    assert set(project.status("sort").places) == {("$args[*]", "mutation")}


@pytest.mark.parametrize(
    "error", ["SystemExit('x')", "GeneratorExit()", "RecursionError()", "PanicError('p')", "BaseException()"]
)
def test_nothing_that_the_candidate_raises_reaches_the_caller(project: Project, error: str) -> None:
    def candidate(values: Any, scale: float = 1.0, *, shift: float = 0.0) -> None:
        raise eval(error, {"PanicError": PanicError})  # noqa: S307 - a table of errors

    project.candidate.mean = candidate
    project.install("mean")
    assert project.legacy.mean([1.0, 3.0]) == 2.0
    kind = "panic" if "Panic" in error else "exception"
    assert project.status("mean").places == {("$", kind): 1}


def test_a_ctrl_c_while_the_candidate_runs_is_the_operators(project: Project) -> None:
    def candidate(values: Any, scale: float = 1.0, *, shift: float = 0.0) -> None:
        signal.raise_signal(signal.SIGINT)

    project.candidate.mean = candidate
    project.install("mean")
    with pytest.raises(KeyboardInterrupt):
        project.legacy.mean([1.0])
    outcomes: list[Any] = []

    def thread() -> None:
        def raises(values: Any, scale: float = 1.0, *, shift: float = 0.0) -> None:
            raise KeyboardInterrupt

        exuvia.migrate.uninstall()
        project.candidate.mean = raises
        project.install("mean")
        outcomes.append(project.legacy.mean([1.0]))

    worker = threading.Thread(target=thread)
    worker.start()
    worker.join()
    assert outcomes == [1.0]


def test_random_decimal_and_context_are_as_if_the_candidate_had_never_run(project: Project) -> None:
    variable = contextvars.ContextVar("variable", default="program")

    def candidate(values: Any, scale: float = 1.0, *, shift: float = 0.0) -> float:
        random.seed(1)
        np.random.seed(1)
        decimal.getcontext().prec = 3
        decimal.setcontext(decimal.Context(prec=4))
        variable.set("candidate")
        return 1.0

    project.candidate.mean = candidate
    project.install("mean")
    random.seed(5)
    np.random.seed(5)
    expected = random.Random(5).random(), np.random.RandomState(5).random()  # noqa: S311
    context = decimal.getcontext()
    precision = context.prec
    project.legacy.mean([1.0])
    assert (random.random(), np.random.random()) == expected  # noqa: S311
    assert decimal.getcontext() is context
    assert context.prec == precision
    assert variable.get() == "program"


def test_legacys_own_use_of_randomness_is_untouched(project: Project) -> None:
    random.seed(7)
    plain = [project.legacy.pick(range(1000)) for _ in range(5)]
    project.install("pick")
    random.seed(7)
    assert [project.legacy.pick(range(1000)) for _ in range(5)] == plain


def test_a_cache_is_cleared_at_every_flip(project: Project) -> None:
    assert project.legacy.cached(2) == 4
    project.install("cached", mode="rust")
    assert project.legacy.cached(2) == 6
    exuvia.migrate.set_mode(project.unit("cached"), "legacy")
    assert project.legacy.cached(2) == 4


def test_a_unit_that_calls_itself_is_observed_without_end(project: Project) -> None:
    project.install("recursive")
    assert project.legacy.recursive(20) == 20
    state = project.status("recursive")
    assert (state.verdict, state.counts["compared"]) == ("PASS", 21)


def test_threads_are_observed_without_loss(project: Project) -> None:
    project.install("mean")
    threads = [threading.Thread(target=lambda: [project.legacy.mean([1.0, 2.0]) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = project.status("mean")
    assert (state.counts["legacy_calls"], state.counts["compared"], state.verdict) == (2000, 2000, "PASS")


def test_arguments_that_cannot_be_copied_lose_the_sample_not_the_call(project: Project) -> None:
    project.install("decode")
    lock = threading.Lock()
    assert project.legacy.decode([lock]) is lock
    state = project.status("decode")
    assert (state.verdict, state.counts["skipped"]) == ("INCONCLUSIVE", 1)
    assert "cannot be copied" in next(iter(state.reasons))


def test_results_that_cannot_be_read_are_counted_and_never_pass(project: Project) -> None:
    project.candidate.mean = lambda values, scale=1.0, *, shift=0.0: object()  # noqa: ARG005
    project.install("mean")
    assert project.legacy.mean([1.0]) == 1.0
    state = project.status("mean")
    assert (state.verdict, state.counts["errors"]) == ("INCONCLUSIVE", 1)


def test_a_twin_follows_each_object_and_equal_classes_pass(project: Project) -> None:
    project.install("Book", more='attributes = ["seen"]')
    assert project.user.book() == [1, 2, 2, 2]
    book = project.user.Book()
    assert isinstance(book, project.legacy.Book)
    assert book.me() is book
    with pytest.raises(KeyError):
        book.fail("x")
    book.add("a")
    book.last = "b"
    assert book.last == "b"
    state = project.status("Book")
    assert (state.verdict, state.places) == ("PASS", {})
    assert state.counts["compared"] >= 10
    assert f"also rebound in {project.user_name}.Book" in state.notes[0]
    assert "Special" in state.notes[1]


def test_the_first_difference_of_an_object_counts_and_later_ones_are_cascade(project: Project) -> None:
    project.install("Book")
    book = project.user.Book()
    assert book.add("bad") == 1
    for _ in range(3):
        book.add("bad")
    state = project.status("Book")
    assert (state.counts["differed"], state.counts["cascades"]) == (1, 3)
    assert state.places == {("add: $", "value"): 1}
    other = project.user.Book()
    other.add("bad")
    assert project.status("Book").counts["differed"] == 2


def test_a_candidate_class_that_cannot_be_built_never_reaches_the_caller(project: Project) -> None:
    project.install("Book", candidate="Broken")
    assert project.user.book() == [1, 2, 2, 2]
    state = project.status("Book")
    assert state.places == {("__init__: $", "exception"): 1}
    assert state.counts["compared"] == 1


def test_rules_of_a_method_hold_for_that_method(project: Project) -> None:
    project.install("Book", more='compare = { "add:$" = "ignore(ana, off by design)" }')
    book = project.user.Book()
    book.add("bad")
    assert book.inner() == 1
    state = project.status("Book")
    assert state.verdict == "PASS"
    assert state.ignored == {("$", "ignore(ana, off by design)"): 1}


def test_twins_pickle_and_copy_as_their_class_does(project: Project) -> None:
    project.install("Book", "Frozen")
    book = project.user.Book()
    book.add(1)
    again = pickle.loads(pickle.dumps(book))  # noqa: S301
    assert (again.seen, again.rows, type(again)) == (1, [1], project.legacy.Book)
    again.add(2)
    assert vars(book) == {"seen": 1, "rows": [1]}
    assert project.status("Book").verdict == "PASS"
    frozen = project.legacy.Frozen(4)
    assert frozen.twice() == 8
    assert pickle.loads(pickle.dumps(frozen)).x == 4  # noqa: S301
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert pickle.loads(pickle.dumps(book)).seen == 1  # noqa: S301


def test_a_flip_of_a_class_acts_on_new_objects_and_proves_who_served(project: Project) -> None:
    legacy, candidate = project.legacy.Book, project.candidate.Book
    add = vars(candidate)["add"]
    project.install("Book")
    old = project.user.Book()
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert project.user.Book is project.legacy.Book is candidate
    assert project.user.book() == [1, 2, 2, 2]
    state = project.status("Book")
    assert (state.since_flip["legacy_calls"], state.since_flip["candidate_calls"]) == (0, 4)
    old.add(1)
    assert project.status("Book").since_flip["legacy_calls"] == 2  # add, and inner from within it
    exuvia.migrate.set_mode(project.unit("Book"), "legacy")
    assert project.user.Book is project.legacy.Book is legacy
    assert vars(candidate)["add"] is add
    assert project.candidate.LegacyBook is legacy


def test_a_module_imported_after_install_follows_the_next_flip(project: Project) -> None:
    project.install("Book")
    late = project.folder / f"late_{project.legacy_name}.py"
    late.write_text(f"from {project.legacy_name} import Book\n")
    module = importlib.import_module(late.stem)
    assert module.Book is project.user.Book is not project.candidate.Book
    exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert module.Book is project.user.Book is project.candidate.Book
    exuvia.migrate.set_mode(project.unit("Book"), "shadow")
    assert module.Book is project.user.Book is not project.candidate.Book
    sys.modules.pop(late.stem)


def test_set_mode_refuses_what_is_unknown_or_not_allowed(project: Project) -> None:
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()
    project.install("mean", rehearsal=False)
    with pytest.raises(MigrateError, match="already installed"):
        project.install("mean")
    project.write("mean", rehearsal=False)
    with pytest.raises(MigrateError, match="unknown unit 'x'"):
        exuvia.migrate.set_mode("x", "shadow")
    with pytest.raises(MigrateError, match="unknown mode 'fast'"):
        exuvia.migrate.set_mode(project.unit("mean"), "fast")
    with pytest.raises(MigrateError, match="only a rehearsal"):
        exuvia.migrate.set_mode(project.unit("mean"), "rust")
    exuvia.migrate.set_mode(project.unit("mean"), "legacy")


@pytest.mark.parametrize(
    ("name", "candidate", "error", "match"),
    [
        ("mena", "mean", ConfigError, r"exuvia.toml:4: .*'mena' is not there; there is 'mean'"),
        ("mean", "mena", ConfigError, r"exuvia.toml:5: .*'mena' is not there; there is 'mean'"),
        ("mean", "wrong_signature", MigrateError, "has the signature"),
        ("Book", "mean", ConfigError, "is no class"),
        ("Book", "Frozen", MigrateError, "has no "),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_and_nothing_is_changed(
    project: Project, name: str, candidate: str, error: type[Exception], match: str
) -> None:
    code = project.legacy.mean.__code__
    with pytest.raises(error, match=match):
        project.install(name, candidate=candidate)
    assert project.legacy.mean.__code__ is code
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()


def test_where_the_splice_was_never_tested_the_object_form_serves(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exuvia.migrate.splice.can_splice", lambda: False)
    function = project.legacy.mean
    project.install("mean")
    assert project.user.mean is project.legacy.mean is not function
    assert project.user.use([1.0, 2.0]) == 4.0
    exuvia.migrate.set_mode(project.unit("mean"), "rust")
    assert project.user.use([1.0, 2.0]) == 4.0
    assert "never tested" in project.status("mean").notes[0]
    exuvia.migrate.set_mode(project.unit("mean"), "legacy")
    assert project.user.mean is project.legacy.mean is function
