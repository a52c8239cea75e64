# Two commands matter: `make demo` and `make test`. Both install what is missing (Debian, Ubuntu) and say so.
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
.PHONY: help demo demo-down test check plugins bench faults mutants install uninstall dist

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Bring FoodTrucks up and show it working (WINDLASS_PROFILE=release: optimised)
	@scripts/demo

demo-down: ## Remove FoodTrucks: containers, network and volume
	@scripts/demo down

test: ## Everything that CI runs
	@scripts/test

check: ## What needs no engine: walls, format, lints, unit tests
	@scripts/test static

faults: ## Break every engine call of every change, one at a time (ARGS='--project NAME --fault NAME --at N')
	@scripts/faults $(ARGS)

mutants: ## Break the code itself, a random sample, and see that a test notices (ARGS='--count N --seed N', '--table')
	@scripts/mutants $(ARGS)

plugins: ## Build the plugins that are embedded in the binary
	@scripts/setup base guest
	@cargo xtask plugins

bench: plugins ## Time Windlass beside `docker compose`
	@scripts/setup engine
	@scripts/test-images
	@cargo build --release --bin windlass
	@bench/run.py

install: ## Install below PREFIX (/usr/local): program, manual pages, completions, `docker windlass`
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/package install

uninstall: ## Remove what `make install` put below PREFIX
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/package uninstall

dist: ## Make an archive, a Debian package, checksums and the list of parts in target/dist
	@scripts/package dist
