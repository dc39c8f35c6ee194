# Stands in for python:3.11-slim-bookworm: Debian's own Python 3.11.
FROM debian:bookworm-slim
ENV LANG=C.UTF-8
# What this machine trusts, and how pip finds its index: as a company's own base image would know.
COPY machine/ /
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates python3 python3-pip python3-venv \
    && update-ca-certificates \
    && ln -s /usr/bin/python3 /usr/local/bin/python3 \
    && ln -s /usr/bin/python3 /usr/local/bin/python \
    && rm -rf /var/lib/apt/lists/*
CMD ["python3"]
