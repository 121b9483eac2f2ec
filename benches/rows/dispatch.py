"""What a call costs that goes through the moult, beside a plain wrapper, wrapt and the `laboratory` package."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import laboratory
import wrapt
from exuvia._exuvia import ControlPage
from exuvia.migrate import Switch
from exuvia.migrate.dispatch import canary, page
from exuvia.migrate.dispatch.splice import Splice, legacy_copy

from rows import Job, row

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 20_000
NOTE = "What a form adds is its time less that of the limit; every switch reads a slot of a mapped control page."


def attached(switch: Switch, mode: str) -> Switch:
    """A switch that reads a control page at every call, as an installed one does."""
    control = page.Page(Path(tempfile.mkdtemp()))
    with control.locked():
        at = control.take([page.digest("bench:unit")])[page.digest("bench:unit")]
        control.write({at: (mode, 1)})
    assert switch.attach(ControlPage(control.mapped), "bench:unit")
    switch.set_mode(mode)
    return switch


def spliced(function: Any, switch: Switch) -> Any:
    """The function, with its code exchanged."""
    Splice(function, switch.callable).apply()
    return function


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A plain Python wrapper."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@wrapt.decorator
def through(called: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    """Wrapt's decorator."""
    return called(*args, **kwargs)


class Off(laboratory.Experiment):
    """An experiment that is switched off."""

    def enabled(self) -> bool:
        return False


def experiment(kind: Any, function: Any, candidate: Any) -> Any:
    """The `laboratory` package around a function."""

    def called(*args: Any, **kwargs: Any) -> Any:
        made = kind()
        made.control(function, args=args, kwargs=kwargs)
        made.candidate(candidate, args=args, kwargs=kwargs)
        return made.conduct(randomize=False)

    return called


def driven(call: Any) -> Callable[[], Any]:
    """Calls a function of one argument often."""
    values = [float(-number) for number in range(CALLS)]

    def drive() -> Any:
        result = None
        for value in values:
            result = call(value)
        return result

    return drive


def job(exuvia: Any, direct: Any, more: dict[str, Any] | None = None) -> Job:
    """The arms around one function."""
    calls = {"exuvia": exuvia, **(more or {}), "plain wrapper": wrapped(direct), "wrapt": through(direct)}
    calls["laboratory, switched off"] = experiment(Off, direct, direct)
    calls["laboratory, on"] = experiment(laboratory.Experiment, direct, direct)
    calls["limit: called directly"] = direct

    def check(results: dict[str, Any]) -> None:
        assert len({repr(result) for result in results.values()}) == 1, results

    arms = {name: driven(call) for name, call in calls.items()}
    return Job(arms, check, limits=["limit: called directly"], per=CALLS)


@row("A C function that passes through, object form", goal="at most 20 ns added", threaded=False, notes=(NOTE,))
def passes_object() -> Job:
    """Mode rust; both sides are CPython's own `abs`."""
    return job(attached(Switch(abs, abs, abs), "rust").callable, abs)


@row("A Python function that passes through, spliced", goal="at most 50 ns added", threaded=False, notes=(NOTE,))
def passes_spliced() -> Job:
    """Mode rust; both sides are the same Python function."""

    def direct(x: float) -> float:
        return x

    def swapped(x: float) -> float:
        return x

    return job(spliced(swapped, attached(Switch(legacy_copy(swapped), direct, direct), "rust")), direct)


@row("A method that passes through", goal="at most 35 ns added", threaded=False, notes=(NOTE,))
def passes_method() -> Job:
    """A method in object form and spliced; both sides are the same Python function."""

    def same(_self: Any, x: float) -> float:
        return x

    class Spliced:
        def method(self, x: float) -> float:
            return x

    class Direct:
        method = same

    switch = attached(Switch(same, same, same), "rust")
    held = type("Held", (), {"method": switch.callable})
    spliced(Spliced.method, attached(Switch(legacy_copy(Spliced.method), same, same), "rust"))

    def by_name(owner: Any) -> Callable[[], Any]:
        def drive() -> Any:
            result = None
            for number in range(CALLS):
                result = owner.method(number)
            return result

        return drive

    wrapper = type("Wrapper", (), {"method": wrapped(same)})
    other = type("Other", (), {"method": through(same)})
    arms = {
        "exuvia": by_name(held()),
        "exuvia, spliced": by_name(Spliced()),
        "plain wrapper": by_name(wrapper()),
        "wrapt": by_name(other()),
        "limit: called directly": by_name(Direct()),
    }

    def check(results: dict[str, Any]) -> None:
        assert set(results.values()) == {CALLS - 1}

    return Job(arms, check, limits=["limit: called directly", "exuvia, spliced"], per=CALLS)


@row("A call that a canary decides", goal="at most 80 ns added", threaded=False, notes=(NOTE,))
def decided() -> Job:
    """A sticky key of text out of the arguments, half of the share; with caps a day beside it."""

    def direct(account: str) -> str:
        return account

    def made(**caps: int) -> Any:
        switch = Switch(direct, direct, direct)
        switch.set_canary(canary.place("$args.account", direct), 0.5, bytes(range(16)), **caps)
        return attached(switch, "canary").callable

    accounts = [f"ACC-{number}" for number in range(CALLS)]
    # The first look at a text's UTF-8 is CPython's, and kept.
    assert all(account.encode() for account in accounts)

    def over(call: Any) -> Callable[[], Any]:
        def drive() -> Any:
            result = None
            for account in accounts:
                result = call(account)
            return result

        return drive

    arms = {
        "exuvia": over(made()),
        "exuvia, with caps on calls": over(made(calls=1 << 50)),
        "plain wrapper": over(wrapped(direct)),
        "limit: called directly": over(direct),
    }

    def check(results: dict[str, Any]) -> None:
        assert set(results.values()) == {accounts[-1]}

    return Job(arms, check, limits=["limit: called directly", "exuvia, with caps on calls"], per=CALLS)


@row("A call in shadow that is not sampled", goal="at most 30 ns added", threaded=False, notes=(NOTE,))
def unsampled() -> Job:
    """Object form; no call is sampled."""
    switch = attached(Switch(abs, abs, abs), "shadow")
    switch.set_sampling(0.0)
    return job(switch.callable, abs)


SAMPLED = """
import os, pathlib, sys, tempfile, time
how = sys.argv[1]
from exuvia.migrate import install, runtime, status, uninstall
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
folder = pathlib.Path(tempfile.mkdtemp())
for module in ("bench_legacy", "bench_candidate"):
    (folder / f"{module}.py").write_text("def copied(order):\\n    return dict(order)\\n")
text = '[exuvia]\\nrehearsal = true\\n[unit."bench_legacy:copied"]\\ncandidate = "bench_candidate:copied"\\n'
(folder / "exuvia.toml").write_text(text + 'effect = "pure"\\nmode = "shadow"\\n')
(folder / "exuvia.toml").chmod(0o600)
sys.path.insert(0, str(folder))
from bench_legacy import copied
order = {f"field_{number}": (number * 1.5, number, f"text {number}")[number % 3] for number in range(20)}
observed = how == "sampled"
if observed:
    install(folder / "exuvia.toml")
took = []
for _ in range(21):
    started = time.thread_time_ns()
    for _ in range(100):
        answer = copied(order)
    took.append(time.thread_time_ns() - started)
    if observed:
        # The queue has room for a batch: the worker is waited for outside of what is timed.
        runtime._current.courier.flush(30)
assert answer == order and answer is not order
if observed:
    assert status()[0].counts["compared"] == 2100, status()
    uninstall()
print(sorted(took[1:])[10] / 1e9)
"""


@row(
    "A call in shadow that is sampled, a dict of 20 fields",
    goal="at most 15 µs added",
    threaded=False,
    notes=(
        "CPU time of the thread that calls: it pickles the argument, weighs it, runs legacy and pickles the result; "
        "comparing is the worker's. The median of 20 batches of 100 calls, in fresh processes.",
    ),
)
def sampled() -> Job:
    """A function that copies a dict of floats, integers and texts."""

    def of(how: str) -> Callable[[], float]:
        def run() -> float:
            command = [sys.executable, "-c", SAMPLED, how]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            return float(done.stdout.split()[0])

        return run

    def check(results: dict[str, Any]) -> None:
        assert all(took > 0 for took in results.values())

    arms = {"exuvia": of("sampled"), "limit: called directly": of("direct")}
    return Job(arms, check, limits=["limit: called directly"], per=100, timed=True)


MOVED = """
import importlib, os, pathlib, sys, tempfile, time
how = sys.argv[1]
if how != "import":
    from exuvia.migrate import binary, install, load, runtime, uninstall
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
folder = pathlib.Path(tempfile.mkdtemp())
names = [f"f{number}" for number in range(50)]
for module in ("bench_legacy", "bench_shim"):
    (folder / f"{module}.py").write_text("\\n".join(f"def {name}(x, y=2):\\n    return x + y\\n" for name in names))
unit = '[unit."bench_legacy:{0}"]\\ncandidate = "bench_shim:{0}"\\neffect = "pure"\\nmode = "rust"\\n'
text = "[exuvia]\\nrehearsal = true\\n" + "".join(map(unit.format, names))
(folder / "exuvia.toml").write_text(text)
(folder / "exuvia.toml").chmod(0o600)
sys.path.insert(0, str(folder))
legacy = importlib.import_module("bench_legacy")
config = folder / "exuvia.toml"
if how != "import":
    config = load(config)
if how == "again":
    install(config)
    uninstall()
    for path in (folder / "evidence").iterdir():
        path.unlink()
start, busy = time.perf_counter(), time.process_time()
if how == "import":
    from exuvia.migrate import binary, install, uninstall
states = install(config)
took = [time.perf_counter() - start, time.process_time() - busy]
if how == "verify":
    start, busy = time.perf_counter(), time.process_time()
    assert binary.verify() is None
    took = [time.perf_counter() - start, time.process_time() - busy]
assert [state.mode for state in states] == ["rust"] * 50 and legacy.f1(1) == 3
uninstall()
print(*took)
"""
WALL, BUSY = 0, 1


@row(
    "Install of 50 units",
    goal="under 15 ms, wall and CPU time",
    threaded=False,
    notes=(
        "The first install of a process, in fresh processes, with everything imported and no evidence on record.",
        "It takes the SHA-256 of the extension from the wheel's RECORD; the poller hashes the file afterwards, in the "
        "background: that is an arm of its own.",
    ),
)
def install() -> Job:
    """50 functions of one module, which is imported, go into mode rust."""

    def once(how: str, clock: int) -> Callable[[], float]:
        def run() -> float:
            done = subprocess.run([sys.executable, "-c", MOVED, how], check=True, stdout=subprocess.PIPE, text=True)
            return float(done.stdout.split()[clock])

        return run

    def check(results: dict[str, Any]) -> None:
        assert all(took > 0 for took in results.values())

    arms = {
        "exuvia": once("first", WALL),
        "exuvia, CPU time": once("first", BUSY),
        "limit: once more in the same process, CPU time": once("again", BUSY),
        "limit: with the import and the reading of the configuration": once("import", WALL),
        "limit: the digest that the poller verifies afterwards, CPU time": once("verify", BUSY),
    }
    limits = [name for name in arms if name != "exuvia"]
    return Job(arms, check, limits=limits, timed=True)
