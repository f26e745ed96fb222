# `make demo` and `make test` need Python 3.11 or newer and nothing else: they make .venv themselves.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
BENCH_STAMP := .venv-bench/.installed
LOWEST_STAMP := .venv-lowest/.installed
FUZZ_STAMP := .venv-fuzz/.installed
SUPPLY_STAMP := .venv-supply/.installed
# What `make bench` runs; CONTRIBUTING.md says how the other scripts are run.
BENCHMARKS := audit augment inference models reading training

.PHONY: demo test coverage test-lowest lint bench faults fuzz gpu docs page wheel supply-chain clean

demo: $(STAMP)
	$(BIN)/areoseg demo --out runs/demo

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov=areoseg --cov-report=term:skip-covered

# The oldest supported version of each dependency, from the lower bounds in pyproject.toml.
test-lowest: $(LOWEST_STAMP)
	.venv-lowest/bin/python -m pytest -n 2 --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(BENCH_STAMP)
	for name in $(BENCHMARKS); do \
		.venv-bench/bin/python benchmarks/$$name.py || exit 1; \
	done

# Kills, signals, full disks and hostile files; Linux, a quarter of an hour.
SEED ?= 0
TRIES ?= 2
faults: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/faults/run.py --seed $(SEED) --tries $(TRIES)

# Coverage-guided fuzzing of each parser for ten minutes, in an environment with atheris.
SECONDS_EACH ?= 600
PARSERS := pds3 pds4 vicar image npz yaml description groups json
fuzz: $(FUZZ_STAMP)
	for name in $(PARSERS); do \
		.venv-fuzz/bin/python benchmarks/faults/fuzz.py $$name -max_total_time=$(SECONDS_EACH) \
			|| exit 1; \
	done

# Tests and speed on one NVIDIA GPU, in less than eight minutes.
GPU_PYTHON ?= python3
gpu:
	$(GPU_PYTHON) benchmarks/gpu.py

docs: $(STAMP)
	$(BIN)/mkdocs build --strict
	$(BIN)/areoseg serve --static site/try/page

# Fetch the runtime of the static page again; needs npm. The files are part of the repository, since
# compressed they are smaller than a model, and nobody should need npm to use the page.
ORT := onnxruntime-web-1.30.0
ORT_SHA512 := ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61
ORT_FILES := src/areoseg/serve/page/vendor/onnxruntime-web
page:
	rm -rf dist/page && mkdir -p dist/page
	npm pack --silent --pack-destination dist/page $(subst web-,web@,$(ORT))
	echo "$(ORT_SHA512)  dist/page/$(ORT).tgz" | sha512sum --check
	tar --extract --gzip --file dist/page/$(ORT).tgz --directory dist/page
	cp dist/page/package/dist/ort.wasm.bundle.min.mjs $(ORT_FILES)/
	gzip -9 --no-name --stdout dist/page/package/dist/ort-wasm-simd-threaded.wasm \
		> $(ORT_FILES)/ort-wasm-simd-threaded.wasm.gz

# The wheel must contain every tracked file of the package: recipes, studies, templates, weights.
wheel: export LC_ALL = C
wheel: $(STAMP)
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python -m zipfile --list dist/*.whl | awk '{print $$1}' | sort > dist/files.txt
	git ls-files src/areoseg | sed 's,^src/,,' | sort | comm -23 - dist/files.txt > dist/missing.txt
	@test ! -s dist/missing.txt || { echo 'not in the wheel:'; cat dist/missing.txt; exit 1; }

# Hashes of the pinned packages, their licenses, a bill of materials (CycloneDX), and a wheel built
# twice, which must be the same bytes. torch is not locked: its build depends on the machine.
COMPILE := .venv-supply/bin/uv pip compile --quiet pyproject.toml --all-extras --generate-hashes \
	--no-annotate --constraint constraints.txt
UNLOCKED := torch\|triton\|nvidia[a-z0-9-]*\|cuda[a-z0-9-]*
supply-chain: export UV_CUSTOM_COMPILE_COMMAND = make supply-chain
supply-chain: $(STAMP) $(SUPPLY_STAMP)
	mkdir -p dist
	$(COMPILE) --output-file dist/all.lock
	$(COMPILE) --output-file requirements.lock \
		$$(sed -n 's/^\($(UNLOCKED)\)==.*/--no-emit-package \1/p' dist/all.lock)
	$(BIN)/python release/licenses.py constraints.txt > docs/licenses.md
	.venv-supply/bin/cyclonedx-py environment --output-file dist/sbom.json $(BIN)/python
	.venv-supply/bin/uv build --quiet --wheel --out-dir dist/first .
	.venv-supply/bin/uv build --quiet --wheel --out-dir dist/second .
	cmp dist/first/*.whl dist/second/*.whl

# The pins hold for everything; torch comes first so that nothing else chooses its build.
$(STAMP): pyproject.toml constraints.txt
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# The peers' environment is its own: segmentation_models_pytorch needs torchvision.
.PHONY: .venv-bench
.venv-bench: $(BENCH_STAMP)

$(BENCH_STAMP): pyproject.toml constraints.txt benchmarks/requirements.txt
	test -d .venv-bench || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv-bench/bin/python -m pip install --quiet --constraint constraints.txt \
		--requirement benchmarks/requirements.txt --editable '.[export,openvino]'
	touch $@

$(FUZZ_STAMP): pyproject.toml constraints.txt
	test -d .venv-fuzz || $(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv-fuzz/bin/python -m pip install --quiet --constraint constraints.txt --editable . atheris
	touch $@

$(SUPPLY_STAMP):
	test -d .venv-supply || $(PYTHON) -m venv .venv-supply
	.venv-supply/bin/python -m pip install --quiet uv cyclonedx-bom
	touch $@

# uv resolves the lower bounds of direct dependencies; pip cannot. torch keeps its pinned version,
# because older ones come with gigabytes of CUDA libraries.
$(LOWEST_STAMP): pyproject.toml constraints.txt
	test -d .venv-lowest || $(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --constraint constraints.txt torch uv
	grep '^torch==' constraints.txt > .venv-lowest/torch.txt
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python \
		--resolution lowest-direct --constraint .venv-lowest/torch.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .venv-bench .venv-fuzz .venv-lowest .venv-supply dist site runs/demo
