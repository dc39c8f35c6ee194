"""Who reaches whom, worked out from the NetworkPolicies as a network plugin would."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotspot.contract import table

from .matching import selected
from .operators import pods_made
from .world import Object, Pods, Whole, matches

HOME = "hotspot"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """One end of a connection: a pod with its namespace's labels, or an address outside."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = HOME
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None
    ports: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, pods: Pods) -> "Peer":
        """One of these pods."""
        named = {name: number for name, number, _ in pods.ports() if name}
        return cls(name=pods.name, labels=pods.labels, ports=named)


def reaches(
    policies: Sequence[Object], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a connection is let out where it begins and in where it ends."""
    to = _Port(target, port, protocol)
    return _allows(policies, "Egress", source, target, to) and _allows(
        policies, "Ingress", target, source, to
    )


@dataclass(frozen=True)
class _Port:
    """Where a connection ends: a name in a policy means a port of that pod."""

    of: Peer
    number: int
    protocol: str


def _allows(policies: Sequence[Object], way: str, here: Peer, there: Peer, to: _Port) -> bool:
    """What the policies that select `here` say of `there`; they are only about pods of ours."""
    if here.address is not None or here.namespace != HOME:
        return True
    about = [
        policy["spec"]
        for policy in policies
        if way in _ways(policy["spec"]) and matches(policy["spec"]["podSelector"], here.labels)
    ]
    side, list_of = ("to", "egress") if way == "Egress" else ("from", "ingress")
    return not about or any(
        _takes_port(rule, to) and _takes_peer(rule, side, there)
        for spec in about
        for rule in spec.get(list_of, []) or []
    )


def _ways(spec: Mapping[str, Any]) -> Sequence[str]:
    without = ["Ingress", "Egress"] if "egress" in spec else ["Ingress"]
    ways: Sequence[str] = spec.get("policyTypes", without)
    return ways


def _takes_port(rule: Mapping[str, Any], to: _Port) -> bool:
    if not rule.get("ports"):
        return True
    for one in rule["ports"]:
        wanted = one.get("port", to.number)
        first = to.of.ports.get(wanted, -1) if isinstance(wanted, str) else wanted
        last = one.get("endPort", first)
        if one.get("protocol", "TCP") == to.protocol and first <= to.number <= last:
            return True
    return False


def _takes_peer(rule: Mapping[str, Any], side: str, peer: Peer) -> bool:
    if not rule.get(side):
        return True
    return any(_is(one, peer) for one in rule[side])


def _is(one: Mapping[str, Any], peer: Peer) -> bool:
    if "ipBlock" in one:
        # Pods have addresses of 10/8 here, as in most clusters.
        address = ipaddress.ip_address(peer.address or "10.1.2.3")
        block = one["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(cidr) for cidr in block.get("except", [])
        )
    if peer.address is not None:
        return False
    if "namespaceSelector" in one:
        named = {"kubernetes.io/metadata.name": peer.namespace, **peer.namespace_labels}
        if not matches(one["namespaceSelector"], named):
            return False
    elif peer.namespace != HOME:
        return False
    return matches(one.get("podSelector", {}), peer.labels)


def apart(whole: Whole) -> Iterator[str]:
    """Pods that reach another service's; the gateway's web is the clients' door to all."""
    policies = whole.of("NetworkPolicy")
    ours = [pods for pods in whole.pods() if pods.service]
    for source in ours:
        for target in ours:
            same = source.service == target.service
            is_door = source.owner["metadata"]["name"] == "gateway-web"
            for _, port, protocol in target.ports():
                may = is_door and (port, protocol) == (8080, "TCP")
                if same or may:
                    continue
                if reaches(policies, Peer.of(source), Peer.of(target), port, protocol):
                    yield f"{source.name} reaches {target.name}:{port}"


def served(whole: Whole) -> Iterator[str]:
    """What the gateway, the databases' and the broker's users need, and cannot reach."""
    policies = whole.of("NetworkPolicy")
    pods = [one for one in whole.pods() if one.service]
    brokers = [one for one in _stores(whole) if one.has_port(5672)]
    for one in pods:
        is_setup = one.labels.get("app.kubernetes.io/component") == "setup"
        for broker in brokers if not is_setup else []:
            if not reaches(policies, Peer.of(one), Peer.of(broker), 5672):
                yield f"{one.name} does not reach {broker.name}"
        if not any(
            reaches(policies, Peer.of(one), Peer.of(store), 5432) for store in _stores(whole)
        ):
            yield f"{one.name} reaches no database"
    gateway = Peer.of(whole.pods_of("gateway-web"))
    yield from _counted(whole)
    for web in pods:
        is_asked = web.containers[0].get("args") == ["web"] and web.service != table.GATEWAY.name
        if is_asked and not reaches(policies, gateway, Peer.of(web), 8080):
            yield f"the gateway does not reach {web.name}"


def _counted(whole: Whole) -> Iterator[str]:
    """Who shows queues asks RabbitMQ how long they are; who limits guests counts them in Redis."""
    policies = whole.of("NetworkPolicy")
    brokers = [one for one in _stores(whole) if one.has_port(15672)]
    asked = [(name, one, 15672) for name in ("gateway-web", "scheduler") for one in brokers]
    for name, store, port in [*asked, ("gateway-web", whole.pods_of("redis"), 6379)]:
        if not reaches(policies, Peer.of(whole.pods_of(name)), Peer.of(store), port):
            yield f"{name} does not reach {store.name}:{port}"


def nobody(whole: Whole) -> Iterator[str]:
    """Pods that are reached, or reach, because no policy is about them."""
    for policy in whole.of("NetworkPolicy"):
        spec = policy["spec"]
        is_closed = not spec.get("ingress") and not spec.get("egress")
        if not spec["podSelector"] and len(_ways(spec)) == 2 and is_closed:
            return
    yield "no policy denies what none allows"


def own_database(whole: Whole) -> Iterator[str]:
    """Services that reach a database server which holds none of theirs, or the broker's console."""
    policies = whole.of("NetworkPolicy")
    for one in whole.pods():
        for store in _stores(whole):
            holds = {
                label.removeprefix("hotspot/database-of-")
                for label in store.labels
                if label.startswith("hotspot/database-of-")
            }
            is_of_others = store.has_port(5432) and one.service not in holds
            if is_of_others and reaches(policies, Peer.of(one), Peer.of(store), 5432):
                yield f"{one.name} reaches {store.name}, which holds nothing of its service"


def strangers(whole: Whole) -> Iterator[str]:
    """Pods of other namespaces, and addresses outside, that reach more than the doors."""
    policies = whole.of("NetworkPolicy")
    stranger = Peer(name="a stranger", namespace="other")
    outside = Peer(name="the internet", address="197.248.1.1")
    for target in [*whole.pods(), *_stores(whole)]:
        for name, port, protocol in target.ports():
            if reaches(policies, stranger, Peer.of(target), port, protocol) or reaches(
                policies, outside, Peer.of(target), port, protocol
            ):
                if not (name or "").startswith("radius-"):
                    yield f"strangers reach {target.name}:{port}"
            elif (name or "").startswith("radius-"):
                yield f"routers do not reach {target.name}:{port}"


# Namespaces of others bear these labels, as docs/deploy.md tells: what their pods must reach.
INGRESS = Peer(
    name="the ingress controller",
    namespace="ingress-nginx",
    namespace_labels={"hotspot/ingress": "allowed"},
)
KEDA = Peer(name="KEDA", namespace="keda", namespace_labels={"hotspot/autoscaling": "allowed"})
OPERATORS = Peer(
    name="an operator", namespace="operators", namespace_labels={"hotspot/operators": "allowed"}
)


# cert-manager answers from such a pod that the host is ours.
_PROVING = Pods(
    owner={"kind": "Pod", "metadata": {"name": "cm-acme-http-solver"}},
    template={
        "metadata": {"labels": {"acme.cert-manager.io/http01-solver": "true"}},
        "spec": {"containers": []},
    },
)


def neighbours(whole: Whole) -> Iterator[str]:
    """What the ingress controller, KEDA and the operators must reach, and do not."""
    needed: list[tuple[Peer, Pods, int]] = []
    for ingress in whole.of("Ingress"):
        if "cert-manager.io/cluster-issuer" in ingress["metadata"].get("annotations", {}):
            needed.append((INGRESS, _PROVING, 8089))
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = whole.find("Service", path["backend"]["service"]["name"])
                found = selected(service, whole) if service else []
                needed += [(INGRESS, pods, 8080) for pods in found]
    for broker in (pods for pods in _stores(whole) if pods.has_port(15672)):
        needed += [(KEDA, broker, 15672)] if whole.of("ScaledObject") else []
        needed += [(OPERATORS, broker, 15672)] if whole.of("RabbitmqCluster") else []
    for pods in pods_made(whole):
        if pods.has_port(5432):
            needed += [(OPERATORS, pods, 8000), (Peer.of(pods), pods, 5432)]
        else:
            needed += [(Peer.of(pods), pods, port) for port in (4369, 25672)]
    for source, target, port in needed:
        if not reaches(whole.of("NetworkPolicy"), source, Peer.of(target), port):
            yield f"{source.name} does not reach {target.name}:{port}"


# Who calls whom outside: an address, a port and a protocol that stand for it.
_MPESA_OR_SMS = ("197.248.1.1", 443, "TCP")
_ROUTER_API = ("10.20.0.7", 8728, "TCP")
_COA = ("10.20.0.7", 3799, "UDP")
CALLERS: Mapping[tuple[str, int, str], set[str]] = {
    _MPESA_OR_SMS: {"payment-worker-mpesa", "notification-worker-payments"},
    _ROUTER_API: {"router-worker-routers", "router-worker-general", "router-worker-office"},
    _COA: {"radius-worker-general"},
}


def outside(whole: Whole) -> Iterator[str]:
    """Pods that cannot call whom they must call, and those that call out and need not."""
    policies = whole.of("NetworkPolicy")
    for (address, port, protocol), callers in CALLERS.items():
        there = Peer(name=address, address=address)
        for pods in whole.pods():
            name = pods.owner["metadata"]["name"]
            may = reaches(policies, Peer.of(pods), there, port, protocol)
            if name in callers and not may:
                yield f"{pods.name} does not reach {address}:{port}"
            if may and name not in callers:
                yield f"{pods.name} reaches {address}:{port}, and need not"


def names(whole: Whole) -> Iterator[str]:
    """Pods that cannot ask for an address by its name."""
    dns = Peer(
        name="dns", namespace="kube-system", labels={"k8s-app": "kube-dns"}, ports={"dns": 53}
    )
    for pods in whole.pods():
        for protocol in ("UDP", "TCP"):
            if not reaches(whole.of("NetworkPolicy"), Peer.of(pods), dns, 53, protocol):
                yield f"{pods.name} does not reach the DNS by {protocol}"


def _stores(whole: Whole) -> list[Pods]:
    """Brokers and databases: the operators', or plain ones of ours."""
    plain = [pods for pods in whole.pods() if not pods.service and not pods.ends]
    return [*pods_made(whole), *plain]


CHECKS: Sequence[Callable[[Whole], Iterator[str]]] = (
    nobody,
    apart,
    served,
    own_database,
    strangers,
    neighbours,
    outside,
    names,
)
