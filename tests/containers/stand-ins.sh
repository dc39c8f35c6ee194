#!/bin/sh
# The third-party images that docker-compose.yml and the Dockerfiles name: pulled where a registry
# answers, else built here from Debian's packages, under the same tags.
#
# Needs docker (DOCKER_HOST says which engine); to build, root, debootstrap and a mirror of
# Debian (DEBIAN_MIRROR, else the one that debootstrap knows).
set -eu

here=$(cd "$(dirname "$0")" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

have() { docker image inspect "$1" >/dev/null 2>&1; }

pulled() { timeout 600 docker pull --quiet "$1" >/dev/null 2>&1; }

build() { # build TAG DOCKERFILE CONTEXT
    echo "stand-in: $1 cannot be pulled; built from Debian's packages ($2)"
    # The classic builder: it is in every engine, without a plugin.
    DOCKER_BUILDKIT=0 docker build --label hotspot.stand-in="$1" --tag "$1" \
        --file "$here/stand_ins/$2" "$3" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        return 1
    }
}

# Debian itself, as debootstrap makes it.
base() {
    if have "$1" || pulled "$1"; then return; fi
    echo "stand-in: $1 cannot be pulled; made by debootstrap"
    command -v debootstrap >/dev/null || {
        echo "stand-in: Debian's debootstrap is missing; installing it (apt-get)"
        { apt-get -q -y install --no-install-recommends debootstrap ||
            { apt-get -q update && apt-get -q -y install --no-install-recommends debootstrap; }
        } >"$work/log" 2>&1 || {
            tail -n 20 "$work/log" >&2
            return 1
        }
    }
    root=$work/debian
    debootstrap --variant=minbase bookworm "$root" ${DEBIAN_MIRROR:+"$DEBIAN_MIRROR"} >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        return 1
    }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
    tar -C "$root" -c . | docker import --change 'CMD ["bash"]' \
        --change 'LABEL hotspot.stand-in=debian' - "$1" >/dev/null
    rm -rf "$root"
}

# The certificates that this machine's administrator trusts, and pip's configuration.
machine() {
    mkdir -p "$1/etc" "$1/usr/local/share/ca-certificates"
    cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/" 2>/dev/null || :
    cp /etc/pip.conf "$1/etc/" 2>/dev/null || :
}

for tag in python:3.11-slim-bookworm postgres:17 rabbitmq:4-management redis:7; do
    if have "$tag"; then
        echo "image: $tag is here"
        continue
    fi
    if pulled "$tag"; then
        echo "image: $tag pulled"
        continue
    fi
    base debian:bookworm-slim
    context=$work/context
    mkdir -p "$context"
    machine "$context/machine"
    cp "$here/stand_ins/postgres-entrypoint" "$context/"
    build "$tag" "${tag%%:*}.Dockerfile" "$context"
    rm -rf "$context"
done
base debian:bookworm-slim
