"""docs/deploy.md says what is there: files, objects, labels, Secrets, settings, numbers."""

import re

import pytest

from . import secrets
from .running import images_made
from .scaling import bounds
from .world import COMPONENTS, K8S, OVERLAYS, ROOT, USUAL, Whole, image_of

DOCUMENT = ROOT / "docs" / "deploy.md"


@pytest.fixture(scope="module")
def text() -> str:
    """The document."""
    return DOCUMENT.read_text()


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its own."""
    section = text.partition(f"\n## {heading}\n")[2]
    table = "|" + section.partition("\n|")[2].partition("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_files_that_it_names_are_there(text: str) -> None:
    named = set(re.findall(r"\bk8s/[\w./-]*\w", text))
    named |= {
        f"k8s/{path}" for path in re.findall(r"`((?:components|overlays|base)/[\w./-]+\w)", text)
    }
    named |= {f"docs/{path}" for path in re.findall(r"\]\((?!http|#)([^)#]+)", text)}
    assert len(named) > 20
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_component_is_named(text: str) -> None:
    assert all(f"`{one.name}`" in text for one in COMPONENTS.iterdir())


def test_objects_in_its_commands_are_there(text: str, wholes: dict[str, Whole]) -> None:
    found = {
        (one["kind"].lower(), one["metadata"]["name"])
        for whole in wholes.values()
        for one in whole.objects
    }
    named = re.findall(r"(?<![\w-])(deployment|statefulset|service)/([a-z][a-z-]+[a-z])\b", text)
    objects = {*named, *re.findall(r"get (service) ([a-z-]+)", text)}
    assert len(objects) > 5
    assert objects <= found


def test_labels_of_namespaces_are_those_of_the_policies(
    text: str, wholes: dict[str, Whole]
) -> None:
    told = set(re.findall(r"label namespace [^#\n]*?(hotspot/\w+)=allowed", text))
    asked = {
        label
        for one in wholes[USUAL].of("NetworkPolicy")
        for rule in [*one["spec"].get("ingress", []), *one["spec"].get("egress", [])]
        for peer in [*rule.get("from", []), *rule.get("to", [])]
        for label in peer.get("namespaceSelector", {}).get("matchLabels", {})
        if label.startswith("hotspot/")
    }
    assert told == asked


def test_its_table_of_secrets_is_what_the_script_makes(text: str, wholes: dict[str, Whole]) -> None:
    made = {name: set(keys) for name, keys in secrets.secrets(wholes[USUAL]).items()}
    told = {}
    for name, keys, *_ in rows(text, "Secrets"):
        for service in images_made().values() if "<service>" in name else [""]:
            full = name.strip("`").replace("<service>", service)
            told[full] = set(re.findall(r"`([A-Za-z_]+)`", keys))
    by_others = {name for name in told if name.startswith("-")} | {
        "rabbitmq-default-user",  # by the operator
        "radius-secrets",  # by whoever needs it
    }
    assert {name: keys for name, keys in told.items() if name not in by_others} == made


def test_settings_stand_in_the_files_that_it_names(text: str) -> None:
    site = OVERLAYS / USUAL / "site"
    for names, file, _ in rows(text, "Settings"):
        said = re.findall(r"^(?:# )?([A-Z_]+)=", (site / file.strip("`")).read_text(), re.MULTILINE)
        assert set(re.findall(r"`([A-Z_]+)`", names)) <= set(said), file


def test_its_numbers_of_scaling_are_those_of_the_autoscalers(
    text: str, wholes: dict[str, Whole]
) -> None:
    real = {
        one["spec"]["scaleTargetRef"]["name"]: bounds(one)
        for one in wholes[USUAL].of("HorizontalPodAutoscaler", "ScaledObject")
    }
    for names, least, most, _ in rows(text, "Scaling"):
        named = re.findall(r"`([a-z-]+)`", names) if most != "by hand" else []
        numbers = [int(one) for one in re.findall(r"\d+", most)]
        for at, name in enumerate(named):
            assert real[name] == (int(least), numbers[min(at, len(numbers) - 1)]), name
    others = [real[name] for name in real if "worker" in name and "office" not in name]
    assert {least for least, _ in others} == {2}
    assert (min(most for _, most in others), max(most for _, most in others)) == (4, 10)


def test_the_images_that_it_builds_are_those_that_run(text: str, wholes: dict[str, Whole]) -> None:
    lists = [
        set(one.replace("\\", " ").split())
        for one in re.findall(r"for folder in (.*?);", text, re.DOTALL)
    ]
    for built, variant in zip(lists, ("local", USUAL), strict=True):
        run = {
            image_of(container)[0]
            for pods in wholes[variant].pods()
            for container in pods.all_containers
        }
        ours = {name for name in run if name.startswith("hotspot/")}
        assert {f"hotspot/{folder}" for folder in built} == ours


def test_example_of_secrets_holds_no_secret() -> None:
    lines = (K8S / "secrets.example").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#") and not line.endswith("=")] == []


def test_settings_that_are_offered_are_read_by_their_service() -> None:
    """Those in use are read anyway; one that is only a comment may be any name."""
    for file in (OVERLAYS / USUAL / "site").glob("*.env"):
        folder = f"{file.stem}-service" if file.stem != "gateway" else "gateway"
        package = ROOT / folder / folder.replace("-", "_")
        code = "".join(one.read_text() for one in package.glob("**/*config*.py"))
        for name in re.findall(r"^# ([A-Z_]+)=", file.read_text(), re.MULTILINE):
            assert f'"{name}"' in code, f"{name} in {file.name}"
