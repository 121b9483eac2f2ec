"""`exuvia eject`: takes exuvia itself out of a project again.

Imports of exuvia and calls of `install()` go, names that came from shims come from legacy again, commands run
the program without exuvia, and what exuvia itself wrote is removed, each file with the reason: `exuvia.toml`,
evidence, shims, reports, and tests of `exuvia repro` that cannot run without exuvia. A shim is a file that `exuvia
scaffold` wrote, or a candidate in `exuvia_shims/`: a candidate that its user wrote stays, and so does such a test
as soon as it needs neither exuvia nor a shim. What cannot be done by rule is listed with file and line, and then
nothing is written: half an ejection would not run.
"""

from exuvia.migrate.workbench.eject.ejection import Ejection, write
from exuvia.migrate.workbench.eject.planning import plan

__all__ = ["Ejection", "plan", "write"]
