"""`exuvia scaffold`: a thin shim with the names, signatures, annotations and docstrings of a legacy module.

Until its bodies are replaced it calls legacy, so legacy's own tests pass over it from the first minute. More names
of the module go into the shim that is there, beside what its user has written by then.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from exuvia.errors import MigrateError
from exuvia.migrate.workbench import adding
from exuvia.migrate.workbench.adding import wrapped
from exuvia.migrate.worth.source import find_unit, parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exuvia.migrate.workbench.adding import There

__all__ = ["MARK", "Shim", "moves", "scaffold"]

MARK = "# Written by `exuvia scaffold`; `exuvia eject` removes this file."
"""The first line of a shim, by which it is told from a source that its user wrote."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Shim:
    """A shim that is about to be written.

    Attributes:
        module: The legacy module.
        text: The shim's source.
        names: What it defines; of a shim that was there, what is new in it.
        notes: What was left to legacy, and why.
        there: Names that the file had already, with their lines: they stay as they are.
    """

    module: str
    text: str = ""
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    there: dict[str, int] = field(default_factory=dict)


def scaffold(units: Sequence[str], roots: Sequence[Path | str] | None = None, into: Path | None = None) -> Shim:
    """Write the shim of units of one module.

    Args:
        units: Functions and classes, `package.module:name`; or a whole module, for all that is public in it.
        roots: Folders to look in, else `sys.path`.
        into: A shim of this module that is there: what it lacks is added, and each of its bytes stays.

    Raises:
        MigrateError: If a unit is not there, is compiled, or they are of two modules; if the shim that is there has
            all of them already, or is none of this module.
    """
    modules = {unit.partition(":")[0] for unit in units}
    if len(modules) != 1:
        raise MigrateError(f"a shim is for one module, these are of {len(modules)}: {', '.join(sorted(modules))}")
    module = modules.pop()
    whole = find_unit(module, roots)
    if whole.path is None or whole.compiled:
        raise MigrateError(f"{module} is compiled: a shim is for a module that is written in Python")
    tree = parse(whole.path)
    assert tree is not None  # noqa: S101 - find_unit has parsed it
    wanted: list[str] = []
    for unit in units:
        qualname = unit.partition(":")[2]
        find_unit(unit, roots)
        if "." in qualname:
            _refuse_held(unit, find_unit(unit.rpartition(".")[0], roots).node)
        # The shim of a method is that of its class.
        wanted += [qualname.partition(".")[0]] if qualname else _public(tree)
    names, is_package = list(dict.fromkeys(wanted)), whole.path.name == "__init__.py"
    if into is None:
        return _Writer(module, tree, names, is_package).shim()
    there = adding.look(into, module)
    known = {name: there.bound[name].line for name in names if name in there.bound}
    new = [name for name in names if name not in known]
    if not new:
        had = ", ".join(f"{name} (line {line})" for name, line in known.items())
        raise MigrateError(
            f"{into} has {had or 'all that is public'} already, and nothing was changed: write the body there; "
            "--force writes the whole file anew, without what is in it now"
        )
    if there.unknown:
        line, text = there.unknown[0]
        raise MigrateError(
            f"{into}:{line} `{text}` may give the file {', '.join(new)} already, which only running it would tell, and "
            "what stands there must not be replaced: name there what it takes, or write this shim elsewhere, with "
            "-o FILE; nothing was changed"
        )
    made = _Writer(module, tree, new, is_package, there).shim()
    made.there = known
    return made


def _refuse_held(unit: str, owner: ast.AST | None) -> None:
    """Refuse a method of a class that a shim can only pass on: its candidate would be legacy itself."""
    if isinstance(owner, ast.ClassDef) and not moves(owner):
        name = unit.rpartition(".")[2]
        raise MigrateError(
            f"{unit}: {owner.name} is decorated, a record, an exception or an enum, whose shim would be legacy's own "
            f"class: write the candidate by hand, a function of yours that takes the object first, def {name}(self, …)"
        )


def _public(tree: ast.Module) -> list[str]:
    return [
        node.name
        for node in tree.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_")
    ]


class _Writer:
    """Writes one shim."""

    def __init__(
        self, module: str, tree: ast.Module, wanted: list[str], is_package: bool, there: There | None = None
    ) -> None:
        self.module, self.tree, self.wanted, self.is_package = module, tree, wanted, is_package
        self.there = there
        self.alias = "_legacy" if there is None else there.alias(module) or there.free("_legacy")
        self.needed: set[str] = set()
        self.defaults: set[str] = set()
        self.made = Shim(module, names=wanted)
        self.any = self.cast = self.original = False
        self.held: set[str] = set()
        self.subclassed: set[str] = set()

    def shim(self) -> Shim:
        bodies: list[str] = []
        nodes = {
            node.name: node
            for node in self.tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        for name in self.wanted:
            node = nodes.get(name)
            if node is None:
                raise MigrateError(f"{self.module}:{name} is not defined at the top of its module")
            if (isinstance(node, ast.ClassDef) and not moves(node)) or (_is_function(node) and _special(node)):
                self.held.add(name)
        # All that may move, now or later: a shim that grows must not have the name of such a class taken by an import.
        self.subclassed = {name for name, node in nodes.items() if isinstance(node, ast.ClassDef) and moves(node)}
        taken = (set(self.wanted) - self.held) & set(self.there.typed if self.there is not None else ())
        if self.there is not None and taken:
            name = min(taken)
            line, home = self.there.typed[name]
            what = f"imports {name} of {self.module} for annotations"
            if home != f"{self.module}:{name}":
                what = f"has {name} for type checkers alone"
            raise MigrateError(
                f"{self.there.path}:{line} {what}, and its shim needs that name: annotate with {self.alias}.{name} and "
                "take that out, or write this shim elsewhere, with -o FILE"
            )
        for name in [name for name in self.wanted if name not in self.held]:
            node = nodes[name]
            bodies += self._class(node) if isinstance(node, ast.ClassDef) else self._function(node)
        if self.held:
            self.made.notes.append(f"legacy's own objects: {', '.join(sorted(self.held))}")
        if self.there is not None:
            self.made.text = self._added(self.there, _spaced(bodies).strip("\n").split("\n") if bodies else [])
        else:
            self.made.text = _spaced([*self._head(), *bodies])
        return self.made

    def _added(self, there: There, bodies: list[str]) -> str:
        """The shim that is there with more in it: its imports are looked through for what the new names need."""
        for_types, at_run = self._imports()
        if not there.reads_annotations_late:
            for_types, at_run = [], sorted({*for_types, *at_run})
        own = {*self._constants(), *(getattr(node, "name", "") for node in self.tree.body)}
        passed = sorted({*self.held, *(self.needed & set(self._constants()))})
        at_run += [f"from {self.module} import {name} as {name}" for name in passed]
        if self.original:
            at_run.insert(0, "from exuvia.migrate import original")
        if there.alias(self.module) is None:
            at_run.insert(0, f"import {self.module} as {self.alias}")
        for_types = there.missing(for_types, own, at_run=False)
        used = (("Any", self.any), ("TYPE_CHECKING", bool(for_types)), ("cast", self.cast))
        at_run = [f"from typing import {name}" for name, is_used in used if is_used] + at_run
        return there.with_more(there.missing(at_run, own, at_run=True), for_types, sorted(self.wanted), bodies)

    def _head(self) -> list[str]:
        typing_names = [name for name, used in (("Any", self.any), ("cast", self.cast)) if used]
        for_types, at_run = self._imports()
        lines = [
            MARK,
            f'"""Shim of `{self.module}`: its names and signatures, until their bodies are written in Rust.',
            "",
            "Each body calls legacy as long as it is not replaced, so legacy's own tests pass over this module.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
        ]
        typing_names = [*(["TYPE_CHECKING"] if for_types else []), *typing_names]
        if typing_names:
            lines += [f"from typing import {', '.join(sorted(typing_names))}", ""]
        lines.append(f"import {self.module} as {self.alias}")
        if self.original:
            lines.append("from exuvia.migrate import original")
        lines += at_run
        others = sorted({*self.held, *self._constants()})
        lines += [f"from {self.module} import {name} as {name}" for name in others]
        if for_types:
            lines += ["", "if TYPE_CHECKING:", *(f"    {line}" for line in for_types)]
        public = [f'"{name}"' for name in sorted({*self.wanted, *self._constants()})]
        return [*lines, "", *wrapped("__all__ = [", public, "]", ""), ""]

    def _constants(self) -> list[str]:
        """Public names that legacy assigns at the top: whoever imports them from here gets legacy's."""
        found: list[str] = []
        for node in self.tree.body:
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AnnAssign)
                else []
            )
            found += [target.id for target in targets if isinstance(target, ast.Name)]
        return [name for name in dict.fromkeys(found) if not name.startswith("_")]

    def _imports(self) -> tuple[list[str], list[str]]:
        """Import lines for the names in annotations (type checking only) and in defaults (at run time)."""
        homes: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                base = self._absolute(node)
                for alias in node.names:
                    bound = alias.asname or alias.name
                    renamed = f" as {alias.asname}" if alias.asname else ""
                    homes.setdefault(bound, f"from {base} import {alias.name}{renamed}")
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    bound = alias.asname or alias.name.partition(".")[0]
                    renamed = f" as {alias.asname}" if alias.asname else ""
                    homes.setdefault(bound, f"import {alias.name}{renamed}")
        lines: tuple[set[str], set[str]] = (set(), set())
        skipped = {*self.wanted, *self._constants(), *(["Any"] if self.any else [])}
        for name in self.needed - skipped:
            if hasattr(builtins, name) or keyword.iskeyword(name):
                continue
            line = homes.get(name, f"from {self.module} import {name}")
            lines[name in self.defaults].add(line)
        return sorted(lines[0]), sorted(lines[1])

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.module.split(".") if self.is_package else self.module.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])

    def _function(self, node: _Function) -> list[str]:
        self.original = True
        held = f"_{node.name}".replace("__", "_")
        held = held if self.there is None else self.there.free(held)
        called = held
        typed = self._typed(node, skip=0)
        if not typed:
            self.any = self.cast = True
            called = f'cast("Any", {held})'
        returns = "return await" if isinstance(node, ast.AsyncFunctionDef) else "return"
        return [
            "",
            f"{held} = original({self.alias}.{node.name})",
            "",
            "",
            *self._def(node, ""),
            *self._doc(node, "    ", node.name),
            *wrapped(f"    {returns} {called}(", self._passed(node.args), ")", "    "),
            "",
        ]

    def _class(self, node: ast.ClassDef) -> list[str]:
        lines = ["", "", f"class {node.name}({self.alias}.{node.name}):", *self._doc(node, "    ", node.name)]
        for child in node.body:
            if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if child.name.startswith("_") and child.name != "__init__":
                continue
            if _special(child) or not child.args.args:
                note = f"{node.name}.{child.name} is inherited: it is a generator or decorated"
                # The getter and the setter of a property are two functions of one name.
                if note not in self.made.notes:
                    self.made.notes.append(note)
                continue
            typed = self._typed(child, skip=1)
            inner = "super()"
            if not typed:
                self.any = self.cast = True
                inner = 'cast("Any", super())'
            begin = "" if child.name == "__init__" else "return "
            begin += "await " if isinstance(child, ast.AsyncFunctionDef) else ""
            doc = self._doc(child, "        ", f"{node.name}.{child.name}")
            call = wrapped(f"        {begin}{inner}.{child.name}(", self._passed(child.args, skip=1), ")", "        ")
            lines += ["", *self._def(child, "    "), *doc, *call]
        return [*lines, ""]

    def _def(self, node: _Function, indent: str) -> list[str]:
        arguments = _copied(node.args)
        own = bool(indent)
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
        for number, argument in enumerate(every):
            if own and number == 0:
                continue
            if argument.annotation is None:
                self.any = True
                argument.annotation = ast.Name("Any")
            argument.annotation = self._annotation(argument.annotation)
        for default in [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]:
            self.needed |= {inner.id for inner in ast.walk(default) if isinstance(inner, ast.Name)}
            self.defaults |= {inner.id for inner in ast.walk(default) if isinstance(inner, ast.Name)}
        returns = node.returns
        if returns is None:
            if node.name == "__init__":
                returns = ast.Constant(None)
            else:
                self.any, returns = True, ast.Name("Any")
        returns = self._annotation(returns)
        word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        return wrapped(f"{indent}{word} {node.name}(", _parts(arguments), f") -> {_source(returns)}:", indent)

    def _annotation(self, node: ast.expr) -> ast.expr:
        """An annotation as the shim writes it, its names remembered; a class that it replaces is legacy's."""
        written = _Annotation(self.subclassed, self.alias)
        made: ast.expr = written.visit(ast.parse(ast.unparse(node), mode="eval").body)
        self.needed |= written.names
        return made

    def _doc(self, node: _Function | ast.ClassDef, indent: str, qualname: str) -> list[str]:
        text = ast.get_docstring(node) or f"Does what legacy's `{self.module}:{qualname}` does."
        prefix = "r" if "\\" in text else ""
        first, *rest = text.replace('"""', "'''").splitlines()
        if not rest:
            return [f'{indent}{prefix}"""{first}"""']
        return [f'{indent}{prefix}"""{first}', *(f"{indent}{line}".rstrip() for line in rest), f'{indent}"""']

    @staticmethod
    def _typed(node: _Function, skip: int) -> bool:
        """Whether everything is annotated, so that a type checker lets typed code call it."""
        arguments = [*node.args.posonlyargs, *node.args.args][skip:] + node.args.kwonlyargs
        arguments += [one for one in (node.args.vararg, node.args.kwarg) if one is not None]
        returned = node.returns is not None or (node.name == "__init__" and bool(arguments))
        return returned and all(argument.annotation is not None for argument in arguments)

    @staticmethod
    def _passed(arguments: ast.arguments, skip: int = 0) -> list[str]:
        passed = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args][skip:]]
        if arguments.vararg is not None:
            passed.append(f"*{arguments.vararg.arg}")
        passed += [f"{argument.arg}={argument.arg}" for argument in arguments.kwonlyargs]
        if arguments.kwarg is not None:
            passed.append(f"**{arguments.kwarg.arg}")
        return passed


class _Annotation(ast.NodeTransformer):
    """Collects the names of an annotation; texts are annotations too, but not those of a `Literal`."""

    def __init__(self, replaced: set[str], alias: str) -> None:
        self.replaced, self.alias, self.names = replaced, alias, set[str]()

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Notes a name, or points it to legacy."""
        if node.id in self.replaced:
            return ast.Attribute(ast.Name(self.alias), node.id)
        self.names.add(node.id)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Leaves the values of a `Literal` alone."""
        if isinstance(node.value, ast.Name) and node.value.id == "Literal":
            self.names.add("Literal")
            return node
        found: ast.expr = self.generic_visit(node)  # type: ignore[assignment]  # an expression stays one
        return found

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Opens a text."""
        if not isinstance(node.value, str):
            return node
        try:
            found: ast.expr = self.visit(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return node
        return found


_HELD = ("Error", "Exception", "Warning", "Protocol", "Enum", "IntEnum", "StrEnum", "Flag", "NamedTuple", "TypedDict")


def moves(node: ast.ClassDef) -> bool:
    """Whether a class has behaviour of its own that may move: no exception, record, protocol or enum.

    Args:
        node: Its definition.
    """
    for base in node.bases:
        name = base.value if isinstance(base, ast.Subscript) else base
        last = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
        if last.endswith(_HELD):
            return False
    if node.decorator_list:
        return False
    return any(_is_function(child) and not child.name.startswith("_") for child in node.body)


def _is_function(node: ast.AST) -> TypeGuard[_Function]:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def _special(node: _Function) -> bool:
    """Whether a function is a generator or decorated."""
    inner = [found for child in node.body for found in _own(child)]
    return bool(node.decorator_list) or any(isinstance(found, (ast.Yield, ast.YieldFrom)) for found in inner)


def _own(node: ast.AST) -> list[ast.AST]:
    """A node and what is in it, functions inside of it left out."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return []
    return [node, *(inner for child in ast.iter_child_nodes(node) for inner in _own(child))]


def _source(node: ast.expr) -> str:
    """The source of an expression, in the quotes that formatters write."""
    text = ast.unparse(node)
    return text if '"' in text or "\\" in text else text.replace("'", '"')


def _parts(arguments: ast.arguments) -> list[str]:
    """The parameters of a signature, one by one, as formatters write them."""

    def one(argument: ast.arg, default: ast.expr | None, stars: str = "") -> str:
        noted = f": {_source(argument.annotation)}" if argument.annotation is not None else ""
        equals = " = " if noted else "="
        return f"{stars}{argument.arg}{noted}{equals + _source(default) if default is not None else ''}"

    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults]
    parts = [one(argument, default) for argument, default in zip(plain, defaults, strict=True)]
    if arguments.posonlyargs:
        parts.insert(len(arguments.posonlyargs), "/")
    if arguments.vararg is not None:
        parts.append(one(arguments.vararg, None, "*"))
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [one(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg is not None:
        parts.append(one(arguments.kwarg, None, "**"))
    return parts


def _spaced(lines: list[str]) -> str:
    """Lines as a text with two empty ones in a row at most."""
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines).rstrip() + "\n")


def _copied(arguments: ast.arguments) -> ast.arguments:
    parsed = ast.parse(f"def f({ast.unparse(arguments)}): ...").body[0]
    assert isinstance(parsed, ast.FunctionDef)  # noqa: S101 - it was just written
    return parsed.args
