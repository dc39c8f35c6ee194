"""Each check finds what it is for: one fault is planted for each in manifests that have none."""

import pytest

from . import matching, network, running, scaling, secrets, settings
from .planting import Plant, added, container, spec, variable, without, workload
from .test_manifests import CHECKS, Check
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
    (
        matching.selectors,
        lambda w: w.pods_of("gateway-web").labels.update({"app.kubernetes.io/name": "x"}),
        "Deployment/gateway-web does not select its own pods",
    ),
    (
        matching.selectors,
        lambda w: spec(w, "Service", "radius")["selector"].update(x="y"),
        "Service/radius selects no pods",
    ),
    (
        matching.service_ports,
        lambda w: spec(w, "Service", "gateway-web")["ports"][0].update(targetPort="web"),
        "Service/gateway-web wants port web of Deployment/gateway-web",
    ),
    (
        matching.stateful_services,
        lambda w: spec(w, "Service", "payment-web-pods").pop("clusterIP"),
        "StatefulSet/payment-web has no headless Service",
    ),
    (
        matching.budgets,
        lambda w: spec(w, "PodDisruptionBudget", "gateway-web").update(maxUnavailable=0),
        "PodDisruptionBudget/gateway-web never lets one of",
    ),
    (
        matching.budgets,
        lambda w: without(w, "PodDisruptionBudget", "gateway-web"),
        "Deployment/gateway-web has no PodDisruptionBudget",
    ),
    (
        matching.spread,
        lambda w: w.pods_of("gateway-web").spec.pop("topologySpreadConstraints"),
        "Deployment/gateway-web may all stand on one node",
    ),
    (
        matching.doors,
        lambda w: without(w, "Service", "gateway-web"),
        "leads to gateway-web:http, which is not there",
    ),
    (
        matching.doors,
        lambda w: spec(w, "Ingress", "callbacks").pop("tls"),
        "is served without TLS",
    ),
    (
        matching.groups,
        lambda w: without(w, "Deployment", "payment-worker-mpesa"),
        "nobody works for the group mpesa of payment",
    ),
    (
        matching.endings,
        lambda w: w.pods_of("payment-worker-mpesa").spec.update(terminationGracePeriodSeconds=60),
        "has 60 s to end, and a job may take 60",
    ),
    (
        matching.setups,
        lambda w: [
            w.objects.remove(one)  # type: ignore[attr-defined]
            for one in w.of("Job")
            if one["metadata"]["name"].startswith("radius-migrate")
        ],
        "no Job migrates the database of radius",
    ),
    (
        matching.setups,
        lambda w: [
            w.objects.remove(one)  # type: ignore[attr-defined]
            for one in w.of("Job")
            if one["metadata"]["name"].startswith("payment-seed")
        ],
        "no Job seeds the database of payment",
    ),
    (
        matching.radius,
        lambda w: spec(w, "Service", "radius").pop("externalTrafficPolicy"),
        "Service/radius hides the routers' addresses",
    ),
    (
        matching.webs,
        lambda w: without(w, "Service", "router-web"),
        "the gateway asks http://router-web:8080, which is no Service",
    ),
    (
        running.probes,
        lambda w: container(w, "payment-worker-mpesa")["livenessProbe"]["httpGet"].update(
            path="/ok"
        ),
        "livenessProbe asks /ok, which the code does not have",
    ),
    (
        running.probes,
        lambda w: container(w, "router-web")["readinessProbe"]["httpGet"].update(port="health"),
        "readinessProbe asks port health, and it answers at http",
    ),
    (
        running.images,
        lambda w: container(w, "router-web").update(image="hotspot/routers:0.1.0"),
        "no Dockerfile makes hotspot/routers",
    ),
    (
        running.images,
        lambda w: container(w, "router-web").update(image="hotspot/router-service:latest"),
        "hotspot/router-service:latest is not of this version",
    ),
    (
        running.images,
        lambda w: container(w, "redis").update(image="redis"),
        "redis does not say which version it is",
    ),
    (
        running.commands,
        lambda w: container(w, "payment-worker-mpesa").update(args=["worker", "--groups", "mpesa"]),
        "worker --groups mpesa is no command of the image",
    ),
    (
        running.resources,
        lambda w: container(w, "gateway-web")["resources"].pop("limits"),
        "Deployment/gateway-web/app has no limits.memory",
    ),
    (
        running.restarts,
        lambda w: workload(w, "radius-server")["spec"].update(
            strategy={"rollingUpdate": {"maxUnavailable": 1}}
        ),
        "Deployment/radius-server goes away before its successor is ready",
    ),
    (
        running.tokens,
        lambda w: [
            one.update(automountServiceAccountToken=True)
            for one in (w.find("ServiceAccount", "gateway"), w.pods_of("gateway-web").spec)
            if one
        ],
        "Deployment/gateway-web is given a token",
    ),
    (
        running.restricted,
        lambda w: container(w, "gateway-web")["securityContext"].pop("capabilities"),
        "Deployment/gateway-web/app: does not drop all capabilities",
    ),
    (
        running.restricted,
        lambda w: w.pods_of("gateway-web").spec.update(volumes=[{"name": "x", "hostPath": {}}]),
        "Deployment/gateway-web: a volume of hostPath",
    ),
    (
        secrets.references,
        lambda w: variable(w, "payment-web", "DATABASE_USER")["valueFrom"]["secretKeyRef"].update(
            key="user"
        ),
        "names user of Secret/payment-database, which has password, username",
    ),
    (
        secrets.references,
        lambda w: container(w, "payment-web")["envFrom"].append({"secretRef": {"name": "x"}}),
        "names Secret/x, which nobody makes",
    ),
    (
        settings.settings,
        lambda w: container(w, "payment-web")["env"].remove(variable(w, "payment-web", "AMQP_URL")),
        'StatefulSet/payment-web: Environment variable "AMQP_URL" not set',
    ),
    (
        settings.settings,
        lambda w: container(w, "payment-web")["env"].append({"name": "AMPQ_URL", "value": "x"}),
        "StatefulSet/payment-web: nobody reads AMPQ_URL",
    ),
    (
        settings.settings,
        lambda w: container(w, "payment-web")["env"].reverse(),
        "DATABASE_URL uses $(DATABASE_USER), which does not stand before it",
    ),
    (
        secrets.inline_secrets,
        lambda w: container(w, "payment-web")["env"].append(
            {"name": "DARAJA_PASSKEY", "value": "bfb279"}
        ),
        "StatefulSet/payment-web/app says DARAJA_PASSKEY",
    ),
    (
        secrets.inline_secrets,
        lambda w: variable(w, "payment-web", "AMQP_URL").update(value="amqp://a:b@rabbitmq:5672"),
        "StatefulSet/payment-web/app says AMQP_URL",
    ),
    (
        settings.places,
        lambda w: variable(w, "payment-web", "AMQP_URL").update(value="amqp://rabbit:5672"),
        "AMQP_URL leads to rabbit:5672, which is not there",
    ),
    (
        settings.paths,
        lambda w: spec(w, "Ingress", "callbacks")["rules"][0]["http"]["paths"][0].update(
            path="/callbacks/reports"
        ),
        "Ingress/callbacks: notification-web does not serve /callbacks/reports",
    ),
    (
        matching.databases,
        lambda w: without(w, "Database", "radius"),
        "nobody makes the database of radius",
    ),
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
