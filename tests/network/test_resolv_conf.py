"""Resolver settings of the machine and of pods."""

from __future__ import annotations

import pytest

from kube_actors.network.resolv_conf import ClusterDns, ResolvConf, ipv4_nameservers, parse_resolv_conf, pod_dns

CLUSTER = ClusterDns("10.96.0.10")
MACHINE = ResolvConf(("192.0.2.1",), ("example.org",), ("timeout:1",))
IN_CLUSTER = ResolvConf(
    ("10.96.0.10",), ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org"), ("ndots:5",)
)


def test_resolv_conf_is_read() -> None:
    """Comments and broken lines are passed over, the last search line counts."""
    text = "# c\nnameserver 192.0.2.1 # one\nnameserver fe80::1%eth0\nnameserver x\nnameserver\nbad\n"
    text += "domain old\nsearch a.example b.example .\noptions ndots:2 rotate\n;x\n"
    conf = parse_resolv_conf(text)
    assert conf == ResolvConf(("192.0.2.1", "fe80::1%eth0"), ("a.example", "b.example"), ("ndots:2", "rotate"))
    assert ipv4_nameservers(text) == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("policy", "host_network", "expected"),
    [
        ("ClusterFirst", False, IN_CLUSTER),
        ("ClusterFirst", True, MACHINE),
        ("ClusterFirstWithHostNet", True, IN_CLUSTER),
        ("Default", False, MACHINE),
        ("None", False, ResolvConf()),
    ],
)
def test_each_policy(policy: str, host_network: bool, expected: ResolvConf) -> None:
    """As the kubelet has it."""
    assert pod_dns(policy, "shop", CLUSTER, MACHINE, host_network=host_network) == expected


def test_dns_config_is_added_and_its_options_win() -> None:
    """Servers and searches behind the policy's, each once."""
    extra = ResolvConf(("192.0.2.7", "10.96.0.10"), ("x.example", "cluster.local"), ("ndots:2", "edns0"))
    conf = pod_dns("ClusterFirst", "shop", CLUSTER, MACHINE, dns_config=extra)
    assert conf == ResolvConf(("10.96.0.10", "192.0.2.7"), (*IN_CLUSTER.searches, "x.example"), ("ndots:2", "edns0"))
    assert pod_dns("None", "shop", CLUSTER, MACHINE, dns_config=extra) == extra


def test_a_resolver_on_the_machines_loopback_is_replaced() -> None:
    """A pod cannot reach 127.0.0.53; the cluster's DNS asks it for the pod."""
    machine = ResolvConf(("127.0.0.53",), ("example.org",))
    assert pod_dns("Default", "shop", CLUSTER, machine) == ResolvConf(("10.96.0.10",), ("example.org",))


def test_limits_are_kept_and_told() -> None:
    """Three nameservers, 32 searches and 2048 characters; what is left out is said in the kubelet's words."""
    many = ResolvConf(tuple(f"192.0.2.{n}" for n in range(5)), tuple(f"{n}.{'x' * 100}" for n in range(40)))
    conf = pod_dns("None", "shop", CLUSTER, MACHINE, dns_config=many)
    assert conf.nameservers == ("192.0.2.0", "192.0.2.1", "192.0.2.2")
    assert len(" ".join(conf.searches)) <= 2048
    assert len(conf.searches) == 19
    assert [note.split(",")[0] for note in conf.notes] == [
        "Nameserver limits were exceeded",
        "Search Line limits were exceeded",
    ]
    assert "192.0.2.0 192.0.2.1 192.0.2.2" in conf.notes[0]
