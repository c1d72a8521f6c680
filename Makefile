# Names for the usual things; the work is in tools/ and meson.build.

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS_EACH ?= 60
FUZZ ?=

.PHONY: all build check test lint format docs demo demo-down fuzz bench install clean

all: build

build: # the release binary: build/fettle
	@tools/build

check: # everything that CI runs
	@tools/setup check
	@tools/check

test: # unit, transcript, golden and fake-engine tests with sanitizers: quick
	@tools/check tests

lint:
	@tools/check format layers headers docs tidy cppcheck shellcheck

format:
	@git ls-files -co --exclude-standard 'src/*.[ch]' 'tests/*.[ch]' 'fuzz/*.[ch]' | \
		xargs clang-format-14 -i

docs: build # the generated parts
	@tools/check-docs --write

demo: # from a bare machine to the reference stack, proved ready
	@tools/demo

demo-down:
	@tools/demo-down

fuzz: # FUZZ=NAME for one target
	@tools/fuzz '$(FUZZ)' $(SECONDS_EACH)

bench: build
	@bench/cli
	@bench/graphs
	@bench/up

install: build
	install -D -m 0755 build/fettle '$(DESTDIR)$(PREFIX)/bin/fettle'
	@install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	build/fettle man >'$(DESTDIR)$(PREFIX)/share/man/man1/fettle.1'

clean:
	rm -rf build
