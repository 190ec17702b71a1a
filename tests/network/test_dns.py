"""The cluster's DNS as its clients see it; the resolver on the other side is dnspython."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path

import attrs
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from kube_actors.network.dns import DnsServer
from kube_actors.network.dns_authority import Authority
from kube_actors.network.dns_records import RecordIndex
from kube_actors.network.dns_upstream import Upstream
from kube_actors.network.dns_wire import parse_query, wire_name, write_answer
from kube_actors.network.services import (
    EndpointSlice,
    PublishedPort,
    PublishedService,
    ServiceName,
    SliceEndpoint,
    SlicePort,
)
from kube_actors.network.udp_proxy import bind_udp
from kube_actors.records import define

from .servers import listening_socket, wait_until

RANGES = (IPv4Network("10.244.0.0/16"), IPv4Network("10.96.0.0/16"))
WEB = PublishedService(ServiceName("default", "web"), "10.96.0.7", (PublishedPort("http", "TCP", 80),))
DB = PublishedService(ServiceName("data", "db"), None, (PublishedPort("pg", "TCP", 5432),))
DB_SLICE = EndpointSlice(
    (SlicePort("pg", "TCP", 5432),),
    (
        SliceEndpoint("10.244.0.5", hostname="db-0"),
        SliceEndpoint("10.244.1.5", ready=False, hostname="db-1"),
        SliceEndpoint("10.244.2.5"),
        SliceEndpoint("fd00::5"),
    ),
)


def an_index() -> RecordIndex:
    """The Services web (ClusterIP), db (headless) and alias (ExternalName)."""
    index = RecordIndex()
    index.set_service(WEB, [])
    index.set_service(DB, [DB_SLICE])
    alias = ServiceName("default", "alias")
    index.set_service(PublishedService(alias, None, external_name="web.example.org"), [])
    inner = ServiceName("default", "inner")
    index.set_service(PublishedService(inner, None, external_name="web.default.svc.cluster.local"), [])
    return index


def an_authority(index: RecordIndex | None = None) -> Authority:
    """The authority over it."""
    return Authority(index or an_index(), "10.96.0.10", RANGES, random.Random(1))


def ask(name: str, type_: str = "A", authority: Authority | None = None) -> dns.message.Message | None:
    """The response over TCP to one question; None when it is for upstream."""
    query = parse_query(dns.message.make_query(name, type_).to_wire())
    answer = (authority or an_authority()).answer(query)
    return dns.message.from_wire(write_answer(query, answer, 65535)) if answer else None


def said(name: str, type_: str = "A", authority: Authority | None = None) -> list[str] | str:
    """The answers as text, sorted, or the code when it is an error."""
    message = ask(name, type_, authority)
    assert message is not None
    if message.rcode():
        return dns.rcode.to_text(message.rcode())
    return sorted(str(rdata) for rrset in message.answer for rdata in rrset)


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("web.default.svc.cluster.local.", "A", ["10.96.0.7"]),
        ("WEB.Default.svc.cluster.local.", "A", ["10.96.0.7"]),
        ("web.default.svc.cluster.local.", "AAAA", []),
        ("web.default.svc.cluster.local.", "ANY", ["10.96.0.7"]),
        ("_http._tcp.web.default.svc.cluster.local.", "SRV", ["0 100 80 web.default.svc.cluster.local."]),
        ("_http._udp.web.default.svc.cluster.local.", "SRV", "NXDOMAIN"),
        ("web.other.svc.cluster.local.", "A", "NXDOMAIN"),
        ("web.default.svc.cluster.local.default.svc.cluster.local.", "A", "NXDOMAIN"),
        ("default.svc.cluster.local.", "A", []),
        ("_tcp.web.default.svc.cluster.local.", "A", []),
        ("svc.cluster.local.", "A", []),
        ("cluster.local.", "A", []),
        ("cluster.local.", "NS", ["ns.dns.cluster.local."]),
        ("ns.dns.cluster.local.", "A", ["10.96.0.10"]),
        ("dns-version.cluster.local.", "TXT", ['"1.1.0"']),
        ("7.0.96.10.in-addr.arpa.", "PTR", ["web.default.svc.cluster.local."]),
        ("8.0.96.10.in-addr.arpa.", "PTR", "NXDOMAIN"),
        ("db.data.svc.cluster.local.", "A", ["10.244.0.5", "10.244.2.5"]),
        ("db-0.db.data.svc.cluster.local.", "A", ["10.244.0.5"]),
        ("db-1.db.data.svc.cluster.local.", "A", "NXDOMAIN"),
        ("10-244-2-5.db.data.svc.cluster.local.", "A", ["10.244.2.5"]),
        (
            "_pg._tcp.db.data.svc.cluster.local.",
            "SRV",
            ["0 100 5432 10-244-2-5.db.data.svc.cluster.local.", "0 100 5432 db-0.db.data.svc.cluster.local."],
        ),
        ("5.0.244.10.in-addr.arpa.", "PTR", ["db-0.db.data.svc.cluster.local."]),
        ("10-244-0-9.default.pod.cluster.local.", "A", ["10.244.0.9"]),
        ("8-8-8-8.default.pod.cluster.local.", "A", "NXDOMAIN"),
        ("999-1-1-1.default.pod.cluster.local.", "A", "NXDOMAIN"),
        ("alias.default.svc.cluster.local.", "CNAME", ["web.example.org."]),
    ],
)
def test_names_of_the_cluster(name: str, type_: str, expected: list[str] | str) -> None:
    """Services, endpoints, pods and addresses as the specification has them."""
    assert said(name, type_) == expected


@pytest.mark.parametrize(
    "name", ["example.org.", "xcluster.local.", "web.", "8.8.8.8.in-addr.arpa.", "96.10.in-addr.arpa."]
)
def test_other_names_are_for_upstream(name: str) -> None:
    """Also those that only end in the same letters."""
    assert ask(name) is None


def test_a_label_that_holds_the_zones_bytes_is_not_the_zone() -> None:
    """One label `x\\007cluster` before `local` ends in the same bytes, and is somebody else's name."""
    wire = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + b"\x09x\x07cluster\x05local\0" + struct.pack("!2H", 1, 1)
    assert an_authority().answer(parse_query(wire)) is None


def test_negative_answers_may_be_kept_for_five_seconds() -> None:
    """NXDOMAIN and empty answers carry the SOA with its five seconds."""
    for name in ("gone.default.svc.cluster.local.", "default.svc.cluster.local."):
        message = ask(name)
        assert message is not None
        assert message.flags & dns.flags.AA
        (soa,) = message.authority
        assert (str(soa.name), soa.ttl, soa[0].minimum) == ("cluster.local.", 5, 5)


def test_srv_answers_bring_the_addresses_along() -> None:
    """One question is enough to connect."""
    message = ask("_pg._tcp.db.data.svc.cluster.local.", "SRV")
    assert message is not None
    assert {str(rrset.name): str(rrset[0]) for rrset in message.additional} == {
        "db-0.db.data.svc.cluster.local.": "10.244.0.5",
        "10-244-2-5.db.data.svc.cluster.local.": "10.244.2.5",
    }


def test_publish_not_ready_addresses_names_every_pod() -> None:
    """Peers of a StatefulSet find each other before they are ready."""
    index = an_index()
    index.set_service(attrs.evolve(DB, publish_not_ready_addresses=True), [DB_SLICE])
    authority = an_authority(index)
    assert said("db-1.db.data.svc.cluster.local.", "A", authority) == ["10.244.1.5"]
    assert said("db.data.svc.cluster.local.", "A", authority) == ["10.244.0.5", "10.244.1.5", "10.244.2.5"]


def test_addresses_take_turns_at_the_front() -> None:
    """Clients that take the first address are spread."""
    authority = an_authority()
    firsts = set()
    for _ in range(30):
        answer = authority.answer(parse_query(question("db.data.svc.cluster.local.")))
        assert answer is not None
        firsts.add(socket.inet_ntoa(answer.answers[0].data))
    assert firsts == {"10.244.0.5", "10.244.2.5"}


def test_a_service_that_goes_takes_all_its_names_along() -> None:
    """Nothing is left of it, not even the names above."""
    index = RecordIndex()
    index.set_service(DB, [DB_SLICE])
    index.remove_service(DB.service)
    index.remove_service(DB.service)
    for name in ("db.data.svc.cluster.local", "data.svc.cluster.local", "5.0.244.10.in-addr.arpa", "local"):
        assert index.lookup(wire_name(name)) is None


SERVICES = [
    PublishedService(ServiceName("a", name), address, (PublishedPort("p", "TCP", 1),))
    for name in ("x", "y")
    for address in (None, "10.96.0.1")
]
SLICES = st.lists(st.sampled_from(["10.244.0.1", "10.244.0.2"]), unique=True).map(
    lambda addresses: [EndpointSlice((SlicePort("p", "TCP", 1),), tuple(SliceEndpoint(a) for a in addresses))]
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SERVICES), SLICES, st.booleans()), max_size=20))
def test_an_index_after_any_changes_equals_one_from_scratch(
    steps: list[tuple[PublishedService, list[EndpointSlice], bool]],
) -> None:
    """Every name answers the same as in an index that saw only the final state."""
    index = RecordIndex()
    final: dict[ServiceName, tuple[PublishedService, list[EndpointSlice]]] = {}
    names = {wire_name("a.svc.cluster.local")}
    for published, slices, stays in steps:
        final.pop(published.service, None)
        if stays:
            index.set_service(published, slices)
            final[published.service] = (published, slices)
        else:
            index.remove_service(published.service)
        names.update(index._by_name)
    scratch = RecordIndex()
    for published, slices in final.values():
        scratch.set_service(published, slices)
    assert {name: index.lookup(name) for name in names} == {name: scratch.lookup(name) for name in names}


@asynccontextmanager
async def running_server(upstream: Upstream, index: RecordIndex | None = None) -> AsyncIterator[tuple[str, int]]:
    """A server on UDP and TCP of one port."""
    tcp = listening_socket()
    udp = bind_udp(*tcp.getsockname())
    server = DnsServer(an_authority(index), upstream)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve_udp, udp)
        nursery.start_soon(server.serve_tcp, trio.socket.from_stdlib_socket(tcp))
        yield udp.getsockname()
        nursery.cancel_scope.cancel()


async def over_udp(server: tuple[str, int], wire: bytes) -> dns.message.Message:
    """One exchange of datagrams."""
    with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
        await sock.connect(server)
        await sock.send(wire)
        return dns.message.from_wire(await sock.recv(65535))


async def over_tcp(server: tuple[str, int], wire: bytes) -> dns.message.Message:
    """One exchange over a connection."""
    async with await trio.open_tcp_stream(*server) as stream:
        await stream.send_all(struct.pack("!H", len(wire)) + wire)
        data = bytes(await stream.receive_some(2))
        (length,) = struct.unpack("!H", data)
        answer = b""
        while len(answer) < length:
            answer += bytes(await stream.receive_some(length))
        return dns.message.from_wire(answer)


@define
class Nameserver:
    """A stand-in for the machine's nameserver at 127.0.0.1: answers every A question with 192.0.2.9."""

    resolv_conf: Path
    port: int = 0
    asked: list[str] = attrs.field(factory=list)
    forge: bool = False
    truncate: bool = False

    def upstream(self) -> Upstream:
        """An Upstream that asks it."""
        return Upstream(self.resolv_conf, port=self.port)

    def answer(self, wire: bytes) -> bytes:
        """Its answer."""
        query = dns.message.from_wire(wire)
        name = str(query.question[0].name)
        self.asked.append(name)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.9"))
        return response.to_wire()


@asynccontextmanager
async def a_nameserver(directory: Path) -> AsyncIterator[Nameserver]:
    """It runs on UDP and TCP."""
    path = directory / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\n")
    tcp = trio.SocketListener(trio.socket.from_stdlib_socket(listening_socket()))
    nameserver = Nameserver(path, tcp.socket.getsockname()[1])
    udp = trio.socket.from_stdlib_socket(bind_udp("127.0.0.1", nameserver.port))

    async def serve_udp() -> None:
        while True:
            wire, client = await udp.recvfrom(65535)
            answer = nameserver.answer(wire)
            if nameserver.forge:
                await udp.sendto(b"\0\0" + answer[2:], client)
                await udp.sendto(answer[:12] + b"\3bad" + answer[16:], client)
            if nameserver.truncate:
                answer = answer[:2] + bytes([answer[2] | 2]) + answer[3:6] + b"\0\0" + answer[8:]
                answer = answer[: 12 + len(wire) - 12]
            await udp.sendto(answer, client)

    async def serve_connection(stream: trio.SocketStream) -> None:
        wire = bytes(await stream.receive_some(65535))[2:]
        answer = nameserver.answer(wire)
        await stream.send_all(struct.pack("!H", len(answer)) + answer)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_udp)
        nursery.start_soon(trio.serve_listeners, serve_connection, [tcp])
        yield nameserver
        nursery.cancel_scope.cancel()
    udp.close()


def question(name: str, type_: str = "A", **options: int) -> bytes:
    """A query in wire form."""
    return dns.message.make_query(name, type_, **options).to_wire()  # type: ignore[arg-type]


def addresses(message: dns.message.Message) -> list[str]:
    """The addresses of an answer."""
    return sorted(str(rdata) for rrset in message.answer for rdata in rrset if rdata.rdtype == 1)


async def test_udp_and_tcp_are_served(tmp_path: Path) -> None:
    """The same answer both ways, several questions on one connection."""
    async with running_server(Upstream(tmp_path / "none")) as server:
        for exchange in (over_udp, over_tcp):
            message = await exchange(server, question("web.default.svc.cluster.local."))
            assert addresses(message) == ["10.96.0.7"]
            assert message.flags & dns.flags.AA
            assert message.flags & dns.flags.RA


async def test_a_long_answer_is_cut_over_udp_and_whole_over_tcp(tmp_path: Path) -> None:
    """A hundred endpoints: 512 bytes and the flag, more with EDNS, all over TCP."""
    index = RecordIndex()
    endpoints = tuple(SliceEndpoint(f"10.244.0.{n}") for n in range(1, 101))
    index.set_service(DB, [EndpointSlice((), endpoints)])
    async with running_server(Upstream(tmp_path / "none"), index) as server:
        name = "db.data.svc.cluster.local."
        short = await over_udp(server, question(name))
        longer = await over_udp(server, question(name, payload=4096, use_edns=0))
        whole = await over_tcp(server, question(name))
    assert short.flags & dns.flags.TC
    assert len(addresses(short)) < len(addresses(longer)) < 100
    assert not whole.flags & dns.flags.TC
    assert len(addresses(whole)) == 100


async def test_other_names_are_asked_upstream(tmp_path: Path) -> None:
    """Over the transport the client used, with the client's id in the answer."""
    async with a_nameserver(tmp_path) as nameserver, running_server(nameserver.upstream()) as server:
        for exchange in (over_udp, over_tcp):
            wire = question("example.org.")
            message = await exchange(server, wire)
            assert message.id == dns.message.from_wire(wire).id
            assert addresses(message) == ["192.0.2.9"]
        assert nameserver.asked == ["example.org."] * 2


async def test_forged_answers_are_passed_over(tmp_path: Path) -> None:
    """Another id or another question is not the answer."""
    async with a_nameserver(tmp_path) as nameserver, running_server(nameserver.upstream()) as server:
        nameserver.forge = True
        message = await over_udp(server, question("example.org."))
        assert str(message.question[0].name) == "example.org."
        assert addresses(message) == ["192.0.2.9"]


async def test_an_alias_brings_its_addresses(tmp_path: Path) -> None:
    """ExternalName: to the outside, also when that is truncated, and to another Service."""
    async with a_nameserver(tmp_path) as nameserver, running_server(nameserver.upstream()) as server:
        for nameserver.truncate in (False, True):
            message = await over_udp(server, question("alias.default.svc.cluster.local."))
            assert [str(rrset.name) for rrset in message.answer] == [
                "alias.default.svc.cluster.local.",
                "web.example.org.",
            ]
            assert addresses(message) == ["192.0.2.9"]
        message = await over_udp(server, question("inner.default.svc.cluster.local."))
        assert addresses(message) == ["10.96.0.7"]


async def test_without_a_nameserver_the_answer_is_servfail(tmp_path: Path) -> None:
    """No server, an unreachable one, or only ourselves: the client is told at once, the cluster's names still work."""
    path = tmp_path / "resolv.conf"
    with bind_udp("127.0.0.1", 0) as closed:
        port = closed.getsockname()[1]
    for content, avoid in (("", ()), ("nameserver 127.0.0.1", ()), ("nameserver 10.96.0.10", ("10.96.0.10",))):
        path.write_text(content)
        async with running_server(Upstream(path, avoid, port=port)) as server:
            for exchange in (over_udp, over_tcp):
                assert (await exchange(server, question("example.org."))).rcode() == dns.rcode.SERVFAIL
                assert addresses(await exchange(server, question("web.default.svc.cluster.local.")))


async def test_a_silent_nameserver_gives_way_to_the_next(tmp_path: Path, mock_clock: MockClock) -> None:
    """Two seconds once; from then on the one that answered is asked first."""
    async with a_nameserver(tmp_path) as nameserver, trio.open_nursery() as nursery:
        with bind_udp("127.0.0.2", nameserver.port):
            nameserver.resolv_conf.write_text("nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
            async with running_server(nameserver.upstream()) as server:
                answers: list[dns.message.Message] = []

                async def client() -> None:
                    answers.append(await over_udp(server, question("example.org.")))

                nursery.start_soon(client)
                await wait_all_tasks_blocked(0.02)
                assert answers == []
                mock_clock.jump(2)
                await wait_until(lambda: len(answers) == 1)
                await client()
        assert [addresses(answer) for answer in answers] == [["192.0.2.9"]] * 2


async def test_a_changed_resolv_conf_is_followed(tmp_path: Path) -> None:
    """A laptop that moves to another network keeps its names."""
    async with a_nameserver(tmp_path) as nameserver:
        nameserver.resolv_conf.write_text("")
        async with running_server(nameserver.upstream()) as server:
            assert (await over_udp(server, question("example.org."))).rcode() == dns.rcode.SERVFAIL
            nameserver.resolv_conf.write_text("nameserver 127.0.0.1\n")
            os.utime(nameserver.resolv_conf, ns=(1, 1))
            assert addresses(await over_udp(server, question("example.org."))) == ["192.0.2.9"]


async def test_odd_questions_get_their_codes(tmp_path: Path) -> None:
    """Other opcodes, classes, zone transfers, EDNS versions, and garbage."""
    update = dns.message.make_query("web.local.", "A")
    update.set_opcode(dns.opcode.STATUS)
    cases = [
        (update.to_wire(), dns.rcode.NOTIMP),
        (dns.message.make_query("version.bind.", "TXT", "CH").to_wire(), dns.rcode.REFUSED),
        (question("cluster.local.", "AXFR"), dns.rcode.REFUSED),
        (question("web.local.", use_edns=1), dns.rcode.BADVERS),
        (struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\1\0\1", dns.rcode.FORMERR),
    ]
    async with running_server(Upstream(tmp_path / "none")) as server:
        for wire, rcode in cases:
            for exchange in (over_udp, over_tcp):
                assert (await exchange(server, wire)).rcode() == rcode


async def test_garbage_and_silence_harm_nobody(tmp_path: Path) -> None:
    """Noise on UDP, and stalled or broken TCP connections, while others are answered."""
    noise = random.Random(3)
    async with running_server(Upstream(tmp_path / "none")) as server:
        stalled = [await trio.open_tcp_stream(*server) for _ in range(50)]
        for stream in stalled:
            await stream.send_all(b"\xff\xffhalf a message")
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            for _ in range(300):
                sock.sendto(noise.randbytes(noise.randrange(60)), server)
                await trio.lowlevel.checkpoint()
            assert addresses(await over_udp(server, question("web.default.svc.cluster.local."))) == ["10.96.0.7"]
        assert addresses(await over_tcp(server, question("web.default.svc.cluster.local."))) == ["10.96.0.7"]
        for stream in stalled:
            await stream.aclose()


async def test_a_silent_connection_is_closed(tmp_path: Path, mock_clock: MockClock) -> None:
    """Ten seconds without a question end it."""
    async with running_server(Upstream(tmp_path / "none")) as server, await trio.open_tcp_stream(*server) as stream:
        await stream.send_all(b"\0")
        await wait_all_tasks_blocked(0.02)
        mock_clock.jump(10)
        assert await stream.receive_some(1) == b""
