"""Autoscalers: what they scale, and the queues that they watch."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from hotspot.contract import table
from hotspot.contract.topology import queues_of

from .matching import groups_worked_for
from .world import Object, Pods, Whole, name_of


def targets(whole: Whole) -> Iterator[str]:
    """Autoscalers of nothing, two of one thing, and those that can never scale."""
    scaled: Counter[str] = Counter()
    for scaler in whole.of("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        found = whole.find(target.get("kind", "Deployment"), target["name"])
        scaled[target["name"]] += 1
        if found is None:
            yield f"{name_of(scaler)} scales {target['name']}, which is not there"
        elif found["apiVersion"] != target.get("apiVersion", "apps/v1"):
            yield f"{name_of(scaler)} scales {target['apiVersion']}, not {found['apiVersion']}"
        elif "replicas" in found["spec"]:
            # `kubectl apply` would undo the autoscaler's number each time.
            yield f"{name_of(found)} sets replicas, and {name_of(scaler)} does too"
        least, most = bounds(scaler)
        if not least < most:
            yield f"{name_of(scaler)} goes from {least} to {most}"
    yield from (f"{name} is scaled by {n} autoscalers" for name, n in scaled.items() if n > 1)


def figures(whole: Whole) -> Iterator[str]:
    """Autoscalers by a share of what their containers do not ask for."""
    for scaler in whole.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]["name"]
        for metric in scaler["spec"]["metrics"]:
            resource = metric.get("resource", {})
            by_share = resource.get("target", {}).get("type") == "Utilization"
            for pods in whole.pods():
                if pods.owner["metadata"]["name"] == target and by_share:
                    for container in pods.containers:
                        requests = container.get("resources", {}).get("requests", {})
                        if resource["name"] not in requests:
                            yield f"{name_of(scaler)}: {target} requests no {resource['name']}"


def queues(whole: Whole) -> Iterator[str]:
    """Queues that grow and nobody is called for; scalers that watch somebody else's.

    Upkeep may wait its turn, as long as one worker of its group is always there.
    """
    scalers = {one["spec"]["scaleTargetRef"]["name"]: one for one in whole.of("ScaledObject")}
    for name, scaler in scalers.items():
        for other in sorted(_watched(scaler) - _queues_of(whole.pods_of(name))):
            yield f"{name_of(scaler)} watches {other}, which is no queue of {name}"
    for queue in table.QUEUES if scalers else ():
        takers = [pods for pods in whole.pods() if queue.name in _queues_of(pods)]
        mine = [scalers.get(pods.owner["metadata"]["name"]) for pods in takers]
        if any(scaler is not None and queue.name in _watched(scaler) for scaler in mine):
            continue
        stays = any(scaler is None or bounds(scaler)[0] > 0 for scaler in mine)
        if not (stays and queue in (*table.MAINTENANCE_QUEUES, table.METRICS_QUEUE)):
            yield f"no autoscaler watches the queue {queue.name}"


def _watched(scaler: Object) -> set[str]:
    """The queues that a scaler looks at."""
    triggers = scaler["spec"]["triggers"]
    return {one["metadata"]["queueName"] for one in triggers if one["type"] == "rabbitmq"}


def triggers(whole: Whole) -> Iterator[str]:
    """Triggers of RabbitMQ that KEDA does not know, or that say not how they log in."""
    for scaler in whole.of("ScaledObject"):
        names = Counter(one["name"] for one in scaler["spec"]["triggers"] if "name" in one)
        yield from (f"{name_of(scaler)}: two triggers {name}" for name, n in names.items() if n > 1)
        for one in scaler["spec"]["triggers"]:
            if one["type"] == "rabbitmq":
                yield from (f"{name_of(scaler)}: {fault}" for fault in _trigger(one, whole))


# https://keda.sh/docs/latest/scalers/rabbitmq-queue/
MODES = {
    "QueueLength",
    "MessageRate",
    "DeliverGetRate",
    "PublishedToDeliveredRatio",
    "ExpectedQueueConsumptionTime",
}
_BY_AMQP = {"QueueLength"}
PARAMETERS = {
    *("host", "queueName", "mode", "value", "activationValue", "protocol", "vhostName"),
    *("queueLength", "hostFromEnv", "usernameFromEnv", "passwordFromEnv", "unsafeSsl"),
    *("timeout", "useRegex", "pageSize", "operation", "excludeUnacknowledged"),
    *("username", "password", "metricName"),
}


def _trigger(one: Object, whole: Whole) -> Iterator[str]:
    said = one["metadata"]
    unknown = set(said) - PARAMETERS
    if unknown:
        yield f"{', '.join(sorted(unknown))} is no parameter of the trigger"
    if said.get("mode") not in MODES:
        yield f"{said.get('mode')} is no mode of the trigger"
    if not _is_number(said.get("value", "")):
        yield f"{said.get('queueName')} has no value"
    by_http = said.get("protocol") == "http"
    if said.get("mode") not in _BY_AMQP and not by_http:
        yield f"{said.get('mode')} needs the protocol http"
    if said.get("excludeUnacknowledged") == "true" and not by_http:
        yield "excludeUnacknowledged needs the protocol http"
    logs_in = one.get("authenticationRef", {})
    kind = logs_in.get("kind", "TriggerAuthentication")
    if said.get("protocol") == "amqp" and "timeout" in said:
        yield "timeout is not for amqp"
    if "hostFromEnv" not in said and whole.find(kind, logs_in.get("name", "")) is None:
        yield f"{said.get('queueName')} is watched without a login"


def asleep(whole: Whole) -> Iterator[str]:
    """Workers that sleep until something waits, although somebody waits for what they do."""
    for scaler in whole.of("ScaledObject"):
        pods = whole.pods_of(scaler["spec"]["scaleTargetRef"]["name"])
        urgent = [name for name in groups_worked_for(pods) if name != table.GENERAL.name]
        if bounds(scaler)[0] == 0 and urgent:
            yield f"{pods.name} sleeps, and people wait for {', '.join(urgent)}"


def watched(whole: Whole) -> Iterator[str]:
    """Webs and workers that no autoscaler scales, where there are such autoscalers at all."""
    for kind, component in (("HorizontalPodAutoscaler", "web"), ("ScaledObject", "worker")):
        scaled = {one["spec"]["scaleTargetRef"]["name"] for one in whole.of(kind)}
        for pods in whole.pods() if scaled else []:
            is_such = pods.labels.get("app.kubernetes.io/component") == component
            if is_such and pods.service and pods.owner["metadata"]["name"] not in scaled:
                yield f"{pods.name} is not scaled"


def _queues_of(pods: Pods) -> set[str]:
    groups = tuple(one for one in table.GROUPS if one.name in groups_worked_for(pods))
    services = [one for one in table.SERVICES if one.name == pods.service]
    return {queue.name for service in services for queue in queues_of(service, groups)}


def bounds(scaler: Object) -> tuple[int, int]:
    """The fewest and the most replicas that an autoscaler sets."""
    spec = scaler["spec"]
    if scaler["kind"] == "ScaledObject":
        return spec.get("minReplicaCount", 0), spec.get("maxReplicaCount", 100)
    return spec.get("minReplicas", 1), spec["maxReplicas"]


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (
    targets,
    figures,
    queues,
    triggers,
    asleep,
    watched,
)
