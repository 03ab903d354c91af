# Two commands do all the set-up: `make run` shows the main job, `make test` proves a release.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lab soak bench build setup deb package

help:
	@echo "make run    install what is missing, build, and show a call on a simulated E1 (Ctrl-C ends it)"
	@echo "make test   everything that a release must pass; each skipped part is said aloud"
	@echo "make deb    the Debian package, in target/debian"
	@echo "make package  the part of the tests that installs, upgrades and purges it on a fresh Debian"
	@echo "make lab    the part of it that runs on real DAHDI devices under emulation"
	@echo "make soak   slow proofs: whole-span soak, long fuzz"
	@echo "make bench  figures, with their goals and peers"

setup:
	@scripts/setup build

run: setup
	@cargo build --bin tipring && exec target/debug/tipring dev

build:
	@cargo build --workspace

test:
	@scripts/test

lab:
	@scripts/setup build lab && scripts/lab

deb:
	@scripts/setup build && scripts/deb

package:
	@scripts/setup build package && scripts/package

soak:
	@scripts/setup build soak && scripts/soak

bench:
	@scripts/setup build bench && scripts/bench
