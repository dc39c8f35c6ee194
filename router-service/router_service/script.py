"""The connectivity script: pasted once into a router's terminal, and the router is ours to manage.

Each line stands for itself, so that a line that an older RouterOS does not understand costs no
other; whatever may be missing is guarded by `:do { } on-error={ }`. Pasted twice it finds its own
things, by name or by the comment `hotspot`, and sets them again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from router_service.config import Controller, WireGuard

# Ours on the router: found again by these, and nothing else is touched.
MARK = "hotspot"
GROUP = "hotspot-api"
TUNNEL = "hotspot-wg"
CERTIFICATE = "hotspot-api"
# No `policy` (users and groups), `sensitive`, `reboot`, `password`: the API never needs them.
POLICIES = "api,read,write,test,ftp"
TUNNEL_MTU = 1420  # what an IPv4 packet over PPPoE or LTE leaves inside WireGuard
KEEPALIVE = "25s"  # shorter than the time after which carriers forget an idle UDP flow
# Longer than RouterOS's own: a RADIUS server behind a tunnel must not be given up too soon.
RADIUS_TIMEOUT = "3s"


@dataclass(frozen=True, kw_only=True)
class Paste:
    """What the script of one router is made of; secrets are open here, for the operator's eyes.

    `tunnel_address` is set where the router shall dial the controller by WireGuard.
    """

    name: str
    username: str
    password: str
    api_port: int
    api_tls: bool
    radius_secret: str
    connect_url: str
    tunnel_address: str | None = None


def script(paste: Paste, controller: Controller) -> str:
    """The text to paste. RouterOS 7.14 and later; 6.49 as far as it goes (no WireGuard)."""
    lines = [
        "# Connects this router to the hotspot system. Paste all of it into a terminal",
        "# (RouterOS 7.14 or later). It may be pasted again at any time.",
        f":put {quoted(f'Connecting {paste.name} to the hotspot system')}",
        *_user(paste, controller),
        *_api(paste, controller),
        *_tunnel(paste, controller.wireguard),
        *_firewall(paste, controller),
        *_radius(paste, controller),
        *_phone_home(paste),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A string literal of RouterOS's language. `?` asks a terminal for help unless escaped."""
    for special in ("\\", '"', "$", "?"):
        text = text.replace(special, "\\" + special)
    return f'"{text}"'


def _user(paste: Paste, controller: Controller) -> Iterator[str]:
    """A user that may do what we need, from where we are; one that was there keeps its rights."""
    group, name = quoted(GROUP), quoted(paste.username)
    yield _ours("/user group", f"name={group}", f"policy={POLICIES}")
    allowed = quoted(",".join(_seen_from(paste, controller)))
    attributes = f"password={quoted(paste.password)} address={allowed}"
    yield (
        f":if ([:len [/user find name={name}]] = 0)"
        f" do={{ /user add name={name} group={group} comment={quoted(MARK)} {attributes} }}"
        f" else={{ /user set [find name={name} group={group}] {attributes} }}"
    )


def _api(paste: Paste, controller: Controller) -> Iterator[str]:
    """The API, for the controller alone; with TLS by a certificate that the router makes."""
    # A service that others use too must not be closed to them: its own address list stays as it
    # is; the firewall and the user's address guard ours.
    service = "api-ssl" if paste.api_tls else "api"
    closed = quoted(f"/ip service {service} has an address list: add the controller to it")
    yield (
        f":if ([:len [/ip service get {service} address]] = 0) do={{ }} else={{ :put {closed} }}"
    )
    if not paste.api_tls:
        yield f"/ip service set api disabled=no port={paste.api_port}"
        return
    name = quoted(CERTIFICATE)
    yield _guarded(
        f":if ([:len [/certificate find name={name}]] = 0) do={{"
        f" /certificate add name={name} common-name={name} days-valid=3650 key-size=2048;"
        f" /certificate sign {name} }}",
        "The certificate could not be made: check the router's clock",
    )
    yield _guarded(
        f"/ip service set api-ssl certificate={name} disabled=no port={paste.api_port}",
        "The API could not be served by TLS: register the router again without it",
    )


def _tunnel(paste: Paste, wireguard: WireGuard | None) -> Iterator[str]:
    """WireGuard to the controller. The key pair is made here; the private key never leaves."""
    if wireguard is None or paste.tunnel_address is None:
        return
    name = quoted(TUNNEL)
    unable = "No WireGuard here (RouterOS 7 has it): the router must be reachable by its address"
    yield _guarded(_ours("/interface wireguard", f"name={name}", f"mtu={TUNNEL_MTU}"), unable)
    yield _guarded(
        _ours(
            "/interface wireguard peers",
            f"interface={name}",
            f"public-key={quoted(wireguard.public_key)}"
            f" endpoint-address={quoted(wireguard.endpoint_host)}"
            f" endpoint-port={wireguard.endpoint_port}"
            f" allowed-address={wireguard.interface.ip}/32"
            f" persistent-keepalive={KEEPALIVE} comment={quoted(MARK)}",
        ),
        unable,
    )
    address = f"{paste.tunnel_address}/{wireguard.network.prefixlen}"
    yield _guarded(
        _ours("/ip address", f"interface={name}", f"address={address} comment={quoted(MARK)}"),
        unable,
    )


def _firewall(paste: Paste, controller: Controller) -> Iterator[str]:
    """Let the controller in: a router's own rules drop what comes from the internet."""
    # In front of the first rule for what comes in, which may drop it. `place-before=0` would mean
    # a rule that the router made itself, and be refused; where there is no rule, anything is.
    first = "[:pick [/ip firewall filter find chain=input dynamic=no] 0]"
    for number, source in enumerate(_seen_from(paste, controller), start=1):
        for protocol, port in (("tcp", paste.api_port), ("udp", controller.coa_port)):
            comment = quoted(f"{MARK}: controller {number} {protocol}")
            rule = (
                f"chain=input action=accept protocol={protocol} dst-port={port}"
                f" src-address={source}"
            )
            yield (
                f":if ([:len [/ip firewall filter find comment={comment}]] = 0) do={{"
                f" :do {{ /ip firewall filter add {rule} comment={comment} place-before={first} }}"
                f" on-error={{ /ip firewall filter add {rule} comment={comment} }} }}"
                f" else={{ /ip firewall filter set [find comment={comment}] {rule} }}"
            )


def _radius(paste: Paste, controller: Controller) -> Iterator[str]:
    """RADIUS for the hotspot, and Disconnect-Requests from there on a port that is named."""
    mark = quoted(MARK)
    ports = (
        f"authentication-port={controller.radius_auth_port}"
        f" accounting-port={controller.radius_acct_port}"
        f" secret={quoted(paste.radius_secret)} timeout={RADIUS_TIMEOUT}"
    )
    found_by = f"comment={mark}"
    direct = _ours(
        "/radius", found_by, f"service=hotspot address={controller.radius_address} {ports}"
    )
    if paste.tunnel_address is None:
        yield direct
    else:
        tunnelled = _ours(
            "/radius",
            found_by,
            f"service=hotspot address={controller.radius_for(paste.tunnel_address)} {ports}"
            f" src-address={paste.tunnel_address}",
        )
        # A RouterOS without WireGuard has no tunnel, and is asked for at its own address.
        yield (
            f":if ([:len [/interface find name={quoted(TUNNEL)}]] = 0)"
            f" do={{ {direct} }} else={{ {tunnelled} }}"
        )
    yield _guarded(
        f"/radius set [find {found_by}] require-message-auth=yes-for-request-resp",
        "This RouterOS cannot check signatures (7.15 can): update it soon",
    )
    yield f"/radius incoming set accept=yes port={controller.coa_port}"


def _phone_home(paste: Paste) -> Iterator[str]:
    """Tell the controller who this is; the identity comes last, for it may hold any character.

    First without the tunnel's key: a RouterOS without WireGuard cannot even read the line with it.
    """
    told = (
        '"&version=" . [/system resource get version] . "&model=" . '
        '[/system resource get board-name] . "&identity=" . [/system identity get name]'
    )
    unable = "The hotspot system did not answer: check the router's internet access, paste again"
    keys = ['"key="']
    if paste.tunnel_address is not None:
        key = f"[/interface wireguard get [find name={quoted(TUNNEL)}] public-key]"
        keys.append(f'"key=" . {key}')
    for key in keys:
        yield _guarded(
            f"/tool fetch url={quoted(paste.connect_url)} http-method=post output=none"
            f" http-data=({key} . {told})",
            unable,
        )


def _seen_from(paste: Paste, controller: Controller) -> list[str]:
    """The addresses that the controller has in this router's eyes."""
    if controller.wireguard is None or paste.tunnel_address is None:
        return list(controller.addresses)
    return [*controller.addresses, f"{controller.wireguard.interface.ip}/32"]


def _ours(menu: str, found_by: str, attributes: str) -> str:
    """Add what is not there, else set it: the one shape that may be pasted twice."""
    return (
        f":if ([:len [{menu} find {found_by}]] = 0) do={{ {menu} add {found_by} {attributes} }}"
        f" else={{ {menu} set [find {found_by}] {attributes} }}"
    )


def _guarded(command: str, unable: str) -> str:
    return f":do {{ {command} }} on-error={{ :put {quoted(unable)} }}"
