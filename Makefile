# make demo: set-up and the main job on the embedded sample.  make test: set-up, all checks and tests.
VENV := .venv
BIN  := $(VENV)/bin
LOCK := requirements.lock

.PHONY: demo test check bench lock clean

demo: $(VENV)/.ready
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pipelines.demo

# A file of tests stays in one process, for its fixtures. On two cores 9.7 minutes instead of 16, and 5 GiB; four processes take 7.
test: check
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(VENV)/.ready
	@for name in collect dedup_search dedup_hashing dedup_edits dedup_million filter_quality filter_marks whatif faces faces_equal faces_speed faces_drawn regions crop_presets crop_occlusion formats train train_measures train_precision demo match; do $(BIN)/python -m benchmarks.$$name || exit 1; done

# uv where it installs (44 s cold), pip where it does not (3 minutes): uv does not read pip's configuration, in which a
# mirror may be named. --compile-bytecode: without it every process of every stage compiles torch anew where Python may
# not write its cache (6 s instead of 2.3 to start a training). --no-deps: the lock is complete, and retinaface-pytorch's own pins are overridden in it.
$(VENV)/.ready: $(LOCK) pyproject.toml
	@echo "set-up: $(VENV) from $(LOCK) (about 6 GB with torch's CUDA libraries)"
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check $$(grep '^uv==' $(LOCK) | sed 's/ *[;\\].*//') \
		&& $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --no-deps -r $(LOCK) \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r $(LOCK)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock: $(VENV)/.ready
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 -o $(LOCK)

clean:
	rm -rf data models reports .scgan
