# The front door: each target does what it says on a fresh Debian-family machine.
BUILD ?= build
PREFIX ?= /usr/local
EMULATOR ?= moto

.PHONY: help setup build release install test demo emulator bench format lint clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## install what building and testing need (root or sudo)
	@tools/setup.sh

build: setup ## build panka into build/
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) panka

release: setup ## build with static third-party libraries into build-release/
	@tools/release.sh build-release

install: ## install the release build below PREFIX (/usr/local)
	@test -x build-release/panka || $(MAKE) release
	install -D -m 755 build-release/panka $(DESTDIR)$(PREFIX)/bin/panka
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/panka/LICENSE

test: setup ## run every test (about 20 minutes)
	@tools/test.sh

demo: build ## run the main job against a local AWS emulator (EMULATOR=moto or ministack)
	@PANKA=$(CURDIR)/$(BUILD)/panka tools/demo.sh $(EMULATOR)

emulator: build ## open a shell that talks to a fresh local emulator (EMULATOR=moto or ministack)
	@PATH=$(CURDIR)/$(BUILD):$$PATH PANKA_HOME=$(CURDIR)/.panka-demo/home tools/emulator.sh $(EMULATOR) $(CURDIR)/.panka-demo/emulator $${SHELL:-sh}

bench: release ## measure and print the figures of docs/performance.md
	@tests/bench/run.sh build-release

format: ## format every source file
	@tools/format.sh -i

lint: setup ## formatting, layers, clang-tidy
	@tools/lint.sh

clean: ## remove what was built
	rm -rf $(BUILD) build-* .panka-demo
