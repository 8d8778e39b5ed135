# syntax=docker/dockerfile:1.17
# The programs as images, one target each:
#
#   docker buildx build --target lakehouse   .    the command: every verb, every service, the scheduler
#   docker buildx build --target api         .    datamarts and SQL
#   docker buildx build --target sources-api .    source files and rows
#   docker buildx build --target api-ml      .    scoring; no query engine in it
#
# `--sbom=true --provenance=true` adds the list of what is inside. `scripts/pin-images --write` puts digests behind the versions.

FROM rust:1.95.0-bookworm AS toolchain
WORKDIR /build
# cargo-chef makes the dependencies a layer of their own: a change of our code compiles our code.
RUN cargo install cargo-chef --locked --version 0.1.78 && rm -rf "$CARGO_HOME/registry"
# What a program needs of a system beside its libraries: certificate roots and time zones. Whatever is newest is right.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates tzdata && rm -rf /var/lib/apt/lists/*

FROM toolchain AS recipe
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

FROM toolchain AS engine-dependencies
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
COPY --from=recipe /build/recipe.json .
RUN cargo chef cook --release --locked --workspace --bins --recipe-path recipe.json

FROM engine-dependencies AS engine
COPY . .
RUN cargo build --release --locked --workspace --bin lakehouse --bin lakehouse-api --bin lakehouse-sources-api

# The scoring service alone: without the features that the engine asks of shared crates, and in a fraction of the time.
FROM toolchain AS scoring-dependencies
COPY --from=recipe /build/recipe.json .
RUN cargo chef cook --profile scoring --locked --package lakehouse-api-ml --recipe-path recipe.json

FROM scoring-dependencies AS scoring
COPY . .
RUN cargo build --profile scoring --locked --package lakehouse-api-ml

# A root folder of exactly what the programs link and read: no shell, no package manager, nothing to patch but these.
FROM toolchain AS system
COPY scripts/image-root /usr/local/bin/image-root
RUN image-root /root-folder

FROM scratch AS base
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Lakehouse" \
      org.opencontainers.image.description="From raw files to a scored transaction, over Delta tables" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=system /root-folder /
USER 65532:65532
WORKDIR /var/lib/lakehouse
# Containers log to collectors.
ENV LAKEHOUSE_LOG__FORMAT=json

FROM base AS api
COPY --from=engine /build/target/release/lakehouse-api /usr/local/bin/
EXPOSE 9999
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["lakehouse-api", "health", "http://127.0.0.1:9999/health/live"]
ENTRYPOINT ["lakehouse-api"]

FROM base AS sources-api
COPY --from=engine /build/target/release/lakehouse-sources-api /usr/local/bin/
EXPOSE 9998
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["lakehouse-sources-api", "health", "http://127.0.0.1:9998/health/live"]
ENTRYPOINT ["lakehouse-sources-api"]

FROM base AS api-ml
COPY --from=scoring /build/target/scoring/lakehouse-api-ml /usr/local/bin/
EXPOSE 9997
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["lakehouse-api-ml", "health", "http://127.0.0.1:9997/health/live"]
ENTRYPOINT ["lakehouse-api-ml"]

# Last, so that a build without --target makes the one that can do everything.
FROM base AS lakehouse
COPY --from=engine /build/target/release/lakehouse /usr/local/bin/
EXPOSE 9999 9998 9997 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["lakehouse", "health", "http://127.0.0.1:9999/health/live"]
ENTRYPOINT ["lakehouse"]
CMD ["serve", "all"]
