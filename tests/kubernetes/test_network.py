"""NetworkPolicies are understood as a network plugin understands them."""

import pytest

from .network import Peer, reaches
from .world import Object

WEB = Peer(name="web", labels={"app": "web"}, ports={"http": 8080})
STRANGER = Peer(name="stranger", labels={"app": "web"}, namespace="other")
MONITOR = Peer(name="monitor", namespace="m", namespace_labels={"team": "ops"})
OUTSIDE = Peer(name="outside", address="8.8.8.8")


def policy(**spec: object) -> Object:
    return {"spec": {"podSelector": {"matchLabels": {"app": "web"}}, **spec}}


CLOSED = policy(policyTypes=["Ingress", "Egress"])
FROM_MONITOR = policy(
    ingress=[
        {
            "from": [{"namespaceSelector": {"matchLabels": {"team": "ops"}}}],
            "ports": [{"port": "http"}],
        }
    ]
)
TO_INTERNET = policy(
    policyTypes=["Egress"],
    egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}],
)
FROM_ALL_PODS_HERE = policy(ingress=[{"from": [{"podSelector": {}}]}])
FROM_PORTS = policy(ingress=[{"ports": [{"port": 8000, "endPort": 8100}]}])


@pytest.mark.parametrize(
    ("policies", "source", "target", "port", "expected"),
    [
        ([], STRANGER, WEB, 8080, True),
        ([CLOSED], STRANGER, WEB, 8080, False),
        ([CLOSED], WEB, OUTSIDE, 443, False),
        ([CLOSED, FROM_MONITOR], MONITOR, WEB, 8080, True),
        ([CLOSED, FROM_MONITOR], MONITOR, WEB, 8081, False),
        ([CLOSED, FROM_MONITOR], STRANGER, WEB, 8080, False),
        ([CLOSED, TO_INTERNET], WEB, OUTSIDE, 443, True),
        ([CLOSED, TO_INTERNET], WEB, Peer(name="lan", address="10.0.0.1"), 443, False),
        ([CLOSED, TO_INTERNET], WEB, WEB, 8080, False),
        ([FROM_ALL_PODS_HERE], STRANGER, WEB, 8080, False),
        ([FROM_ALL_PODS_HERE], WEB, WEB, 8080, True),
        ([FROM_PORTS], OUTSIDE, WEB, 8050, True),
        ([FROM_PORTS], OUTSIDE, WEB, 8101, False),
    ],
)
def test_who_reaches_whom(
    policies: list[Object], source: Peer, target: Peer, port: int, expected: bool
) -> None:
    assert reaches(policies, source, target, port) is expected


def test_a_policy_for_tcp_says_nothing_of_udp() -> None:
    assert not reaches([FROM_MONITOR], MONITOR, WEB, 8080, "UDP")
