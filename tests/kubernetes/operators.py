"""What operators make of their objects: pods, Services and Secrets that stand in no manifest.

Sources: CloudNativePG's and RabbitMQ cluster operator's documentation of what they create.
"""

from .world import Object, Pods, Whole

RABBITMQ_PORTS = {"amqp": 5672, "management": 15672, "prometheus": 15692}
POSTGRES_PORTS = {"postgresql": 5432, "metrics": 9187}


def pods_made(whole: Whole) -> list[Pods]:
    """The pods of brokers and databases."""
    brokers = [_broker(one) for one in whole.of("RabbitmqCluster")]
    return brokers + [_database(one) for one in whole.of("Cluster")]


def secrets_made(whole: Whole) -> dict[str, set[str]]:
    """The Secrets that operators make, with their keys."""
    made = {
        f"{one['metadata']['name']}-default-user": {
            *("username", "password", "host", "port", "connection_string"),
            *("default_user.conf", "provider", "type"),
        }
        for one in whole.of("RabbitmqCluster")
    }
    for one in whole.of("Cluster"):
        name = one["metadata"]["name"]
        made[f"{name}-ca"] = {"ca.crt", "ca.key"}
        made[f"{name}-app"] = {
            *("username", "password", "host", "port", "dbname", "uri", "jdbc-uri", "pgpass"),
        }
    for one in whole.of("Certificate"):
        made[one["spec"]["secretName"]] = {"tls.crt", "tls.key", "ca.crt"}
    return made


def services_made(whole: Whole) -> dict[str, set[int]]:
    """The Services that operators make, with their ports."""
    made = {
        one["metadata"]["name"]: set(RABBITMQ_PORTS.values()) for one in whole.of("RabbitmqCluster")
    }
    for one in whole.of("Cluster"):
        made |= {f"{one['metadata']['name']}-{which}": {5432} for which in ("rw", "ro", "r")}
    return made


def _broker(one: Object) -> Pods:
    name = one["metadata"]["name"]
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": "rabbitmq",
        "app.kubernetes.io/part-of": "rabbitmq",
    }
    return _made(one, labels | one["metadata"].get("labels", {}) | labels, RABBITMQ_PORTS)


def _database(one: Object) -> Pods:
    inherited = one["spec"].get("inheritedMetadata", {}).get("labels", {})
    labels = {"cnpg.io/cluster": one["metadata"]["name"], "cnpg.io/podRole": "instance"}
    return _made(one, inherited | labels, POSTGRES_PORTS)


def _made(owner: Object, labels: dict[str, str], ports: dict[str, int]) -> Pods:
    listed = [{"name": name, "containerPort": number} for name, number in ports.items()]
    spec = {"containers": [{"name": "made", "ports": listed}]}
    return Pods(owner=owner, template={"metadata": {"labels": labels}, "spec": spec})
