# Dictator. `make help` lists what there is to run.

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
ARGS ?=
SEEDS ?= 1000
FROM ?=
JOBS ?= 1

# Node.js and Redis that scripts/setup.sh had to put into the project's own folder.
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# npm has to run on the Node.js that will run the packages: it leaves out what does not suit its own. A fetched
# Node.js does not know the certificates that this system trusts unless told.
SYSTEM_CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CERTIFICATES),)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTIFICATES)
endif

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: build install demo test test-matrix bench chaos simulate simulate-mutants check clean help deps

SOURCES := $(shell find src demo bench chaos sim test/support -name '*.ts' 2>/dev/null) \
	package.json package-lock.json scripts/build.mjs $(wildcard .git/logs/HEAD)

build: node_modules/.package-lock.json dist/dictator.cjs ## build dist/ (the default; needs Node.js and npm, no root)

# Packages are fetched in the recipe and not as a prerequisite: what is built can be installed without npm.
dist/dictator.cjs: $(SOURCES)
	@$(MAKE) -s node_modules/.package-lock.json
	@scripts/setup.sh node
	node scripts/build.mjs

# npm writes this file when it is through; it is older than the lock file when that has changed since.
# Never through a link, as a work tree may have one: npm empties the folder at its other end, under everybody's feet.
node_modules/.package-lock.json: package-lock.json
	@scripts/setup.sh node
	@if [ -L node_modules ]; then echo 'make: node_modules is a link: its packages are taken as they are' >&2; else \
		NODE_NO_WARNINGS=1 npm ci --no-audit --no-fund --loglevel=error && touch $@; fi

deps: ## install what is missing (Debian 12 or later; starts and enables no service)
	@scripts/setup.sh

demo: deps build ## a live service on this machine; ARGS="--script switchover" for a script, or failover
	@node dist/demo.cjs $(ARGS)

bench: deps build ## measure against Redis Sentinel; ARGS="--only redis-killed --runs 10" for a part
	@node dist/bench.cjs $(ARGS)

chaos: deps build ## a real service under random faults; ARGS="--seconds 600 --against sentinel" for comparison
	@node dist/chaos.cjs $(ARGS)

simulate: build ## real agents, simulated faults: SEEDS=1000 JOBS=1 FROM=7 or ARGS="--seed 73 --trace"
	@node dist/simulate.cjs --seeds '$(SEEDS)' --jobs '$(JOBS)' $(if $(FROM),--from '$(FROM)') $(ARGS)

simulate-mutants: build ## plant bugs into the protocol, one by one: do the checkers notice? ARGS="--only lease"
	@node dist/mutants.cjs --jobs '$(if $(filter command environment,$(origin JOBS)),$(JOBS),$(shell nproc))' $(ARGS)

test: ## everything: build, check, all tests, the scripted demo; ARGS="src/core" for some vitest files
	@scripts/test.sh $(ARGS)

test-matrix: deps build ## failover tests on Redis 8, Valkey 8, ZooKeeper 3.9, Node.js 24; REDIS_SERVER=/x/y for another
	@scripts/matrix.sh $(ARGS)

check: node_modules/.package-lock.json ## types, lint, house rules
	@scripts/setup.sh node
	node_modules/.bin/tsc -p tsconfig.json
	node_modules/.bin/tsc -p src/core/tsconfig.json
	node_modules/.bin/eslint .
	node scripts/tidy.mjs

install: dist/dictator.cjs ## install below PREFIX (/usr/local) and SYSCONFDIR (/etc), both below DESTDIR
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' SYSCONFDIR='$(SYSCONFDIR)' scripts/install.sh

clean: ## remove what was built and fetched
	rm -rf dist coverage .cache .tools node_modules

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' Makefile
