"""Units that cannot be moved: each is refused with what is wrong and what to write, and nothing is changed."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any

import exuvia.migrate
import pytest
from exuvia.bars import aggregate
from exuvia.errors import ConfigError, MigrateError
from exuvia.migrate.dispatch import splice
from exuvia.migrate.shadow.containment import leaves_random_alone
from moult import Project, project

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

__all__ = ["project"]


@pytest.mark.parametrize(
    ("name", "more", "error", "match"),
    [
        ("mean", 'kind = "class"', ConfigError, r"exuvia.toml:8: .*kind = 'class', but it is a function"),
        ("Book", 'kind = "function"', ConfigError, r"exuvia.toml:8: .*kind = 'function', but it is a type"),
        ("mean", 'compare = { "add:$" = "exact" }', ConfigError, r"exuvia.toml:8: .*a rule names a method"),
        ("mean", 'attributes = ["seen"]', ConfigError, r"exuvia.toml:8: .*attributes belong to classes"),
        ("Book", 'compare = { "sell:$" = "exact" }', MigrateError, "names method 'sell', which is not observed: .*add"),
    ],
)
def test_what_does_not_fit_a_function_or_a_class_is_named_with_its_line(
    project: Project, name: str, more: str, error: type[Exception], match: str
) -> None:
    code, book = project.legacy.mean.__code__, project.user.Book
    with pytest.raises(error, match=match):
        project.install(name, more=more)
    assert project.legacy.mean.__code__ is code
    assert project.user.Book is book
    with pytest.raises(MigrateError, match="not installed"):
        exuvia.migrate.status()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such module is found"),
        ("import no_such_thing_anywhere", "No module named 'no_such_thing_anywhere'"),
        ("def broken(:", "SyntaxError"),
        ("raise ValueError('no licence')", "ValueError: no licence"),
    ],
)
def test_a_candidate_that_cannot_be_imported_is_named_with_the_line_and_its_own_error(
    project: Project, text: str | None, said: str
) -> None:
    module = f"broken_{project.candidate_name}"
    if text is not None:
        (project.folder / f"{module}.py").write_text(text)
    config = project.write("mean")
    config.write_text(config.read_text().replace(f'"{project.candidate_name}:mean"', f'"{module}:mean"'))
    with pytest.raises(ConfigError, match=f"exuvia.toml:5: .*module '{module}' cannot be imported: .*{said}") as caught:
        exuvia.migrate.install(config)
    assert caught.value.__cause__ is not None


def test_a_candidate_that_cannot_be_called_is_refused(project: Project) -> None:
    project.candidate.mean = 3.0
    with pytest.raises(MigrateError, match=f"the candidate {project.candidate_name}:mean cannot be called"):
        project.install("mean")


def test_a_class_is_named_where_it_is_defined(project: Project) -> None:
    config = project.write("Book")
    config.write_text(config.read_text().replace(f'"{project.legacy_name}:Book"', f'"{project.user_name}:Book"'))
    with pytest.raises(MigrateError, match=f"defined elsewhere: name it as {project.legacy_name}:Book"):
        exuvia.migrate.install(config)


def walks(self: Any) -> Iterator[int]:
    yield 1


async def waits(self: Any) -> int:
    return 1


async def streams(self: Any) -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("method", [walks, waits, streams])
def test_a_class_with_a_generator_or_async_method_is_refused_by_the_methods_name(
    project: Project, method: Callable[..., Any]
) -> None:
    project.legacy.Book.walk = project.candidate.Book.walk = method
    with pytest.raises(MigrateError, match="method walk is a generator or async"):
        project.install("Book")
    assert project.user.Book is project.legacy.Book


def test_a_class_that_forbids_subclasses_is_observed_and_refused_where_another_would_stand_in(project: Project) -> None:
    def final(cls: type) -> None:
        raise TypeError("a Book is final")

    project.legacy.Book.__init_subclass__ = classmethod(final)
    project.install("Book")
    assert project.user.book() == [1, 2, 2, 2]
    assert project.status("Book").counts["compared"] > 0
    with pytest.raises(MigrateError, match=r"exuvia.toml:4: .*cannot stand in rust.*__init_subclass__ hears"):
        exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert project.user.Book is project.legacy.Book is not project.candidate.Book


def test_methods_are_moved_by_attribute_where_the_splice_was_never_tested(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exuvia.migrate.dispatch.splice.can_splice", lambda: False)
    add = vars(project.legacy.Book)["add"]
    project.install("Book.inner", mode="rust")
    book = type("Special", (project.legacy.Book,), {})()
    book.n = 7
    assert book.inner() == 7
    assert any("never tested" in note for note in project.status("Book.inner").notes)
    exuvia.migrate.uninstall()
    assert project.legacy.Book().inner() == 0
    assert vars(project.legacy.Book)["add"] is add


def test_a_class_that_someone_else_replaced_is_not_fought_over(project: Project) -> None:
    project.install("Book")
    twin = project.legacy.Book
    project.legacy.Book = theirs = type("Book", (), {})
    with pytest.raises(MigrateError, match="replaced by someone else after install"):
        exuvia.migrate.set_mode(project.unit("Book"), "rust")
    assert project.legacy.Book is theirs
    project.legacy.Book = twin


def test_a_closure_that_no_compiler_of_python_made_is_refused_and_left_alone() -> None:
    def enclosing(a: int, b: int) -> Any:
        def spread() -> int:
            return a * 10 + b

        return spread

    spread = enclosing(1, 2)
    cells = dict(zip(spread.__code__.co_freevars, spread.__closure__, strict=True))
    code = spread.__code__.replace(co_freevars=("b", "a"))
    made = types.FunctionType(code, globals(), "spread", None, (cells["b"], cells["a"]))
    before = made()
    with pytest.raises(MigrateError, match=r"cannot be spliced: its free variables \('b', 'a'\) came out as"):
        splice.Splice(made, lambda: 0)
    assert (made.__code__, made()) == (code, before)


def test_a_builtin_whose_signature_is_unknown_is_taken_and_compared(project: Project) -> None:
    project.candidate.decode = max
    project.install("decode")
    assert project.legacy.decode([3, 1]) == 3
    assert project.status("decode").verdict == "PASS"
    assert project.legacy.decode([1, 3]) == 1
    assert project.status("decode").verdict == "FAIL"


def test_only_functions_that_exuvia_compiled_are_trusted_with_the_random_streams() -> None:
    assert leaves_random_alone(aggregate)
    assert leaves_random_alone(functools.partial(functools.partial(aggregate), every="1m"))
    assert not leaves_random_alone(functools.partial(exuvia.migrate.load))
    assert not leaves_random_alone(exuvia.migrate.Comparator)
    assert not leaves_random_alone(functools.partial(max))
