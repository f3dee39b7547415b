# The thin face of scripts/run.py. ARGS= is passed through: make test ARGS="-k sketch"
PYTHON ?= python3

.PHONY: serve demo test check bench

serve demo test check bench:
	@$(PYTHON) scripts/run.py $@ $(ARGS)

gate-%:
	@$(PYTHON) scripts/run.py $@ $(ARGS)
