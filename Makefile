# The index of recipes: `make` prints it. Each recipe is a line or two; what takes more lives in tools/.
.DEFAULT_GOAL := help
.PHONY: help demo build test bench bench-quick simulate chaos chaos-short chaos-broken fuzz check lint fmt gen package conformance proto-baseline toolchain

# For the Makefiles of the clients too: the compiler of the contract, and the program that their tests start.
export BUF := $(abspath tools/node_modules/.bin/buf)
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
TARGET := $(CARGO_TARGET_DIR)
export SEMANAS_BIN := $(TARGET)/debug/semanas
export SKIPPED_LIST := $(TARGET)/skipped

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: toolchain ## Build Semanas and show it at work on the embedded store and the sandbox; needs nothing but Rust
	cargo build --locked --workspace --bins
	$(TARGET)/debug/semanas demo

# Binaries and tests in one build: cargo then settles each dependency's features once, and the end-to-end tests find
# $(TARGET)/debug/semanas beside their own program.
build: toolchain ## Build every program and every test
	cargo build --locked --workspace --bins --tests

test: toolchain ## Install what is missing and run every test
	@mkdir -p $(TARGET) && rm -f $(SKIPPED_LIST)
	tools/ensure-redis
	$(MAKE) --no-print-directory build
	cargo test --locked --workspace
	tools/clients test
	@if [ -s $(SKIPPED_LIST) ]; then echo; echo "Passed, but for:"; cat $(SKIPPED_LIST); fi

simulate: toolchain ## Many seeds of the engine in virtual time: SEEDS=100000; SEED=7 replays one with its whole trace
	SIMULATION_SEEDS=$(or $(SEEDS),10000) SIMULATION_SEED=$(SEED) cargo test --locked -p semanas-server --lib simulation::tests::new_seeds -- --nocapture

chaos: toolchain ## Minutes of random faults under load, then the checker; SEED=... replays, JOBS=... and TOPOLOGY=... choose
	tools/ensure-redis
	cargo build --locked --workspace --bins
	$(TARGET)/debug/chaos

chaos-short: toolchain ## The short run that is part of `make test`, alone; SEED=... replays one
	tools/ensure-redis
	$(MAKE) --no-print-directory build
	cargo test --locked -p semanas-tests --bin chaos -- --nocapture short_storm

chaos-broken: toolchain ## See chaos catch a build that pays twice
	tools/ensure-redis
	cargo build --locked --workspace --bins
	tools/chaos-broken $(abspath $(TARGET))

bench: bench-programs ## Measure everything against its floor, and rewrite the table of bench/RESULTS.md; BENCH="--only unary" says less
	$(TARGET)/release/semanas-bench --results bench/RESULTS.md $(BENCH)

bench-quick: bench-programs ## The ratios alone, in two minutes; the last line is JSON
	$(TARGET)/release/semanas-bench --quick $(BENCH)

# The server by itself, as the image has it: built together with others it could be given more of a dependency than it asks for.
.PHONY: bench-programs
bench-programs: toolchain
	tools/ensure-redis
	cargo build --locked --release -p semanas-server --bin semanas
	cargo build --locked --release -p semanas-bench

fuzz: toolchain ## Fuzz what reads bytes from outside, on nightly; SECONDS=... per target, TARGET_NAME=... for one
	tools/fuzz "$(or $(SECONDS),60)" "$(TARGET_NAME)"

check: toolchain ## Everything that can be said without running the tests: format, lints, contract
	cargo fmt --all --check
	@$(MAKE) --no-print-directory lint
	tools/clients lint
	@tools/need npm "the checks of the contract (buf lint, buf breaking)" -- $(MAKE) --no-print-directory contract

lint: toolchain ## Clippy on everything, warnings are errors
	cargo clippy --locked --workspace --all-targets -- -D warnings

gen: $(BUF) ## Generate every client's code from the contract, with local plugins only
	tools/clients gen

package: build ## Build each client's package, install it into an empty project, and run its example there
	@mkdir -p $(TARGET) && rm -f $(SKIPPED_LIST)
	tools/clients package

conformance: toolchain ## Run the conformance cases with every client; LANGS=go,java CASE='watch-*' SHOW=yes say which, and more of it
	tools/ensure-redis
	cargo build --locked --workspace --bins
	tools/conformance

fmt: toolchain ## Format Rust and the contract
	cargo fmt --all
	@tools/need npm "formatting the contract" -- $(MAKE) --no-print-directory $(BUF) contract-format

proto-baseline: $(BUF) ## Record the contract as landed; refuses a breaking change unless BREAKING=yes
	tools/contract record

.PHONY: contract contract-format
contract: $(BUF)
	tools/contract check
contract-format: $(BUF)
	tools/contract format

# No install scripts: buf's only looks for the binary that npm has already put in place.
$(BUF): tools/package-lock.json
	npm ci --prefix tools --ignore-scripts --no-audit --no-fund
	@touch $@

toolchain:
	@command -v cargo >/dev/null || { echo "error: Rust is not installed: see https://rustup.rs" >&2; exit 1; }
