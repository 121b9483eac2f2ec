"""The worker: a process of the same interpreter that runs candidates and compares, and has nothing installed.

It is split off by its keeper, with two pipes, a page that it shares with the program and a file for the trace of a
crash. It becomes the like of its parent as `multiprocessing` does on spawn: path, arguments, and the main module if
something in it is needed. It ends when its keeper ends, when the pipe ends, or when it is killed.
"""

from __future__ import annotations

import ast
import contextlib
import faulthandler
import importlib
import importlib.util
import inspect
import mmap
import runpy
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exuvia.errors import MigrateError
from exuvia.migrate.dispatch import finding
from exuvia.migrate.own import marshal, os, pickle, signal, threading, time
from exuvia.migrate.shadow import fence, inside, protocol
from exuvia.migrate.shadow.packing import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exuvia.migrate.shadow.protocol import Answer, Hello, Side
    from exuvia.migrate.shadow.trial import Trial

__all__ = ["main"]

FLUSH_NS = 20_000_000
PR_SET_PDEATHSIG = 1


def main(page: int, keeper: int, folder: str) -> None:
    """Serve until the pipe ends; this process ends with it, and runs nothing that was left for its exit.

    Args:
        page: Descriptor of the page that program and worker share.
        keeper: Process id of the keeper, which is this one's parent.
        folder: The only folder in which anything may be written, empty for none.
    """
    code = 1
    try:
        _serve(page, keeper, folder)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        with contextlib.suppress(Exception):
            sys.stderr.flush()
    finally:
        fence.leave(code)


def _serve(page: int, keeper: int, folder: str) -> None:
    _die_with(keeper)
    inside.mark()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A Ctrl-C or a terminate goes to the whole group: the parent decides when this ends.
        signal.signal(number, signal.SIG_IGN)
    commands, answers = os.dup(0), os.dup(1)
    mapped = mmap.mmap(page, protocol.PAGE_BYTES)
    os.close(page)
    first = _frame(commands)
    if first is None:
        return
    hello: Hello = pickle.loads(first)
    _silence()
    # From here on the program's modules may be loaded: what they do to its files, it has done itself.
    around = fence.put_up(folder)
    worker = _Worker(hello, mapped, around)
    worker.serve(commands, answers)


def _frame(descriptor: int) -> bytes | None:
    head = _exactly(descriptor, protocol.LENGTH.size)
    return None if head is None else _exactly(descriptor, protocol.LENGTH.unpack(head)[0])


def _exactly(descriptor: int, size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _die_with(parent: int) -> None:
    """Be killed when the parent dies; on systems without that, look after it each second."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(0)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(0)


def _silence() -> None:
    """Keep the trace of a crash for the parent; all else that is printed here goes nowhere."""
    trace = os.dup(2)
    faulthandler.enable(trace)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Worker:
    """The serving loop and what it holds.

    Args:
        hello: What the parent said first.
        page: The page.
        around: The fence around this process.
    """

    def __init__(self, hello: Hello, page: mmap.mmap, around: fence.Fence) -> None:
        self.hello, self.page, self.around = hello, page, around
        self.sides = list(hello.sides)
        self.trials: dict[int, Trial | str] = {}
        self.count = 0
        self.resident = 0
        self.largest = 0
        self.main_tried = False
        # The program's own path comes before ours: exuvia is loaded already.
        sys.path[:] = hello.path
        sys.argv[:] = hello.argv

    def serve(self, commands: int, answers: int) -> None:
        """Answer frame after frame.

        Args:
            commands: Where samples come from.
            answers: Where answers go.
        """
        while (frame := _frame(commands)) is not None:
            for batch in self._answers(marshal.loads(frame)):
                data = marshal.dumps(batch)
                _write(answers, protocol.LENGTH.pack(len(data)) + data)

    def _answers(self, samples: list[Any]) -> Iterator[list[Answer]]:
        batch: list[Answer] = []
        since = time.monotonic_ns()
        for sample in samples:
            if sample[0] == protocol.SIDE:
                self.sides.append(pickle.loads(sample[4]))
                batch.append((0, 0, "", None, None, None))
                self.count += 1
                continue
            trial = self._trial(sample[1])
            now = time.monotonic_ns()
            self._note(now, protocol.RUNNING)
            batch.append(self._told({"off": trial} if isinstance(trial, str) else trial.run(sample), sample[1]))
            self.count += 1
            self._note(now, protocol.IDLE)
            if now - since > FLUSH_NS:
                yield batch
                batch, since = [], now
        if batch:
            yield batch

    def _told(self, answer: Answer, unit: int) -> Answer:
        """Say with an answer what was refused or led elsewhere since the last one."""
        acts = self.around.news()
        if not acts:
            return answer
        called = [text for text, called in acts if called]
        if called and self.sides[unit].reverse:
            # Legacy ran here, without what it reaches in the program: that says nothing of the candidate.
            answer = {"lost": f"legacy is not pure: in the worker {called[0]}", "work_ns": 0}
        return {"acts": acts, "answer": answer}

    def _note(self, now: int, doing: int) -> None:
        protocol.PAGE.pack_into(self.page, 0, self.count, now, doing, self.resident)

    def _trial(self, unit: int) -> Trial | str:
        """A unit's trial; its candidate is imported at its first sample."""
        known = self.trials.get(unit)
        if known is not None:
            return known
        self._note(time.monotonic_ns(), protocol.LOADING)
        side = self.sides[unit]
        made: Trial | str
        try:
            from exuvia.migrate.shadow.trial import Trial  # noqa: PLC0415 - loads the extension

            made = Trial(side, self._resolve(side), self.load)
        except BaseException as error:
            made = reason(f"{side.runs} cannot be loaded in the worker", error)
        self.trials[unit] = made
        self._limit(side)
        return made

    def _resolve(self, side: Side) -> Any:
        module, _, qualname = side.runs.partition(":")
        if module == "__main__":
            self._load_main()
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            as_it_stands = side.reverse and isinstance(found, type)
            found = inspect.getattr_static(found, part) if as_it_stands else getattr(found, part)
        if not side.reverse or side.is_class:
            return found
        # What stands around legacy's function in the program stood around the candidate as it served.
        own = qualname.removesuffix(".fget").removesuffix(".fset").removesuffix(".fdel")
        function = finding.inner(found, "__mp_main__" if module == "__main__" else module, own)
        return function or getattr(found, "__func__", found)

    def _limit(self, side: Side) -> None:
        """Bound the address space: what is mapped now, and the most that a unit here may use above it."""
        self.largest = max(self.largest, side.memory)
        with contextlib.suppress(ImportError, OSError, ValueError):
            import resource  # noqa: PLC0415 - not on every system

            pages = [int(word) for word in Path("/proc/self/statm").read_text().split()]
            size = resource.getpagesize()
            self.resident = pages[1] * size
            if self.hello.limit:
                _, hard = resource.getrlimit(resource.RLIMIT_AS)
                resource.setrlimit(resource.RLIMIT_AS, (pages[0] * size + self.largest, hard))

    def load(self, data: bytes) -> Any:
        """Unpickle what the program pickled; a class of its main module has that loaded first.

        Args:
            data: The bytes.
        """
        try:
            return pickle.loads(data)
        except AttributeError as error:
            if self.main_tried or "__main__" not in str(error):
                raise
            self._load_main()
            return pickle.loads(data)

    def _load_main(self) -> None:
        """Run the program's main module under the name `__mp_main__`, as multiprocessing does on spawn.

        Only if that starts nothing: it needs the guard `if __name__ == "__main__"`.
        """
        if self.main_tried:
            return
        self.main_tried = True
        if self.hello.main is None:
            raise MigrateError("what is defined at a prompt or in a notebook is unknown to the worker: use a module")
        how, what = self.hello.main
        if how == "name":
            spec = importlib.util.find_spec(what)
            path = spec.origin if spec is not None else None
        else:
            path = what
        _refuse_unguarded(path)
        made = types.ModuleType("__mp_main__")
        if how == "name":
            content = runpy.run_module(what, run_name="__mp_main__", alter_sys=True)
        else:
            content = runpy.run_path(what, run_name="__mp_main__")
        made.__dict__.update(content)
        sys.modules["__main__"] = sys.modules["__mp_main__"] = made


def _refuse_unguarded(path: str | None) -> None:
    """Refuse a main module that would run the program again."""
    if path is None or not Path(path).is_file():
        raise MigrateError(f"the program's main module {path!r} cannot be read: define it in a module")
    for statement in ast.parse(Path(path).read_bytes()).body:
        if isinstance(statement, ast.If) and "__name__" in ast.dump(statement.test):
            return
    raise MigrateError(
        f"{path} has no `if __name__ == '__main__':`, so loading it here would run the program again: "
        "add the guard, or move what is compared to a module"
    )


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
