# Every target makes what it needs: .venv/, the wheel, the tools. The work is done by .ci/gate.py.
GATE := @PYTHON="$(PYTHON)" ./.ci/python .ci/gate.py

.DEFAULT_GOAL := help
.PHONY: help demo test test-long bench wheel coverage clean

help:       ## this list
	@sed -n 's/^\([a-z-]*\):  *## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 20
demo:       ## a legacy Python bot is migrated, unit by unit (DAYS=13, PLANT=tick|side|drop)
	$(GATE) demo
test:       ## everything that must hold: formats, lints, types, tests, examples, demo
	$(GATE) test
test-long:  ## kills, soaks, many random cases, mutants; writes docs/proof.md
	$(GATE) test-long
bench:      ## benchmarks against the peers, with fat LTO
	$(GATE) bench
wheel:      ## the wheel with fat LTO, in dist/
	$(GATE) wheel
coverage:   ## line coverage of the Rust and the Python half, against its floor
	$(GATE) coverage
clean:      ## removes what the targets made
	$(GATE) clean

export DAYS PLANT
