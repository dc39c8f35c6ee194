"""docker-compose.yml, by the real Compose: and what Compose itself does not see."""

import itertools
import json
import os
import re
import stat
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hotspot.command import compose_secrets
from hotspot.contract import table
from hotspot.testing.settings_read import Reading, Watched, settings_read
from simulators.config import read_settings

from .system import ROOT

PROFILES = ("demo", "freeradius")
SERVERS = {"postgres", "rabbitmq", "redis"}
NAMES = [service.name for service in table.SERVICES]
FOLDERS = {name: "gateway" if name == "gateway" else f"{name}-service" for name in NAMES}

# Everything that .env may say, so that no variable is only passed on where somebody sets it.
EVERYTHING = {
    "DARAJA_BASE_URL": "https://api.safaricom.co.ke",
    "DARAJA_SHORTCODE": "600000",
    "DARAJA_TRANSACTION_TYPE": "CustomerBuyGoodsOnline",
    "DARAJA_PARTY_B": "600001",
    "DARAJA_INITIATOR_NAME": "hotspot",
    "CALLBACK_BASE_URL": "https://wifi.example.co.ke",
    "VERIFY_CALLBACKS": "always",
    "MPESA_SOURCES": "196.201.214.0/24",
    "TRUSTED_PROXIES": "172.16.0.0/12",
    "SPOOL_MOST": "1000",
    "PROVIDER_NAME": "Zuri",
    "PORTAL_URL": "https://wifi.example.co.ke",
    "PORTAL_COLOUR": "#0a5c36",
    "LOGIN_HOSTS": "login.example.co.ke",
    "SUBSCRIPTION_GRACE_DAYS": "4",
    "CONTROLLER_ADDRESSES": "192.0.2.10",
    "CONNECT_BASE_URL": "https://routers.example.co.ke",
    "RADIUS_ADDRESS": "192.0.2.10",
    "RADIUS_COA_PORT": "3799",
    "SESSION_TIMER": "on",
    "WIREGUARD_ENDPOINT": "vpn.example.co.ke:51820",
    "WIREGUARD_PUBLIC_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "WIREGUARD_ADDRESS": "10.99.0.1/16",
    "SMS_PROVIDER": "advanta",
    "SMS_BASE_URL": "https://sms.example.co.ke",
    "SMS_USERNAME": "1234",
    "SMS_SENDER_ID": "ZURI",
    "SMS_LANGUAGE": "sw",
    "PAYBILL": "600000",
    "ALARM_PHONES": "0712345678",
    "GRACE_PERIOD_AT": "00:30",
    "ROTATE_LOGS_AT": "03:00",
    "PAYMENT_REMINDERS_AT": "09:00",
    "WEB_WORKERS": "2",
}


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A folder that `./hotspot compose-secrets` has been in."""

    secrets: Path
    env: Path

    def contents(self) -> dict[str, str]:
        """Each secret as it is mounted."""
        return {f"/run/secrets/{file.name}": file.read_text() for file in self.secrets.iterdir()}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    folder = tmp_path_factory.mktemp("compose")
    prepared = Prepared(secrets=folder / "secrets", env=folder / "env")
    compose_secrets.make(prepared.secrets, prepared.env, demo=True)
    return prepared


def compose(
    env: Path | None = None, *profiles: str, **given: str
) -> "subprocess.CompletedProcess[str]":
    """`docker compose config`, with nothing of the caller's environment."""
    chosen = [argument for profile in profiles for argument in ("--profile", profile)]
    program = str(Path(sys.executable).with_name("docker-compose"))
    return subprocess.run(
        [program, "--env-file", str(env or os.devnull), *chosen, "config", "--format", "json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **given},
        capture_output=True,
        text=True,
        check=False,
    )


def configured(env: Path | None = None, *profiles: str, **given: str) -> dict[str, Any]:
    done = compose(env, *profiles, **given)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Every service of every profile, as it stands in the file."""
    found: dict[str, Any] = configured(None, *PROFILES)["services"]
    return found


def service_of(definition: dict[str, Any]) -> str | None:
    """The service of the contract whose image a container runs."""
    folder = definition["image"].removeprefix("hotspot/").partition(":")[0]
    return next((name for name, known in FOLDERS.items() if known == folder), None)


@pytest.mark.parametrize("chosen", [(), ("demo",), ("freeradius",), PROFILES])
def test_the_file_is_clean_in_every_profile_with_settings_and_without(
    chosen: tuple[str, ...], demo: Prepared
) -> None:
    for env in (None, demo.env):
        assert configured(env, *chosen)["name"] == "hotspot"


def test_images_are_ours_by_the_agreed_names_or_well_known(services: dict[str, Any]) -> None:
    images = {definition["image"] for definition in services.values()}
    ours = {f"hotspot/{name}:0.1.0" for name in [*FOLDERS.values(), "simulators", "freeradius"]}
    assert images == ours | {"postgres:17", "rabbitmq:4-management", "redis:7"}
    built = {
        one["build"]["dockerfile"]: one["image"] for one in services.values() if "build" in one
    }
    assert set(built.values()) == ours
    for dockerfile in built:
        assert (ROOT / dockerfile).is_file()


def test_every_group_of_the_contract_has_its_workers(services: dict[str, Any]) -> None:
    wanted = {(queue.of.name, queue.group.name) for queue in table.QUEUES}
    found = Counter[tuple[str | None, str]]()
    for definition in services.values():
        command = definition.get("command") or []
        if command[:1] in (["worker"], ["scheduler"]):
            found[service_of(definition), command[-1]] += definition.get("scale", 1)
    assert set(found) == wanted
    for group in table.GROUPS:
        processes = sum(count for (_, name), count in found.items() if name == group.name)
        members = sum(name == group.name for _, name in wanted)
        assert processes == max(group.processes, members)
    assert {name for name in services if name.endswith("-web")} == {f"{name}-web" for name in NAMES}


@pytest.mark.parametrize("settings", ["the demo's", "all there are"])
def test_services_read_all_that_is_set_and_are_given_all_they_need(
    settings: str, demo: Prepared
) -> None:
    given = {} if settings == "the demo's" else EVERYTHING
    found = configured(demo.env, *PROFILES, **given)["services"]
    for name, definition in found.items():
        service = service_of(definition)
        if service is None:
            continue
        environment = definition["environment"]
        told = {key: value for key, value in environment.items() if value is not None}
        if given:
            assert told == environment, f"{name}: a setting is passed on that EVERYTHING lacks"
        mounted = {secret["target"] for secret in definition["secrets"]}
        files = {path: text for path, text in demo.contents().items() if path in mounted}
        reading = settings_read(service, _of_the_image(service) | told, files)
        assert (name, reading.problem) == (name, None)
        assert (name, reading.unread(told)) == (name, set())
        unread = mounted - {told[key] for key in told if key.endswith("_FILE")}
        assert (name, unread) == (name, set())


def _of_the_image(service: str) -> dict[str, str]:
    """What the image's ENV says; of which the service reads what it knows."""
    text = (ROOT / FOLDERS[service] / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(pair for line in lines for pair in re.findall(r"([A-Z_]+)=(\S+)", line))


def test_the_stand_ins_read_all_that_is_set(demo: Prepared) -> None:
    definition = configured(demo.env, "demo")["services"]["simulators"]
    told = {
        name: value.replace("/run/secrets", str(demo.secrets))
        for name, value in definition["environment"].items()
    }
    environment = Watched({"SIMULATORS_PORT": "8080"} | told)
    settings = read_settings(environment)
    assert settings.daraja_initiator_name == "hotspot"
    reading = Reading(asked=frozenset(environment.asked), required=frozenset(), problem=None)
    assert reading.unread(told) == set()


def test_a_real_outside_that_is_not_described_stops_the_first_process_by_name(
    tmp_path: Path,
) -> None:
    made = compose_secrets.make(tmp_path / "secrets", tmp_path / "env", demo=False)
    assert set(made.to_fill) == set(compose_secrets.OF_THE_OUTSIDE)
    prepared = Prepared(secrets=tmp_path / "secrets", env=tmp_path / "env")
    found = configured(prepared.env)["services"]
    missing = {
        "payment": "DARAJA_",
        "router": "CONTROLLER_ADDRESSES",
        "notification": "SMS_PROVIDER",
    }
    for service in NAMES:
        environment = found[f"{service}-migrate"]["environment"]
        told = {name: value for name, value in environment.items() if value is not None}
        reading = settings_read(service, _of_the_image(service) | told, prepared.contents())
        assert (reading.problem is None) == (service not in missing), (service, reading.problem)
        assert missing.get(service, "") in (reading.problem or "")


def test_no_service_shares_a_network_with_another_except_by_the_gateway(
    services: dict[str, Any],
) -> None:
    members = [
        (name, service_of(definition), set(definition["networks"]))
        for name, definition in services.items()
        if service_of(definition) not in (None, "gateway")
    ]
    for (one, its, here), (other, others, there) in itertools.combinations(members, 2):
        if its != others:
            # Routers must be reached by those who talk with them, all of whom serve no HTTP.
            assert here & there <= {"routers"}, (one, other)
    assert not [name for name, _, networks in members if "routers" in networks and "web" in name]
    assert set(services["gateway-worker-general"]["networks"]) == {"gateway"}


def test_nothing_starts_before_its_database_has_its_tables(services: dict[str, Any]) -> None:
    for name, definition in services.items():
        service = service_of(definition)
        if service is None or name == f"{service}-migrate":
            continue
        assert (name, _done_before(services, name) >= {f"{service}-migrate"}) == (name, True)
        for needed, wait in definition["depends_on"].items():
            once = needed.endswith(("-migrate", "-seed"))
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert wait["condition"] == wanted
    assert "radius-migrate" in _done_before(services, "freeradius")


def _done_before(services: dict[str, Any], name: str) -> set[str]:
    direct = set(services[name].get("depends_on") or ())
    return direct.union(*(_done_before(services, one) for one in direct))


def test_containers_may_do_nothing_that_they_need_not(services: dict[str, Any]) -> None:
    for name, definition in services.items():
        assert definition["cap_drop"] == ["ALL"], name
        assert definition["security_opt"] == ["no-new-privileges:true"], name
        assert definition.get("read_only", False) is (name != "rabbitmq"), name
        assert not {"privileged", "cap_add", "network_mode", "pid"} & set(definition), name
        once = name.endswith(("-migrate", "-seed"))
        assert definition["restart"] == ("no" if once else "unless-stopped"), name
        if not once:
            image_checks = name == "freeradius"  # its image does
            assert definition.get("healthcheck", {}).get("test") or image_checks, name
        for port in definition.get("ports", ()):
            assert port["host_ip"] == "127.0.0.1", name


def test_secrets_are_files_and_stand_nowhere_else(demo: Prepared) -> None:
    found = configured(demo.env, *PROFILES, SECRETS_DIR=str(demo.secrets))
    written = json.dumps(found["services"])
    for file, secret in demo.contents().items():
        assert secret.strip() not in written, file
    assert not re.search(r"://[^/\"]*:[^/\"]*@", written)
    declared = {Path(secret["file"]) for secret in found["secrets"].values()}
    made = set(demo.secrets.iterdir())
    assert made - declared == {demo.secrets / "rabbitmq_password"}  # of which others are made
    assert declared <= made
    used = {one["source"] for each in found["services"].values() for one in each.get("secrets", ())}
    assert used == set(found["secrets"])


def test_secrets_are_made_once_and_never_changed(demo: Prepared) -> None:
    before = demo.contents()
    again = compose_secrets.make(demo.secrets, demo.env, demo=True)
    assert (again.written, again.to_fill, demo.contents()) == ((), (), before)
    with pytest.raises(compose_secrets.WouldOverwrite, match="stand-ins"):
        compose_secrets.make(demo.secrets, demo.env, demo=False)
    assert stat.S_IMODE(demo.secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in demo.secrets.iterdir()} == {0o644}


def test_what_an_operator_filled_in_stays(tmp_path: Path) -> None:
    compose_secrets.make(tmp_path / "secrets", tmp_path / "env", demo=False)
    (tmp_path / "secrets" / "daraja_passkey").write_text("from Safaricom")
    (tmp_path / "secrets" / "amqp_url").unlink()
    again = compose_secrets.make(tmp_path / "secrets", tmp_path / "env", demo=False)
    assert again.written == ("amqp_url",)
    assert "daraja_passkey" not in again.to_fill
    password = (tmp_path / "secrets" / "rabbitmq_password").read_text()
    assert password in (tmp_path / "secrets" / "amqp_url").read_text()
