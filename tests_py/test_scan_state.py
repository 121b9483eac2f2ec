"""A state file is the text that `json` would write, and what cannot be read says where."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import pytest
from exuvia.errors import StateError, StateMissingError
from exuvia.scan import dumps_state, load_state, save_state
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
leaves = st.none() | st.booleans() | st.integers() | st.integers(-(10**40), 10**40) | text
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4), max_leaves=30
)
states = st.dictionaries(text, values, max_size=5).map(lambda state: {**state, "version": 1})


def plain(state: Any) -> bytes:
    return (json.dumps(state, sort_keys=True, indent=2) + "\n").encode()


@settings(max_examples=500, deadline=None)
@given(values)
def test_the_bytes_are_those_of_json(value: Any) -> None:
    assert dumps_state(value) == plain(value)


@settings(max_examples=100, deadline=None)
@given(state=states)
def test_a_state_survives_its_file(tmp_path_factory: pytest.TempPathFactory, state: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("state") / "state.json"
    save_state(path, state)
    assert path.read_bytes() == plain(state)
    assert load_state(path) == state
    assert [entry.name for entry in path.parent.iterdir()] == ["state.json"]


@settings(max_examples=100, deadline=None)
@given(state=states, indent=st.sampled_from([None, 1, 4]), ascii_only=st.booleans())
def test_what_another_json_writer_wrote_is_read(
    tmp_path_factory: pytest.TempPathFactory, state: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("state") / "state.json"
    path.write_text(json.dumps(state, indent=indent, ensure_ascii=ascii_only), encoding="utf-8")
    assert load_state(str(path)) == state


def test_special_letters_and_int_enums_are_written_as_json_writes_them() -> None:
    class Level(IntEnum):
        HIGH = 2**70

    state = {"é": '\x00\x1f\x7f\x80\u2028\U0001f40d"\\/\b\f\n\r\t', "level": Level.HIGH, "pair": (1, True), "": {}}
    assert dumps_state(state) == plain(state)


@pytest.mark.parametrize(
    ("state", "where"),
    [
        ({"a": {"b": [1, 1.5]}}, r"state\.a\.b\[1\] is 1\.5, a float"),
        ({"cost": Decimal("1.0")}, r"state\.cost is Decimal\('1\.0'\), a Decimal.*as str"),
        ({"a": {3: "x"}}, r"state\.a has the key 3"),
        ({"a": "\ud800"}, r"state\.a holds text with half a surrogate pair"),
        ({"a": {1, 2}}, r"state\.a is \{1, 2\}, a set"),
    ],
)
def test_what_a_state_cannot_hold_is_named_with_its_place(state: Any, where: str) -> None:
    with pytest.raises(StateError, match=where):
        dumps_state(state)


def test_a_state_that_holds_itself_is_refused() -> None:
    state: dict[str, Any] = {"version": 1}
    state["self"] = state
    with pytest.raises(StateError, match="does it hold itself"):
        dumps_state(state)


@pytest.mark.parametrize("state", [{}, {"version": 2}, {"version": "1"}, {"version": True}])
def test_a_state_is_not_saved_without_its_version(tmp_path: Path, state: dict[str, Any]) -> None:
    with pytest.raises(StateError, match='needs "version": 1'):
        save_state(tmp_path / "state.json", state)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b'{"version": 1,\n "a": }', r"not JSON: expected value at line 2 column 7"),
        (b'{"version": 1', r"not JSON: EOF while parsing an object at line 1 column 13"),
        (b'{"version": 1} x', r"not JSON: trailing characters at line 1 column 16"),
        (b"[1]", "the top is not an object"),
        (b"{}", r'there is no "version"'),
        (b'{"version": "1"}', r'"version" is not an integer'),
        (b'{"version": 0}', r"no version 0 was ever written"),
        (b'{"version": 1, "a": [1.5]}', r"state\.a\[0\] is the float 1\.5"),
        (b'{"version": 1, "a": "\\ud800"}', r"state\.a: .*hex escape"),
        (b'{"version": 1, "a": "\xff"}', r"not JSON"),
        (b'{"version": 1, "a": NaN}', r"not JSON: expected value at line 1 column 21"),
        (b'{"version": 1, "a": ' + b"[" * 200 + b"]" * 200 + b"}", "nested deeper than 100|recursion limit"),
    ],
)
def test_a_file_that_is_no_state_says_what_and_where(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(StateError, match=message) as caught:
        load_state(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("version", [2, 10**30])
def test_a_newer_state_is_refused_with_a_sentence(tmp_path: Path, version: int) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": version}), encoding="utf-8")
    with pytest.raises(StateError, match=f"version {version} is newer than 1, which this build reads"):
        load_state(path)


def test_a_missing_state_is_a_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_state(tmp_path / "state.json")
    with pytest.raises(StateMissingError):
        load_state(tmp_path / "state.json")


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    save_state(path, {"version": 1, "n": 1})
    with pytest.raises(StateError):
        save_state(path, {"version": 1, "n": 1.5})
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match=r"cannot write \S+/folder: Is a directory"):
        save_state(tmp_path / "folder", {"version": 1})
    save_state(tmp_path / "new" / "state.json", {"version": 1})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "new", "state.json"]
    assert load_state(path) == {"version": 1, "n": 1}
