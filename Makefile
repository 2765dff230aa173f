# Every target that has a `##` comment is printed by `make help`.

MODEL ?= qwen2.5-coder:1.5b
TEST_MODEL := qwen2.5-coder:0.5b
ARGS ?=

PYTHON_IN_VENV := .venv/bin/python
VIVEK := .venv/bin/vivek
# Whatever runs finds .venv's programs first; a system Neovim that is new enough is still used where .venv has none.
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH"
PYTEST := $(RUN) $(PYTHON_IN_VENV) -m pytest

.DEFAULT_GOAL := help
.PHONY: help try test soak real lint format bench-startup bench-ui bench-json bench-llm bench-prefix bench-tokens bench-facts doc picture wheel clean setup setup-dev neovim

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  MODEL=$(MODEL)  for try, picture and real; ARGS='-k stream' goes to pytest; PYTHON= names the interpreter."

try: setup ## Install everything into .venv and try Vivek on a sample project (MODEL= names another model)
	@nvim=$$(scripts/nvim) && $(VIVEK) install model '$(MODEL)' \
	  && $(PYTHON_IN_VENV) scripts/playground.py --nvim "$$nvim" --model '$(MODEL)'

# Real models and editors want the machine for themselves, so their tests come one after another. Status 5: ARGS leave
# nothing to run.
test: setup-dev neovim ## Run the whole test suite (fetches small real models; ARGS= goes to pytest)
	@$(VIVEK) install model $(TEST_MODEL) || echo "Going on without $(TEST_MODEL): its tests will say so."
	@$(PYTHON_IN_VENV) tests/models.py || echo "Going on without the small models: their tests will say so."
	@$(PYTEST) -n auto --maxprocesses 4 --ignore=tests/editor --ignore=tests/integration $(ARGS) || [ $$? -eq 5 ]
	@$(PYTEST) --ignore=tests/unit $(ARGS) || [ $$? -eq 5 ]

soak: setup-dev neovim ## Drive a real Neovim for 100,000 random steps, beside a model of its text (SEED= replays a run)
	@VIVEK_SOAK_STEPS=100000 VIVEK_SOAK_SEED='$(SEED)' $(PYTEST) -s tests/editor/test_state_machine.py $(ARGS)

real: setup-dev neovim ## Run the real-model tests on MODEL (an Ollama tag or the path of a GGUF file)
	@VIVEK_REAL_MODEL='$(MODEL)' $(PYTEST) tests/integration/test_real_models.py $(ARGS)

lint: setup-dev ## Check style, types, layers (ruff, mypy, import-linter, StyLua, luacheck)
	@$(RUN) $(PYTHON_IN_VENV) scripts/lint.py

format: setup-dev ## Rewrite the sources in the project's style (ruff, StyLua)
	@$(RUN) $(PYTHON_IN_VENV) scripts/lint.py --fix

bench-startup: setup-dev neovim ## Measure what the plugin adds to Neovim's startup
	@$(RUN) $(PYTHON_IN_VENV) tests/benchmarks/bench_startup.py $(ARGS)

bench-ui: setup-dev neovim ## Measure how fast the editor answers keys while text streams in
	@$(RUN) $(PYTHON_IN_VENV) tests/benchmarks/bench_ui.py $(ARGS)

bench-json: setup-dev ## Measure how often small models' structured answers are valid (ARGS='--calls 20')
	@for model in qwen2.5-coder:0.5b qwen2.5-coder:1.5b; do $(VIVEK) install model $$model || exit; done
	@$(PYTHON_IN_VENV) tests/benchmarks/bench_json.py $(ARGS)

bench-llm: setup-dev ## Measure the client, the backends and speculation on MODEL (on a machine that does nothing else)
	@$(VIVEK) install model '$(MODEL)' && $(RUN) $(PYTHON_IN_VENV) tests/benchmarks/bench_llm.py --model '$(MODEL)' $(ARGS)

bench-prefix: setup-dev ## Measure how much of a shared prefix MODEL's server reads from its cache
	@$(VIVEK) install model '$(MODEL)' && $(RUN) $(PYTHON_IN_VENV) tests/benchmarks/bench_prefix.py --model '$(MODEL)' $(ARGS)

bench-tokens: setup-dev ## Measure how fast tokens are counted, long runs of one character included
	@$(PYTHON_IN_VENV) tests/benchmarks/bench_tokens.py $(ARGS)

bench-facts: setup-dev ## Measure how often each rule for likely bugs speaks on Python's own library
	@$(PYTHON_IN_VENV) tests/benchmarks/bench_facts.py $(ARGS)

doc: setup neovim ## Write the generated part of doc/vivek.txt and check its help tags
	@$(PYTHON_IN_VENV) scripts/doc.py --nvim "$$(scripts/nvim)"

picture: setup ## Make the README's picture from a real run in a real terminal (needs tmux)
	@nvim=$$(scripts/nvim) && $(VIVEK) install model '$(MODEL)' \
	  && $(PYTHON_IN_VENV) scripts/picture.py --nvim "$$nvim" --model '$(MODEL)'

wheel: setup ## Build the wheel into dist/
	@$(PYTHON_IN_VENV) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/vivek_nvim-*.whl

clean: ## Remove what the other targets made here (downloaded models stay in the cache)
	rm -rf .venv .try .tools dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

setup:
	@scripts/setup

setup-dev:
	@scripts/setup dev

neovim: setup
	@scripts/nvim >/dev/null
