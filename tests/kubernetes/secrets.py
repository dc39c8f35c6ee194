"""ConfigMaps and Secrets that manifests name: whether somebody makes them; none is written out."""

import functools
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .operators import secrets_made
from .world import K8S, Pods, Whole, name_of

USED = re.compile(r"\$\((\w+)\)")
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|PASSKEY|CREDENTIAL|API_KEY|PRIVATE_KEY|ENCRYPTION_KEYS")
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:([^@\s]+)@")

_STUB = """#!/bin/sh
# Instead of kubectl: nothing is there yet, and what is made is kept in $KEPT.
case "$*" in
*" get secret "*) exit 1 ;;
*" create secret generic "*)
    shift 5
    for given in "$@"; do
        case $given in --from-file=*) cp -r "${given#--from-file=}" "$KEPT/$1" ;; esac
    done ;;
esac
"""


def references(whole: Whole) -> Iterator[str]:
    """ConfigMaps, Secrets, their keys and volume claims that are named, and nobody makes."""
    for pods in whole.pods():
        for container in pods.all_containers:
            for one in container.get("envFrom", []):
                for kind, named in (
                    ("ConfigMap", one.get("configMapRef")),
                    ("Secret", one.get("secretRef")),
                ):
                    yield from _missing(f"{pods.name}", kind, named, None, whole)
            for one in container.get("env", []):
                source = one.get("valueFrom", {})
                for kind, named in (
                    ("ConfigMap", source.get("configMapKeyRef")),
                    ("Secret", source.get("secretKeyRef")),
                ):
                    key = named["key"] if named else None
                    yield from _missing(f"{pods.name}", kind, named, key, whole)
        yield from _volumes(pods, whole)
    for one in whole.of("TriggerAuthentication"):
        for named in one["spec"].get("secretTargetRef", []):
            yield from _missing(name_of(one), "Secret", named, named["key"], whole)
    for one in whole.of("Cluster"):
        for role in one["spec"].get("managed", {}).get("roles", []):
            yield from _missing(
                name_of(one), "Secret", role.get("passwordSecret"), "password", whole
            )
        first = one["spec"].get("bootstrap", {}).get("initdb", {}).get("secret")
        yield from _missing(name_of(one), "Secret", first, "password", whole)
    for one in whole.of("Ingress"):
        made = "cert-manager.io/cluster-issuer" in one["metadata"].get("annotations", {})
        for sealed in one["spec"].get("tls", []) if not made else []:
            named = {"name": sealed["secretName"]}
            yield from _missing(name_of(one), "Secret", named, "tls.crt", whole)


def _volumes(pods: Pods, whole: Whole) -> Iterator[str]:
    for volume in pods.spec.get("volumes", []):
        secret = volume.get("secret")
        named = {**secret, "name": secret["secretName"]} if secret else None
        yield from _missing(pods.name, "Secret", named, None, whole)
        yield from _missing(pods.name, "ConfigMap", volume.get("configMap"), None, whole)
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and whole.find("PersistentVolumeClaim", claim) is None:
            yield f"{pods.name} names PersistentVolumeClaim/{claim}, which is not there"
    templates = pods.owner["spec"].get("volumeClaimTemplates", [])
    known = {one["name"] for one in pods.spec.get("volumes", [])}
    known |= {one["metadata"]["name"] for one in templates}
    for container in pods.all_containers:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in known:
                yield f"{pods.name} mounts {mount['name']}, which is no volume"


def _missing(
    by: str, kind: str, named: Mapping[str, object] | None, key: str | None, whole: Whole
) -> Iterator[str]:
    if not named or named.get("optional"):
        return
    keys = _keys(kind, str(named["name"]), whole)
    if keys is None:
        yield f"{by} names {kind}/{named['name']}, which nobody makes"
    elif key is not None and key not in keys:
        yield f"{by} names {key} of {kind}/{named['name']}, which has {', '.join(sorted(keys))}"


def _keys(kind: str, name: str, whole: Whole) -> set[str] | None:
    found = whole.find(kind, name)
    if found is not None:
        return set(found.get("data", {})) | set(found.get("stringData", {}))
    if kind == "ConfigMap":
        return None
    made: Mapping[str, set[str]] = {name: set(keys) for name, keys in secrets(whole).items()}
    return {**made, **secrets_made(whole)}.get(name)


def secrets(whole: Whole) -> Mapping[str, Mapping[str, str]]:
    """The Secrets that k8s/make-secrets makes for a variant, with their values."""
    return _made_secrets(for_simulators=bool(whole.find("Deployment", "simulators")))


@functools.cache
def _made_secrets(*, for_simulators: bool) -> Mapping[str, Mapping[str, str]]:
    """Run the script with a stub in kubectl's place. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stub, given, kept = folder / "kubectl", folder / "given", folder / "kept"
        stub.write_text(_STUB)
        stub.chmod(0o755)
        kept.mkdir()
        example = (K8S / "secrets.example").read_text()
        given.write_text(re.sub(r"^([A-Z_]+)=$", r"\1=of-\1", example, flags=re.MULTILINE))
        subprocess.run(
            [str(K8S / "make-secrets"), "--simulators" if for_simulators else str(given)],
            env={"PATH": os.environ["PATH"], "KUBECTL": str(stub), "KEPT": str(kept)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return {
            secret.name: {file.name: file.read_text() for file in secret.iterdir()}
            for secret in kept.iterdir()
        }


def inline_secrets(whole: Whole) -> Iterator[str]:
    """Secrets that stand in a manifest."""
    for one in whole.of("Secret"):
        if one.get("data") or one.get("stringData"):
            yield f"{name_of(one)} has values"
    for one in whole.of("ConfigMap"):
        for name, value in one.get("data", {}).items():
            if (_SECRET_NAME.search(name) and value) or _has_password(value):
                yield f"{name_of(one)} says {name}"
    for pods in whole.pods():
        for container in pods.all_containers:
            for said in container.get("env", []):
                value = str(said.get("value", ""))
                is_secret = _SECRET_NAME.search(said["name"]) and not USED.fullmatch(value)
                if value and (is_secret or _has_password(value)):
                    yield f"{pods.name}/{container['name']} says {said['name']}"


def _has_password(value: str) -> bool:
    found = _PASSWORD_IN_URL.search(value)
    return bool(found and not USED.fullmatch(found.group(1)))


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (references, inline_secrets)
