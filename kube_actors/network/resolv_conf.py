"""/etc/resolv.conf: the machine's, read; and each pod's, made from its DNS policy as the kubelet does."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address

import attrs

from kube_actors.records import frozen

_MAX_NAMESERVERS = 3
_MAX_SEARCHES = 32
_MAX_SEARCH_CHARACTERS = 2048


@frozen
class ResolvConf:
    """What a resolver is told. `notes`: what had to be left out, in the kubelet's words (event `DNSConfigForming`)."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@frozen
class ClusterDns:
    """What pods need to know of the cluster's DNS."""

    address: str
    domain: str = "cluster.local"


def parse_resolv_conf(text: str) -> ResolvConf:
    """The machine's resolver settings; unusable lines are passed over. The last `search` or `domain` line counts."""
    nameservers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        match words:
            case ["nameserver", address, *_] if _is_address(address):
                nameservers.append(address)
            case ["search" | "domain", *names]:
                searches = [name for name in names if name != "."]
            case ["options", *given]:
                options += given
    return ResolvConf(tuple(nameservers), tuple(searches), tuple(options))


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def pod_dns(
    policy: str,
    namespace: str,
    cluster: ClusterDns,
    machine: ResolvConf,
    *,
    host_network: bool = False,
    dns_config: ResolvConf | None = None,
) -> ResolvConf:
    """A pod's resolver settings from `dnsPolicy` and `dnsConfig` (options there as `name` or `name:value`).

    `ClusterFirst` with `hostNetwork` acts as `Default`, as in Kubernetes. A nameserver of the machine on loopback
    (systemd-resolved's 127.0.0.53) is out of a pod's reach, so the cluster's DNS, which asks it, takes its place.
    """
    if policy == "ClusterFirst" and host_network:
        policy = "Default"
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet"):
        own = (f"{namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain)
        base = ResolvConf((cluster.address,), (*own, *machine.searches), ("ndots:5",))
    elif policy == "Default":
        reachable = [address for address in machine.nameservers if not _is_loopback(address)]
        base = attrs.evolve(machine, nameservers=tuple(reachable) or (cluster.address,))
    else:
        base = ResolvConf()
    return _within_limits(_merged(base, dns_config) if dns_config else base)


def _is_loopback(address: str) -> bool:
    return ip_address(address.partition("%")[0]).is_loopback


def _merged(base: ResolvConf, extra: ResolvConf) -> ResolvConf:
    """`dnsConfig` adds servers and searches behind the policy's; its options replace those of the same name."""
    replaced = {option.partition(":")[0] for option in extra.options}
    kept = [option for option in base.options if option.partition(":")[0] not in replaced]
    return ResolvConf(
        _once((*base.nameservers, *extra.nameservers)),
        _once((*base.searches, *extra.searches)),
        (*kept, *extra.options),
    )


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _within_limits(conf: ResolvConf) -> ResolvConf:
    notes: list[str] = []
    nameservers = conf.nameservers[:_MAX_NAMESERVERS]
    if nameservers != conf.nameservers:
        notes.append(
            "Nameserver limits were exceeded, some nameservers have been omitted, "
            f"the applied nameserver line is: {' '.join(nameservers)}"
        )
    searches = conf.searches[:_MAX_SEARCHES]
    while len(" ".join(searches)) > _MAX_SEARCH_CHARACTERS:
        searches = searches[:-1]
    if searches != conf.searches:
        notes.append(
            "Search Line limits were exceeded, some search paths have been omitted, "
            f"the applied search line is: {' '.join(searches)}"
        )
    return attrs.evolve(conf, nameservers=nameservers, searches=searches, notes=tuple(notes))


def ipv4_nameservers(text: str) -> tuple[str, ...]:
    """The IPv4 nameservers of a resolv.conf."""
    return tuple(
        a for a in parse_resolv_conf(text).nameservers if isinstance(ip_address(a.partition("%")[0]), IPv4Address)
    )
