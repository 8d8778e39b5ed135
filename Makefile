# The verbs of the project. Everything is a cargo call away; nothing here is needed to use the programs.

DATA ?=
ARGS ?=
SAMPLE := data/sample
# Each data set has a lake of its own, so that trying one does not mix it with another.
LAKE ?= lake/$(if $(DATA),$(notdir $(abspath $(DATA))),sample)
LAKEHOUSE := target/debug/lakehouse

.PHONY: run build test check check-deploy rehearse rehearse-image bench services secrets dist install clean

## Builds, makes sample data if none is given, runs the fraud pipeline and serves the APIs. DATA=folder, ARGS=--no-serve
run: build
	@./scripts/run "$(LAKEHOUSE)" "$(LAKE)" "$(SAMPLE)" "$(DATA)" $(ARGS)

build:
	cargo build --workspace --bins

## Every test; what they need of real services is installed and started first, and goes on running
test: services
	eval "$$(scripts/services env)" && cargo test --workspace

## PostgreSQL, two object stores and a mail sink, on loopback; `scripts/services` tells more
services:
	scripts/services up

## Formatting, lints, licences, structure
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --test lakehouse guards::

## The files of a deployment: linters, agreement with the programs, the gateway and the alerts for real
check-deploy:
	./tests/deploy/run

## A deployment for real on this machine: Prometheus and the dashboards' queries over a running stack, the compose topology as
## plain processes, the playbooks against throwaway hosts; as root, some minutes
rehearse: build services
	./tests/deploy/rehearse

## The steps of the Dockerfile in clean root folders, then the images used; as root, an hour from cold. ARGS='--profile dev …'
rehearse-image:
	./tests/deploy/image $(ARGS)

## The benchmark tables, against peers in the same run
bench:
	./bench/run

clean:
	rm -rf target lake $(SAMPLE)

## Passwords, keys and a certificate for a deployment, in secrets/; what is there stays
secrets:
	./scripts/secrets

## The release archive, in dist/: programs, units, gateway, and a list of every crate inside with its licence
dist:
	cargo build --release --locked --workspace --bins
	./scripts/dist

DESTDIR ?=
PROGRAM ?= target/release/lakehouse

## The command, its units and settings on this host; `cargo build --release` first. Settings that are there stay
install:
	install -D -m 0755 $(PROGRAM) $(DESTDIR)/usr/bin/lakehouse
	install -D -m 0644 -t $(DESTDIR)/usr/lib/systemd/system systemd/lakehouse@.service systemd/lakehouse-scheduler.service \
	  systemd/lakehouse.target
	install -D -m 0644 systemd/sysusers.conf $(DESTDIR)/usr/lib/sysusers.d/lakehouse.conf
	install -D -m 0644 systemd/tmpfiles.conf $(DESTDIR)/usr/lib/tmpfiles.d/lakehouse.conf
	install -D -m 0644 docs/guides/deploy.md $(DESTDIR)/usr/share/doc/lakehouse/deploy.md
	[ -e $(DESTDIR)/etc/lakehouse/lakehouse.toml ] || install -D -m 0644 systemd/lakehouse.toml $(DESTDIR)/etc/lakehouse/lakehouse.toml
