"""Faults in pods and what is about them, each with the check that must find it and its words."""

from . import matching, running, secrets, settings
from .planting import Check, Plant, container, spec, variable, without, workload

IN_PODS: list[tuple[Check, Plant, str]] = [
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
        running.commands,
        lambda w: container(w, "radius-server").pop("args"),
        "Deployment/radius-server is labelled as something else than web",
    ),
    (
        running.waits,
        lambda w: w.pods_of("gateway-web").spec.pop("initContainers"),
        "Deployment/gateway-web does not wait for its tables",
    ),
    (
        running.writable,
        lambda w: container(w, "payment-web")["volumeMounts"].clear(),
        "StatefulSet/payment-web keeps callbacks where they are lost with it",
    ),
    (
        running.probes,
        lambda w: container(w, "router-web")["readinessProbe"].pop("httpGet"),
        "Deployment/router-web: readinessProbe asks nothing",
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
        lambda w: variable(w, "payment-web", "DATABASE_USER").pop("valueFrom"),
        "DATABASE_URL uses $(DATABASE_USER), which has no value before it",
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
        "DATABASE_URL uses $(DATABASE_USER), which has no value before it",
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
        settings.settings,
        lambda w: w.pods_of("gateway-web").spec["initContainers"][0].pop("env"),
        "Deployment/gateway-web/schema waits for another database",
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
]
