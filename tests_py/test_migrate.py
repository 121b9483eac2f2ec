"""A function in shadow: what is compared, and what the caller may notice of it, which is nothing."""

from __future__ import annotations

import contextvars
import decimal
import random
import signal
import threading
from typing import Any

import exuvia.migrate
import numpy as np
import pytest
from exuvia.errors import PanicError
from exuvia.migrate.shadow import containment
from moult import Project, project

__all__ = ["project"]


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
    assert state.speedup is None, "of one call nothing can be said"
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


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a program of one thread: pytest's workers have one more, which draws no numbers."""
    monkeypatch.setattr(containment, "others", lambda: 0)


@pytest.mark.usefixtures("alone")
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
    expected = random.Random(5).random(), np.random.RandomState(5).random()
    context = decimal.getcontext()
    precision = context.prec
    project.legacy.mean([1.0])
    assert (random.random(), np.random.random()) == expected
    assert decimal.getcontext() is context
    assert context.prec == precision
    assert variable.get() == "program"


@pytest.mark.usefixtures("alone")
def test_legacys_own_use_of_randomness_is_untouched(project: Project) -> None:
    random.seed(7)
    plain = [project.legacy.pick(range(1000)) for _ in range(5)]
    project.install("pick")
    random.seed(7)
    assert [project.legacy.pick(range(1000)) for _ in range(5)] == plain


def test_a_unit_that_calls_itself_is_observed_from_outside(project: Project) -> None:
    project.install("recursive")
    assert project.legacy.recursive(20) == 20
    state = project.status("recursive")
    assert (state.verdict, state.counts["compared"], state.counts["unsampled"]) == ("PASS", 1, 20)


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
    project.candidate.mean = lambda values, scale=1.0, *, shift=0.0: object()  # noqa: ARG005 - the signature of legacy
    project.install("mean")
    assert project.legacy.mean([1.0]) == 1.0
    state = project.status("mean")
    assert (state.verdict, state.counts["errors"]) == ("INCONCLUSIVE", 1)
