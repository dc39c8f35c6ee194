# Stands in for redis:7: Debian's Redis 7.0.
FROM debian:bookworm-slim
RUN groupadd --gid 999 redis \
    && useradd --uid 999 --gid 999 --home-dir /data --create-home redis \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /data
CMD ["redis-server"]
