"""The shortcut around kubernetes-validate's own function finds what that function finds."""

import kubernetes_validate
import pytest

from . import schemas
from .planting import Plant, container, spec, workload
from .world import Object, Whole


def test_no_built_in_kind_is_known_by_recorded_fields_alone(wholes: dict[str, Whole]) -> None:
    """Only operators' kinds may stand on fields that were written down here."""
    for api_version, _kind in schemas.kinds_of(list(wholes.values())):
        is_built_in = "." not in api_version.partition("/")[0] or "k8s.io/" in api_version
        if is_built_in:
            assert (api_version, _kind) not in schemas.recorded()


def test_every_recorded_kind_that_is_used_says_where_it_comes_from() -> None:
    for file in schemas.FIELDS.glob("*.yaml"):
        assert "github.com/" in file.read_text().partition("kinds:")[0]


@pytest.mark.parametrize("version", [schemas.versions()[0], schemas.versions()[-1]])
def test_the_package_itself_finds_the_same(version: str, usual: Whole) -> None:
    one_of_each = {
        one["kind"]: one
        for one in usual.objects
        if (one["apiVersion"], one["kind"]) not in schemas.recorded()
    }
    for one in one_of_each.values():
        assert _package_takes(one, version)
        one["planted"] = {}
        assert not _package_takes(one, version)
        assert [f for f in schemas.faults_of(one, version) if "'planted' was unexpected" in f]


def _package_takes(one: Object, version: str) -> bool:
    try:
        kubernetes_validate.validate(one, version, strict=True)
    except kubernetes_validate.ValidationError:
        return False
    return True


WRONG_FIELDS: list[tuple[Plant, str]] = [
    (
        lambda w: container(w, "gateway-web").update(livenesProbe={}),
        "'livenesProbe' was unexpected",
    ),
    (lambda w: workload(w, "gateway-web").update(kind="Deploiment"), "no schema of apps/v1"),
    (
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa").update(minReplicas=1),
        "'minReplicas' was unexpected",
    ),
    (
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa").pop("scaleTargetRef"),
        '"scaleTargetRef" is a required property',
    ),
    (
        lambda w: spec(w, "RabbitmqCluster", "rabbitmq").update(replicas="three"),
        '"three" is not of type "integer"',
    ),
    (
        lambda w: spec(w, "Cluster", "postgres").update(primaryUpdateMethod="rolling"),
        '"rolling" is not one of',
    ),
    (
        lambda w: spec(w, "Cluster", "postgres")["resources"].update(request={}),
        "'request' was unexpected",
    ),
]


@pytest.mark.parametrize(("plant", "words"), WRONG_FIELDS, ids=[one[1] for one in WRONG_FIELDS])
def test_a_wrong_field_is_found(plant: Plant, words: str, usual: Whole) -> None:
    plant(usual)
    (fault,) = schemas.faults(usual)
    assert words in fault
    assert fault.endswith(f"({', '.join(schemas.versions())})")
