# syntax=docker/dockerfile:1
# The image of `semanas`: docker build -t semanas . && docker run -p 50051:50051 -p 8080:8080 -v semanas:/data semanas
# Needs no build argument and no secret; the build downloads from crates.io only.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# rust-toolchain.toml stays outside: the image's own toolchain is the stable one, and rustup need not fetch another.

# The dependencies alone, on empty sources: a layer that is rebuilt only when a manifest changes.
COPY Cargo.toml Cargo.lock ./
COPY proto/Cargo.toml proto/
COPY server/Cargo.toml server/
COPY sandbox/Cargo.toml sandbox/
COPY client/rust/Cargo.toml client/rust/
COPY tests/Cargo.toml tests/
COPY bench/Cargo.toml bench/
RUN mkdir -p proto/src server/src sandbox/src client/rust/src tests/it tests/chaos bench/src bench/floors \
    && touch proto/src/lib.rs server/src/lib.rs sandbox/src/lib.rs client/rust/src/lib.rs tests/lib.rs \
    && echo 'fn main() {}' | tee proto/build.rs server/src/main.rs tests/it/main.rs tests/chaos/main.rs \
        bench/src/main.rs bench/floors/main.rs >/dev/null \
    && cargo build --locked --release -p semanas-server --bin semanas

# Sources keep the age they had outside, which may be older than the empty ones just built: touch them, or cargo would
# call those fresh and ship a program that does nothing.
COPY proto proto
COPY server server
COPY sandbox sandbox
COPY client/rust client/rust
RUN find proto server sandbox client -type f -exec touch {} + \
    && cargo build --locked --release -p semanas-server --bin semanas \
    && mkdir /empty

FROM debian:bookworm-slim
# The providers' certificates are verified against the system's roots.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/semanas /usr/local/bin/semanas
# A number, so that Kubernetes can see that it is not root.
COPY --from=build --chown=65532:65532 /empty /data
USER 65532:65532
WORKDIR /data
VOLUME /data
ENV SEMANAS_STORE__URL=sqlite:/data/semanas.db \
    SEMANAS_GRPC__LISTEN=0.0.0.0:50051 \
    SEMANAS_HTTP__LISTEN=0.0.0.0:8080
# gRPC; callbacks, metrics and health over HTTP
EXPOSE 50051 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["semanas", "healthcheck"]
ENTRYPOINT ["semanas"]
CMD ["serve"]
