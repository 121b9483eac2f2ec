"""Hooks: called in a thread of their own, tried again, given up in the end, and on record either way."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from desk import Gate, desk, same_surface
from exuvia.migrate import modes as door
from exuvia.migrate.modes import hooks, steps
from exuvia.migrate.modes import journal as modes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exuvia.migrate.config import Config

SEEN: list[dict[str, Any]] = []
THREADS: list[int | None] = []


def remember(event: dict[str, Any]) -> None:
    SEEN.append(event)
    THREADS.append(threading.current_thread().ident)


def raise_always(event: dict[str, Any]) -> None:
    raise RuntimeError(f"no pager for {event['event']}")


def end_program(event: dict[str, Any]) -> None:
    raise SystemExit(f"no pager for {event['event']}")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    SEEN.clear()
    THREADS.clear()
    monkeypatch.setattr(hooks, "BACK_OFF_S", (0.01, 0.02))
    monkeypatch.setattr(hooks, "TIMEOUT_S", 2.0)


@pytest.fixture
def pager() -> Iterator[tuple[str, list[int], list[dict[str, Any]]]]:
    """A server that answers with the codes that it is told, then with 200."""
    codes: list[int] = []
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = codes.pop(0) if codes else 200
            if code == 200:
                got.append(json.loads(body))
            self.send_response(code)
            if code == 302:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/page", codes, got
    server.shutdown()
    server.server_close()
    thread.join()


def record(config: Config) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (config.evidence / hooks.LOG).read_text().splitlines()]


def hooked(folder: Path, *given: str) -> Config:
    config = replace(desk(folder), hooks=given)
    config.evidence.mkdir(exist_ok=True)
    return config


def test_a_python_hook_gets_the_event_in_a_thread_of_its_own(tmp_path: Path) -> None:
    config = hooked(tmp_path, f"py:{__name__}:remember")
    door.quarantine(config, "bot:price", "a call differed")
    assert hooks.flush(10)
    assert [(event["event"], event["unit"], event["cause"]) for event in SEEN] == [
        ("quarantine", "bot:price", "a call differed")
    ]
    assert (SEEN[0]["rehearsal"], SEEN[0]["config"]) == (False, str(config.path))
    (thread,) = THREADS
    assert thread != threading.get_ident()
    assert not [each for each in threading.enumerate() if each.ident == thread], "nobody who joins all threads meets it"


def test_a_command_gets_json_on_its_input_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "got.json"
    code = f"import sys, pathlib; pathlib.Path({str(out)!r}).write_text(sys.stdin.read() + repr(sys.argv[1:]))"
    config = hooked(tmp_path, f'cmd:{sys.executable} -c "{code}" "a;b" $HOME')
    hooks.call(config, {"event": "rollback", "unit": "*"})
    assert hooks.flush(30)
    assert '"event": "rollback"' in out.read_text()
    assert out.read_text().endswith("['a;b', '$HOME']")


def test_a_url_is_tried_again_and_never_followed_elsewhere(
    tmp_path: Path, pager: tuple[str, list[int], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    url, codes, got = pager
    codes += [503, 302]
    config = hooked(tmp_path, url)
    hooks.call(config, {"event": "fail", "unit": "bot:price"})
    assert hooks.flush(30)
    assert [event["event"] for event in got] == ["fail"]
    assert [(line["ok"], line["tries"]) for line in record(config)] == [(True, 3)]


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (f"py:{__name__}:raise_always", "no pager for expiry"),
        (f"py:{__name__}:end_program", "SystemExit: no pager for expiry"),
        ("py:nowhere_to_be_found:x", "No module named"),
        (f"cmd:{sys.executable} -c 'raise SystemExit(4)'", "exit code 4"),
        ("cmd:/no/such/command", "No such file"),
        ("http://127.0.0.1:1/nobody", "refused"),
    ],
)
def test_a_hook_that_fails_is_given_up_and_on_record(
    tmp_path: Path, hook: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    config = hooked(tmp_path, hook)
    hooks.call(config, {"event": "expiry", "unit": "bot:price"})
    assert hooks.flush(30)
    (line,) = record(config)
    assert (line["ok"], line["tries"], words in line["error"]) == (False, 3, True), line
    assert stat.S_IMODE((config.evidence / hooks.LOG).stat().st_mode) == 0o600
    assert "failed 3 times" in capfd.readouterr().err


def test_a_hook_that_hangs_keeps_nobody_waiting_and_the_queue_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(hooks, "TRIES", 1)
    monkeypatch.setattr(hooks, "WAITING", 4)
    monkeypatch.setattr(hooks, "_current", None)
    config = hooked(tmp_path, f"cmd:{sys.executable} -c 'import time; time.sleep(60)'")
    began = time.monotonic()
    for number in range(10):
        hooks.call(config, {"event": "fail", "unit": str(number)})
    assert time.monotonic() - began < 0.25
    assert hooks.flush(30)
    errors = [line["error"] for line in record(config)]
    assert sum("4 events wait already" in error for error in errors) >= 5
    assert sum("timed out" in error for error in errors) >= 4


def test_a_hook_that_ends_programs_keeps_no_other_from_being_called(tmp_path: Path) -> None:
    config = hooked(tmp_path, f"py:{__name__}:end_program", f"py:{__name__}:remember")
    for event in ("fail", "rollback"):
        hooks.call(config, {"event": event})
    assert hooks.flush(30)
    assert [event["event"] for event in SEEN] == ["fail", "rollback"]
    assert [line["ok"] for line in record(config)] == [False, True, False, True]


def test_who_waits_for_hooks_in_vain_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hooks, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(hooks, "TRIES", 1)
    monkeypatch.setattr(hooks, "_current", None)
    hooks.call(hooked(tmp_path, f"cmd:{sys.executable} -c 'import time; time.sleep(60)'"), {"event": "fail"})
    hooks.finish(0.05)
    assert "not every hook has answered in 0.05 s: see hooks.log" in capsys.readouterr().err
    hooks.finish(30)
    assert "not every hook" not in capsys.readouterr().err


def test_without_hooks_no_thread_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_current", None)
    hooks.call(desk(tmp_path), {"event": "fail"})
    assert hooks.flush(0)
    assert hooks._current is None


def test_a_full_disk_and_a_value_that_is_no_json_raise_nothing(tmp_path: Path) -> None:
    config = hooked(tmp_path, f"py:{__name__}:remember")
    shutil.rmtree(config.evidence)
    config.evidence.write_text("a file where the folder should be")
    hooks.call(config, {"event": "fail", "what": object()})
    assert hooks.flush(10)
    assert len(SEEN) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_forked_child_has_a_queue_of_its_own(tmp_path: Path) -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(tmp_path)!r})
from dataclasses import replace
from exuvia.migrate.config import load
from exuvia.migrate.modes import hooks
config = replace(load({str(tmp_path / "exuvia.toml")!r}), hooks=("cmd:true",))
config.evidence.mkdir(exist_ok=True)
hooks.call(config, {{"event": "parent"}})
assert hooks.flush(10)
child = os.fork()
if not child:
    hooks.call(config, {{"event": "child"}})
    os._exit(0 if hooks.flush(10) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    config = hooked(tmp_path)
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert [line["event"]["event"] for line in record(config)] == ["parent", "child"]


def test_a_refused_step_that_fails_is_told(tmp_path: Path) -> None:
    config = hooked(tmp_path, f"py:{__name__}:remember")
    before = (config.evidence / modes.JOURNAL).read_bytes()
    (outcome,) = steps.promote(config, ["bot:price"], "canary", "x", judge=Gate("FAIL"), surface=same_surface)
    assert outcome.verdict == "FAIL"
    assert hooks.flush(10)
    assert [(event["event"], event["to"]) for event in SEEN] == [("fail", "canary")]
    assert (config.evidence / modes.JOURNAL).read_bytes() == before
