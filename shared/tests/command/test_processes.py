"""The table of programs, and supervisor's configuration made of it."""

import shlex
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from hotspot.command import processes, services
from hotspot.command.home import Home
from hotspot.command.processes import Program


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "100% of it's state"
    made = Home(path=folder, venv=folder / "venv")
    made.make()
    return made


def table(home: Home, **scale: int) -> list[Program]:
    environments = {service: {"PORT": "1"} for service in services.RUNNING}
    return processes.services(
        python=home.python, environments=environments, groups=services.scaled(scale)
    )


def read_by_supervisor(home: Home, programs: list[Program]) -> ServerOptions:
    processes.write(home, programs)
    options = ServerOptions()
    options.realize(["-n", "-c", str(processes.configuration_file(home))], doc="", progname="x")
    return options


def test_supervisor_reads_what_the_table_says(home: Home) -> None:
    programs = table(home)

    options = read_by_supervisor(home, programs)

    read = {
        process.name: shlex.split(process.command)
        for group in options.process_group_configs
        for process in group.process_configs
    }
    expected = {name: list(program.argv) for program in programs for name in program.processes()}
    assert read == expected


def test_each_process_has_a_log_of_its_own(home: Home) -> None:
    options = read_by_supervisor(home, table(home))

    logs = [
        (process.name, process.stdout_logfile)
        for group in options.process_group_configs
        for process in group.process_configs
    ]
    assert all(file == str(home.log_of(name)) for name, file in logs)
    assert len({file for _, file in logs}) == len(logs)


def test_the_groups_mirror_the_documented_ones(home: Home) -> None:
    options = read_by_supervisor(home, table(home))

    groups = {
        group.name: [process.name for process in group.process_configs]
        for group in options.process_group_configs
    }
    assert groups["hotspot"] == [
        "provisioning-hotspot-1",
        "provisioning-hotspot-2",
        "radius-hotspot-1",
    ]
    assert groups["mpesa"] == ["payment-mpesa-1"]
    assert groups["radius"] == ["radius-server"]
    assert "gateway-web" in groups["web"]


def test_several_radius_servers_share_their_port(home: Home) -> None:
    (server,) = [one for one in table(home, radius=2) if one.group == "radius"]

    assert server.processes() == ["radius-server-1", "radius-server-2"]


def test_one_process_serves_what_operators_ask_of_the_quiet_services(home: Home) -> None:
    environments = {
        service: {"PORT": str(8000 + n), "LOG_LEVEL": "INFO"}
        for n, service in enumerate(services.RUNNING)
    }
    programs = processes.services(
        python=home.python, environments=environments, groups=services.scaled({})
    )

    webs = {program.name: program for program in programs if program.group == "web"}

    assert set(webs) == {"payment-web", "gateway-web", "office-web"}
    served = webs["office-web"].argv[-2].split(",")
    assert {*served, "payment", "gateway"} == set(services.RUNNING)
    given = webs["office-web"].environment
    assert given["LOG_LEVEL"] == "INFO"
    assert "PORT" not in given
    assert given["RADIUS__PORT"] == environments["radius"]["PORT"]
    assert webs["payment-web"].environment == environments["payment"]


def test_what_uses_the_servers_is_stopped_before_them(home: Home) -> None:
    server = Program(name="postgres", group="postgres", argv=["true"], environment={})

    options = read_by_supervisor(home, [server, *table(home)])

    order = [group.name for group in sorted(options.process_group_configs)]
    assert order[0] == "postgres"
    assert order[1] == "setup"


def test_no_secret_is_in_the_configuration(home: Home) -> None:
    secret = Program(
        name="radius-server", group="radius", argv=["true"], environment={"KEY": "hush %(x)s\n"}
    )

    processes.write(home, [secret])

    assert "hush" not in processes.configuration_file(home).read_text()
    assert processes.environments([secret])["radius-server"]["environment"] == {
        "KEY": "hush %(x)s\n"
    }
    assert processes.environments_file(home).stat().st_mode & 0o077 == 0


def test_migrations_run_once_and_are_not_restarted(home: Home) -> None:
    options = read_by_supervisor(home, table(home))

    setup = next(group for group in options.process_group_configs if group.name == "setup")
    names = {process.name for process in setup.process_configs}
    assert {f"{service}-migrate" for service in services.RUNNING} | {"payment-seed"} <= names
    assert not any(process.autorestart for process in setup.process_configs)


def test_the_group_of_each_process_is_known_afterwards(home: Home) -> None:
    assert processes.groups(home) == {}

    processes.write(home, table(home))

    assert processes.groups(home)["notification-payments-1"] == "payments"
