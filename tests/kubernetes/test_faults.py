"""Each check finds what it is for: one fault is planted for each in manifests that have none."""

import pytest

from . import network, scaling
from .planted import IN_PODS
from .planting import Check, Plant, added, container, spec, without, workload
from .test_manifests import CHECKS
from .world import Object, Whole


def policy(spec: Object) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "planted"},
        "spec": spec,
    }


def everyone(way: str) -> Object:
    rules = "ingress" if way == "Ingress" else "egress"
    return policy({"podSelector": {}, "policyTypes": [way], rules: [{}]})


def open_wide(whole: Whole) -> None:
    added(whole, everyone("Ingress"))
    added(whole, everyone("Egress"))


PLANTED: list[tuple[Check, Plant, str]] = [
    *IN_PODS,
    (
        scaling.targets,
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa")["scaleTargetRef"].update(
            name="x"
        ),
        "ScaledObject/payment-worker-mpesa scales x, which is not there",
    ),
    (
        scaling.targets,
        lambda w: workload(w, "payment-worker-mpesa")["spec"].update(replicas=1),
        "Deployment/payment-worker-mpesa sets replicas",
    ),
    (
        scaling.figures,
        lambda w: [
            container(w, "gateway-web")["resources"].pop("requests"),
            spec(w, "HorizontalPodAutoscaler", "gateway-web")["metrics"][0]["resource"].update(
                target={"type": "Utilization", "averageUtilization": 60}
            ),
        ],
        "gateway-web requests no cpu",
    ),
    (
        scaling.queues,
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa").update(triggers=[]),
        "no autoscaler watches the queue payments.mpesa",
    ),
    (
        scaling.triggers,
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa")["triggers"][0]["metadata"].update(
            mode="Length"
        ),
        "Length is no mode of the trigger",
    ),
    (
        scaling.asleep,
        lambda w: spec(w, "ScaledObject", "payment-worker-mpesa").update(minReplicaCount=0),
        "Deployment/payment-worker-mpesa sleeps, and people wait for mpesa",
    ),
    (
        scaling.watched,
        lambda w: without(w, "HorizontalPodAutoscaler", "gateway-web"),
        "Deployment/gateway-web is not scaled",
    ),
    (
        scaling.watched,
        lambda w: without(w, "ScaledObject", "payment-worker-mpesa"),
        "Deployment/payment-worker-mpesa is not scaled",
    ),
    (
        network.nobody,
        lambda w: without(w, "NetworkPolicy", "nobody"),
        "no policy denies what none allows",
    ),
    (network.apart, open_wide, "Deployment/router-web reaches StatefulSet/payment-web:8080"),
    (
        network.served,
        lambda w: without(w, "NetworkPolicy", "services-from-gateway"),
        "the gateway does not reach Deployment/router-web",
    ),
    (
        network.served,
        lambda w: without(w, "NetworkPolicy", "queues-are-counted"),
        "scheduler does not reach RabbitmqCluster/rabbitmq:15672",
    ),
    (
        network.served,
        lambda w: without(w, "NetworkPolicy", "broker-from-services"),
        "Deployment/router-web does not reach RabbitmqCluster/rabbitmq",
    ),
    (
        network.served,
        lambda w: without(w, "NetworkPolicy", "database-of-router"),
        "Deployment/router-web reaches no database",
    ),
    (network.own_database, open_wide, "Deployment/redis reaches Cluster/postgres"),
    (
        network.strangers,
        lambda w: added(w, everyone("Ingress")),
        "strangers reach Deployment/radius-web:8080",
    ),
    (
        network.neighbours,
        lambda w: without(w, "NetworkPolicy", "from-ingress"),
        "the ingress controller does not reach StatefulSet/payment-web:8080",
    ),
    (
        network.outside,
        lambda w: added(w, everyone("Egress")),
        "Deployment/gateway-web reaches 197.248.1.1:443, and need not",
    ),
    (
        network.names,
        lambda w: without(w, "NetworkPolicy", "dns"),
        "Deployment/gateway-web does not reach the DNS by UDP",
    ),
]


@pytest.mark.parametrize(("check", "plant", "words"), PLANTED, ids=[one[2] for one in PLANTED])
def test_a_planted_fault_is_found(check: Check, plant: Plant, words: str, usual: Whole) -> None:
    plant(usual)
    assert [fault for fault in check(usual) if words in fault]


def test_each_check_has_a_fault_to_find() -> None:
    assert {check for check, _, _ in PLANTED} == set(CHECKS)
