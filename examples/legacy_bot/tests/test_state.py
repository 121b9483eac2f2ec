import os
from pathlib import Path
from typing import Any

import pytest
from legacy_bot.state import StateError, load_state, save_state

STATE: dict[str, Any] = {"version": 1, "ts": 3, "b": {"z": None, "a": [True, "x"]}}
TEXT = """{
  "b": {
    "a": [
      true,
      "x"
    ],
    "z": null
  },
  "ts": 3,
  "version": 1
}
"""


def test_a_state_is_written_with_sorted_keys_and_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    save_state(path, STATE)
    assert path.read_text() == TEXT
    assert load_state(path) == STATE
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"version": 2}, "version is 2"),
        ({}, "version is None"),
        ({"version": 1, "a": {"b": [1, 0.5]}}, r"state\.a\.b\[1\]: 0\.5 is a float"),
    ],
)
def test_what_is_no_state_is_not_written(tmp_path: Path, state: dict[str, Any], message: str) -> None:
    path = tmp_path / "state.json"
    save_state(path, STATE)
    with pytest.raises(StateError, match=message):
        save_state(path, state)
    assert path.read_text() == TEXT


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"ts": 1}', "\udcff"])
def test_what_is_no_state_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(os.fsencode(text))
    with pytest.raises(StateError, match=r"state\.json"):
        load_state(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "state.json")
