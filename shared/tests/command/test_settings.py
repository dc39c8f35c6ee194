"""What each service is told, and whose value wins."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hotspot.command import ports, secrets, settings
from hotspot.command.secrets import Secrets
from hotspot.command.services import RUNNING
from hotspot.command.settings import Outside, SettingsMissing


@pytest.fixture
def kept(tmp_path: Path) -> Secrets:
    return secrets.load(tmp_path / "secrets.json", opens=tmp_path / "data")


def told(
    kept: Secrets, given: Mapping[str, str], *, simulators: bool = True
) -> dict[str, dict[str, str]]:
    outside = Outside(
        amqp_url="amqp://broker/",
        management_url="http://broker:15672",
        database_urls={service: f"postgresql://db/{service}" for service in RUNNING},
        simulators=simulators,
        spool=Path("/spool"),
        logs=Path("/logs"),
    )
    planned = ports.plan({}, lambda *_: True)
    return settings.of_services(outside=outside, ports=planned, secrets=kept, given=given)


def test_each_service_sees_its_own_database_and_nobody_elses(kept: Secrets) -> None:
    services = told(kept, {"DATABASE_URL_GATEWAY": "postgresql://elsewhere/gateway"})

    for service, environment in services.items():
        assert environment["DATABASE_URL"] == f"postgresql://db/{service}"
        assert "DATABASE_URL_GATEWAY" not in environment


def test_only_the_gateway_may_sign_tokens(kept: Secrets) -> None:
    services = told(kept, {"JWT_PRIVATE_KEY": kept["jwt private key"]})

    holders = [name for name, environment in services.items() if "JWT_PRIVATE_KEY" in environment]
    assert holders == ["gateway"]
    assert len({environment["JWT_PUBLIC_KEY"] for environment in services.values()}) == 1


def test_the_scheduler_is_told_where_the_logs_and_the_queues_are(kept: Secrets) -> None:
    services = told(kept, {})

    assert services["scheduler"]["LOG_DIR"] == "/logs"
    assert services["scheduler"]["RABBITMQ_MANAGEMENT_URL"] == "http://broker:15672"
    assert "RABBITMQ_MANAGEMENT_URL" not in services["payment"]


def test_services_talk_to_the_simulators_where_nothing_else_is_named(kept: Secrets) -> None:
    services = told(kept, {})

    assert services["payment"]["DARAJA_BASE_URL"] == "http://127.0.0.1:8100/daraja"
    assert services["notification"]["SMS_BASE_URL"] == "http://127.0.0.1:8100/africastalking"
    assert services["radius"]["RADIUS_NAS"] == "127.0.0.1=testing123"


def test_this_machine_is_m_pesa_only_where_the_simulators_stand_in_for_it(kept: Secrets) -> None:
    daraja = {"DARAJA_BASE_URL": "https://daraja.example"}

    def sources(given: Mapping[str, str], *, simulators: bool = True) -> str | None:
        return told(kept, given, simulators=simulators)["payment"].get("MPESA_SOURCES")

    assert sources({}) == "127.0.0.1"
    assert sources(daraja) is None
    assert sources(daraja, simulators=False) is None
    assert sources({**daraja, "MPESA_SOURCES": "192.0.2.0/24"}) == "192.0.2.0/24"


def test_the_simulators_accept_what_the_services_send(kept: Secrets) -> None:
    planned = ports.plan({}, lambda *_: True)
    services = told(kept, {})

    accepted = settings.of_simulators(ports=planned, secrets=kept, given={})

    for name in (
        "DARAJA_CONSUMER_KEY",
        "DARAJA_CONSUMER_SECRET",
        "DARAJA_PASSKEY",
        "DARAJA_INITIATOR_NAME",
        "DARAJA_SECURITY_CREDENTIAL",
    ):
        assert accepted[name] == services["payment"][name]
    for name in ("SMS_USERNAME", "SMS_API_KEY"):
        assert accepted[name] == services["notification"][name]


def test_what_the_caller_gives_wins(kept: Secrets) -> None:
    given = {
        "DARAJA_BASE_URL": "https://daraja.example",
        "DARAJA_SHORTCODE": "600000",
        "SMS_PROVIDER": "log",
        "ENCRYPTION_KEYS": "a,b",
        "CALLBACK_BASE_URL": "https://hotspot.example",
        "RADIUS_HOST": "10.0.0.1",
        "LOG_LEVEL": "DEBUG",
    }

    services = told(kept, given)

    assert services["payment"]["DARAJA_BASE_URL"] == "https://daraja.example"
    assert services["payment"]["DARAJA_SHORTCODE"] == "600000"
    # The stand-in's initiator is nobody at Safaricom.
    assert "DARAJA_INITIATOR_NAME" not in services["payment"]
    assert services["payment"]["CALLBACK_BASE_URL"] == "https://hotspot.example"
    assert services["notification"]["SMS_PROVIDER"] == "log"
    assert services["radius"]["RADIUS_HOST"] == "10.0.0.1"
    assert services["gateway"]["ENCRYPTION_KEYS"] == "a,b"
    assert services["gateway"]["LOG_LEVEL"] == "DEBUG"


def test_the_callers_initiator_reaches_payment_service_alone(kept: Secrets) -> None:
    services = told(kept, {"DARAJA_INITIATOR_NAME": "api", "DARAJA_CERTIFICATE": "/etc/c.cer"})

    assert services["payment"]["DARAJA_INITIATOR_NAME"] == "api"
    assert services["payment"]["DARAJA_CERTIFICATE"] == "/etc/c.cer"
    assert "DARAJA_SECURITY_CREDENTIAL" not in services["payment"]
    assert "DARAJA_INITIATOR_NAME" not in services["gateway"]


def test_a_port_or_host_of_the_caller_reaches_no_service(kept: Secrets) -> None:
    services = told(kept, {"PORT": "5000", "HOST": "0.0.0.0"})

    assert {environment["HOST"] for environment in services.values()} == {"127.0.0.1"}
    assert services["gateway"]["PORT"] == "8000"


def test_calls_to_this_machine_pass_by_the_callers_proxy(kept: Secrets) -> None:
    services = told(kept, {"HTTP_PROXY": "http://proxy:3128", "no_proxy": "intranet"})

    assert services["payment"]["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert services["payment"]["HTTP_PROXY"] == "http://proxy:3128"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"DARAJA_BASE_URL": "https://daraja.example"}, True),
        ({"DARAJA_BASE_URL": "https://daraja.example", "SMS_PROVIDER": "log"}, False),
    ],
)
def test_simulators_stand_in_for_what_is_not_named(given: dict[str, str], expected: bool) -> None:
    assert settings.needs_simulators(given) is expected


def test_without_simulators_daraja_must_be_described() -> None:
    with pytest.raises(SettingsMissing, match=r"DARAJA_CONSUMER_KEY.*DARAJA_PASSKEY"):
        settings.check({"DARAJA_BASE_URL": "https://daraja.example"}, simulators=False)


def test_without_simulators_and_without_a_gateway_messages_are_logged(kept: Secrets) -> None:
    services = told(kept, {}, simulators=False)

    assert services["notification"]["SMS_PROVIDER"] == "log"
    assert "RADIUS_NAS" not in services["radius"]


def test_a_key_that_is_none_is_refused(kept: Secrets) -> None:
    with pytest.raises(SettingsMissing, match="JWT_PRIVATE_KEY"):
        told(kept, {"JWT_PRIVATE_KEY": "secret"})


def test_what_is_given_by_file_is_as_if_given(tmp_path: Path) -> None:
    (tmp_path / "amqp").write_text("amqp://u:p@h/\n")
    given = settings.with_files({"AMQP_URL_FILE": str(tmp_path / "amqp"), "LANG": "C"})
    assert given == {"AMQP_URL": "amqp://u:p@h/", "LANG": "C"}
    with pytest.raises(settings.SettingsMissing, match="AMQP_URL_FILE"):
        settings.with_files({"AMQP_URL_FILE": str(tmp_path / "missing")})
    with pytest.raises(settings.SettingsMissing, match="both set"):
        settings.with_files({"AMQP_URL": "a", "AMQP_URL_FILE": str(tmp_path / "amqp")})
