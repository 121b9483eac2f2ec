"""What the `parity` fixture gives a test: legacy's answer, and a failure where the candidate's differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exuvia._exuvia import Comparator
from exuvia.errors import ConfigError
from exuvia.testing.equivalence import difference

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Parity", "Side"]


class Side:
    """Calls both sides and returns what legacy returned.

    Args:
        legacy: Legacy's side.
        candidate: The candidate's side.
        rules: Rules by path.
    """

    def __init__(
        self, legacy: Callable[..., Any], candidate: Callable[..., Any], rules: Mapping[str, str] | None
    ) -> None:
        self.legacy, self.candidate = legacy, candidate
        self.comparator = Comparator(dict(rules or {}))
        self.compared = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compare one call.

        Args:
            args: Positional arguments; each side gets copies first, legacy then gets these.
            kwargs: Keyword arguments.

        Returns:
            What legacy returned; what legacy raised is raised.

        Raises:
            AssertionError: If the candidate did otherwise.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        message = difference(self.comparator, self.legacy, self.candidate, args, kwargs)
        self.compared += 1
        if message:
            raise AssertionError(message)
        return self.legacy(*args, **kwargs)


class Parity:
    """Makes sides, and knows what was compared.

    Args:
        config: `exuvia.toml`, else it is found when a unit is named.
    """

    def __init__(self, config: str | None = None) -> None:
        self._config = config
        self.sides: list[Side] = []

    def __call__(
        self,
        legacy: Callable[..., Any] | str,
        candidate: Callable[..., Any] | str | None = None,
        rules: Mapping[str, str] | None = None,
    ) -> Side:
        """Return what calls both sides.

        Args:
            legacy: A function, or a unit of `exuvia.toml`, which brings its candidate and rules.
            candidate: A function or its name; needed for what is no unit.
            rules: Instead of the unit's rules.

        Raises:
            ConfigError: For a unit that is not declared, or a candidate that is missing.
        """
        from exuvia.migrate.workbench import sides

        __tracebackhide__ = True
        if isinstance(legacy, str) and candidate is None:
            from exuvia.migrate import config as configuration

            try:
                (unit,) = sides.chosen(configuration.load(self._config), [legacy])
                both = sides.Sides(unit)
            except ConfigError as error:
                raise ConfigError(str(error)) from None  # with the line of the test alone
            made = Side(both.legacy, both.candidate, both.rules("") if rules is None else rules)
        elif candidate is None:
            raise ConfigError("parity(legacy) needs a candidate, unless legacy is the name of a unit of exuvia.toml")
        else:
            one, other = (sides.resolve(side) if isinstance(side, str) else side for side in (legacy, candidate))
            made = Side(one, other, rules)
        self.sides.append(made)
        return made

    @property
    def compared(self) -> int:
        """How many calls were compared."""
        return sum(side.compared for side in self.sides)
