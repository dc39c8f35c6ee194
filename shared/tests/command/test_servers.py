"""The configurations of the private RabbitMQ node and the embedded PostgreSQL."""

from pathlib import Path

from hotspot.command.postgres import Cluster
from hotspot.command.rabbitmq import Node


def node(folder: Path) -> Node:
    return Node(
        folder=folder,
        amqp_port=8020,
        management_port=8021,
        distribution_port=8022,
        epmd_port=8023,
        password="secret",
        cookie="biscuit",
    )


def test_a_node_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    node(tmp_path).prepare()

    configuration = (tmp_path / "rabbitmq.conf").read_text()
    assert "listeners.tcp.1 = 127.0.0.1:8020" in configuration
    assert "management.tcp.ip = 127.0.0.1" in configuration
    environment = node(tmp_path).environment()
    assert environment["ERL_EPMD_ADDRESS"] == "127.0.0.1"
    assert "{127,0,0,1}" in environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]


def test_the_cookie_is_read_only_and_can_be_written_again(tmp_path: Path) -> None:
    node(tmp_path).prepare()
    node(tmp_path).prepare()

    cookie = tmp_path / ".erlang.cookie"
    assert cookie.read_text() == "biscuit"
    assert cookie.stat().st_mode & 0o777 == 0o400


def test_the_addresses_carry_the_login(tmp_path: Path) -> None:
    assert node(tmp_path).amqp_url == "amqp://hotspot:secret@127.0.0.1:8020"
    assert node(tmp_path).management_url == "http://hotspot:secret@127.0.0.1:8021"


def test_a_cluster_is_reached_by_tcp_with_a_password(tmp_path: Path) -> None:
    cluster = Cluster(folder=tmp_path, port=8030, password="secret")

    assert cluster.admin_url == "postgresql://postgres:secret@127.0.0.1:8030/postgres"
    assert cluster.url("payment", "pw", "payment").endswith("payment:pw@127.0.0.1:8030/payment")
