# The front door. The build itself is CMake's (CMakePresets.json); this only names the common ways in.
.POSIX:
SHELL = /bin/sh
PRESET = release
BUILD = build/$(PRESET)
JOBS != nproc 2>/dev/null || echo 2

.PHONY: help deps packages build run test check bench quality format format-check tidy asan tsan fuzz coverage clean

help:
	@echo "make run      install what is needed, build, start cairnd on SQLite with a demo (CAIRN_DEMO=0: without)"
	@echo "make test     install what the tests need, build, run all tests against PostgreSQL and Redis"
	@echo "make build    build/release/cairnd and build/release/cairn"
	@echo "make check    the tests that need no servers, in the dev build"
	@echo "make bench    speed, as ratios; make quality: how good the tuners are (docs/benchmarks.md)"
	@echo "make asan, tsan, fuzz: the tests under sanitizers"
	@echo "make format, tidy, coverage, clean"

deps:
	@deploy/install-deps build

build: deps
	@cmake --preset $(PRESET) >/dev/null
	@cmake --build $(BUILD) -j$(JOBS)

run: build
	@deploy/run-demo $(BUILD)

# What the contract and end-to-end tests import; the C tests need none of it.
NODE_MODULES = tests/contract/node_modules/.package-lock.json

$(NODE_MODULES): tests/contract/package-lock.json
	@cd tests/contract && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

packages:
	@deploy/install-deps build test
	@$(MAKE) --no-print-directory $(NODE_MODULES)

test: packages
	@cmake --preset dev >/dev/null
	@cmake --build build/dev -j$(JOBS)
	@tests/servers.sh ctest --test-dir build/dev --output-on-failure -j$(JOBS)

check:
	@cmake --preset dev >/dev/null
	@cmake --build build/dev -j$(JOBS)
	@ctest --test-dir build/dev --output-on-failure -j$(JOBS)

bench: build
	@deploy/install-deps build test bench
	@cmake --build $(BUILD) -j$(JOBS) --target bench_echo bench_loop bench_sqlite bench_tpe
	@CAIRN_TEST_FSYNC=on tests/servers.sh bench/run $(BUILD)

# The quality tables and plots of docs/benchmarks.md, measured again: some minutes of CPU.
quality: build
	@cmake --build $(BUILD) -j$(JOBS) --target bench_quality
	@$(BUILD)/bench/quality/bench_quality --suite bbob5,bbob10,classic,mixed,conditional,tabular,book \
		--budget 25,50,100,200 --workers 1,4,16,64 --markdown docs/benchmarks.md --svg docs/benchmarks

# All but what says nothing new there (quality figures, sources, the book's long runs, the dashboard in a browser)
# or measures time (clients).
asan tsan: packages
	@cmake --preset $@ >/dev/null
	@cmake --build build/$@ -j$(JOBS)
	@tests/servers.sh ctest --test-dir build/$@ --output-on-failure -j$(JOBS) \
		-LE 'quality|style|contract|dashboard' -E 'e2e/(book|clients|dashboard)'

fuzz:
	@deploy/install-deps build fuzz
	@cmake --preset fuzz >/dev/null
	@cmake --build build/fuzz -j$(JOBS) --target $$(basename -s .c tests/fuzz/fuzz_*.c)
	@tests/fuzz/run build/fuzz $(FUZZ_SECONDS)

coverage:
	@deploy/install-deps build test
	@cmake --preset coverage >/dev/null
	@cmake --build build/coverage -j$(JOBS)
	@tests/servers.sh ctest --test-dir build/coverage -LE 'quality|style' -j$(JOBS)
	@gcovr -r . build/coverage --exclude tests --exclude bench

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

format-check:
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run --Werror

tidy:
	@deploy/install-deps build test tidy
	@cmake --preset dev >/dev/null
	@git ls-files 'core/*.c' 'gpu/*.c' 'storage/*.c' 'algorithms/*.c' 'engine/*.c' 'api/*.c' 'service/*.c' 'clients/*.c' | \
		xargs -P$(JOBS) -n4 clang-tidy -p build/dev --quiet --warnings-as-errors='*'

clean:
	rm -rf build
