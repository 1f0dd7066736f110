"""Where requests to addresses of others may go: to the internet, and nowhere else, whatever the name server says."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from crm.errors import Refused
from crm.webhooks import guard
from tests.crm.servers import leads_to, says, serving

PUBLIC = "93.184.215.14"


@pytest.fixture(autouse=True)
def _strict(settings):
    settings.ALLOW_LOOPBACK = False


@pytest.fixture
def at_home(settings):
    """As on a developer's own machine."""
    settings.ALLOW_LOOPBACK = True


# --- addresses


INSIDE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.7"),
    *("203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14"),
    *("::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::5db8:d70e", "64:ff9b:1::1", "100::1"),
    *("2002:7f00:1::", "2002:5db8:d70e::1", "2001::1", "2001:0:53aa:64c:0:0:f5ff:fffe", "2001:20::1", "2001:db8::1"),
    *("3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1"),
    *("localhost", "", "not an address"),
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address):
    with pytest.raises(guard.NotPublic) as refusal:
        guard.check("https://hooks.example/", resolve=leads_to(address))
    assert str(refusal.value).startswith("hooks.example leads to")


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])
def test_a_public_one_may_be_asked(address):
    assert guard.check("https://hooks.example/x?y=1", resolve=leads_to(address)) == "https://hooks.example/x?y=1"


def test_every_reserved_block_this_python_knows_is_refused():
    """Whatever Python calls private, link-local, multicast or reserved; a sample of each block's edges."""
    for known in (ipaddress._IPv4Constants, ipaddress._IPv6Constants):
        blocks = [*known._private_networks, known._linklocal_network, known._multicast_network]
        for block in blocks:
            for address in (block[0], block[-1]):
                with pytest.raises(guard.NotPublic):
                    guard.check("https://x.example/", resolve=leads_to(str(address)))


def test_a_name_that_leads_outside_and_inside_is_refused():
    for found in ([PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "2606:4700::1", "::1"]):
        with pytest.raises(guard.NotPublic):
            guard.check("https://hooks.example/", resolve=leads_to(*found))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]"),
        *("[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "localhost", "LOCALHOST", "localhost."),
        *("169.254.169.254", "0xA9FEA9FE", "2852039166", "[fe80::1]", "10.0.0.1", "192.168.0.1"),
    ],
)
def test_loopback_and_metadata_are_refused_however_they_are_written(host):
    """By the system's own resolver, which reads what looks like no address."""
    with pytest.raises((guard.NotPublic, guard.NotFound)):
        guard.fetch("GET", f"https://{host}/")


def test_the_systems_resolver_does_read_decimal_and_octal_addresses():
    """Or the test above would show nothing."""
    for written in ("2130706433", "0x7f000001", "0177.0.0.1", "127.1"):
        assert guard.look_up(written, 443) == ["127.0.0.1"]


# --- what an address may look like


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example", "//hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "javascript:alert(1)"),
        *("https://", "https:///x", "https://[::1", "https://hooks.example:99999/", "https://hooks.example:0/"),
        *(
            "https://hooks.example:x/",
            "https://hooks.example/\nX: y",
            "https://hooks.example/ x",
            "https://hö.example/",
        ),
        *("gopher://hooks.example/", "unix:///tmp/x", "https://hooks.example/\x00"),
    ],
)
def test_what_is_no_web_address_is_said_to_be_none(url):
    with pytest.raises(guard.BadAddress):
        guard.check(url, resolve=leads_to(PUBLIC))


@pytest.mark.parametrize(
    "url", ["https://ann:secret@hooks.example/", "https://ann@hooks.example/", "https://:x@h.example"]
)
def test_a_user_name_in_an_address_is_refused(url):
    with pytest.raises(guard.NamesSomebody):
        guard.check(url, resolve=leads_to(PUBLIC))


def test_plain_http_is_refused():
    with pytest.raises(guard.NotEncrypted):
        guard.check("http://hooks.example/", resolve=leads_to(PUBLIC))


def test_at_home_plain_http_reaches_this_machine_and_no_other(at_home):
    assert guard.check("http://localhost:1234/", resolve=leads_to("127.0.0.1", "::1"))
    with pytest.raises(guard.NotEncrypted):
        guard.check("http://hooks.example/", resolve=leads_to(PUBLIC))
    with pytest.raises(guard.NotPublic):
        guard.check("http://router.local/", resolve=leads_to("192.168.1.1"))


@pytest.mark.parametrize("found", [[], OSError(), UnicodeError("label too long")])
def test_a_name_nobody_knows_is_said_to_be_unknown(found):
    def resolve(host, port):
        if isinstance(found, Exception):
            raise found
        return found

    with pytest.raises(guard.NotFound):
        guard.check("https://nowhere.example/", resolve=resolve)


def test_a_label_no_name_server_takes_is_refused():
    with pytest.raises(guard.NotFound):
        guard.check(f"https://{'x' * 300}.example/")


# --- the request


def test_what_is_asked_arrives_with_its_name_and_comes_back(at_home):
    with serving(says(201, b"thanks", **{"X-Seen": "yes"})) as server:
        url = f"http://hooks.example:{server.port}/in?x=1"
        answer = guard.fetch("POST", url, headers={"X-Key": "k"}, content=b"{}", resolve=leads_to("127.0.0.1"))
    assert (answer.status, answer.body, answer.headers["x-seen"]) == (201, b"thanks", "yes")
    ((path, headers, body),) = server.heard
    assert (path, headers["Host"], headers["X-Key"], body) == ("/in?x=1", f"hooks.example:{server.port}", "k", b"{}")


def test_a_private_server_is_never_even_connected_to():
    """It listens, and hears nothing: refused before a byte goes out."""
    with serving() as server, pytest.raises(guard.NotPublic):
        guard.fetch("GET", f"https://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))
    assert server.heard == []


def test_the_name_is_looked_up_once_for_a_request(at_home):
    """Rebinding: the second answer of the name server, which leads inside, is never asked for."""
    turns = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
    with serving() as server:
        answer = guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=lambda host, port: next(turns))
    assert answer.status == 200
    assert len(list(turns)) == 2


def test_a_name_that_was_public_when_it_was_checked_is_judged_again_when_it_is_asked():
    turns = iter([[PUBLIC], ["127.0.0.1"]])
    with serving() as server:
        url = f"https://hooks.example:{server.port}/"
        guard.check(url, resolve=lambda host, port: next(turns))
        with pytest.raises(guard.NotPublic):
            guard.fetch("GET", url, resolve=lambda host, port: next(turns))
    assert server.heard == []


def test_nothing_asks_the_systems_resolver_behind_the_guards_back(at_home, monkeypatch):
    """The connection goes to the number that was judged; the name is not looked up a second time below."""
    looked_up = []
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: looked_up.append(host) or real(host, *a, **k))
    with serving() as server:
        guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))
    assert set(looked_up) <= {"127.0.0.1"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(at_home, status):
    with serving() as inside, serving(says(status, b"", Location=f"http://127.0.0.1:{inside.port}/")) as server:
        answer = guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))
    assert (answer.status, inside.heard) == (status, [])


def test_proxies_of_the_environment_are_not_asked(at_home, monkeypatch):
    with serving(says(502)) as proxy, serving() as server:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))
    assert (answer.status, proxy.heard) == (200, [])


def test_a_long_answer_is_cut(at_home):
    with serving(says(200, b"x" * 300_000)) as server:
        url, name = f"http://hooks.example:{server.port}/", leads_to("127.0.0.1")
        assert len(guard.fetch("GET", url, resolve=name).body) == guard.MOST
        assert len(guard.fetch("GET", url, resolve=name, most=10).body) == 10


def drips(handler):
    """A byte now and then, for as long as somebody listens."""
    handler.send_response(200)
    handler.end_headers()
    while not handler.server.over.wait(0.02):
        handler.wfile.write(b".")
        handler.wfile.flush()


def test_an_answer_that_drips_ends_at_the_deadline(at_home):
    with serving(drips) as server, pytest.raises(guard.TooSlow):
        guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"), seconds=0.2)


def test_a_server_that_says_nothing_is_given_up(at_home):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://hooks.example:{silent.getsockname()[1]}/"
        with pytest.raises(guard.TooSlow):
            guard.fetch("GET", url, resolve=leads_to("127.0.0.1"), seconds=0.2)


def test_a_port_nobody_listens_at_is_said_to_be_unreachable(at_home):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(guard.Unreachable):
        guard.fetch("GET", f"http://hooks.example:{port}/", resolve=leads_to("127.0.0.1"))


def nonsense(handler):
    handler.wfile.write(b"\x00\xffnot http at all\r\n\r\n")


def test_an_answer_that_is_no_http_is_said_to_be_unreachable(at_home):
    with serving(nonsense) as server, pytest.raises(guard.Unreachable):
        guard.fetch("GET", f"http://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))


@pytest.mark.parametrize("name", [n for n in vars(guard) if isinstance(getattr(guard, n), type)])
def test_every_refusal_is_a_finished_sentence(name):
    kind = getattr(guard, name)
    if issubclass(kind, Refused) and kind is not Refused:
        said = str(kind(url="https://x", host="x.example", address="::1", why="refused", seconds=1))
        assert said[-1] in ".)"
        assert "{" not in said


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for hooks.example, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(pem)
    return folder


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@pytest.fixture
def trusting(certificate):
    return ssl.create_default_context(cafile=certificate / "cert.pem")


def test_the_certificate_is_checked_against_the_name_not_the_number(at_home, tls, trusting):
    names = []
    tls.sni_callback = lambda sock, name, context: names.append(name)
    with serving(context=tls) as server:
        url, name = f"https://hooks.example:{server.port}/", leads_to("127.0.0.1")
        assert guard.fetch("GET", url, resolve=name, trusted=trusting).status == 200
        with pytest.raises(guard.Unreachable):
            guard.fetch("GET", f"https://other.example:{server.port}/", resolve=name, trusted=trusting)
    assert names == ["hooks.example", "other.example"]
    assert server.heard[0][1]["Host"] == f"hooks.example:{server.port}"


def test_a_certificate_nobody_vouches_for_is_refused(at_home, tls):
    with serving(context=tls) as server, pytest.raises(guard.Unreachable):
        guard.fetch("GET", f"https://hooks.example:{server.port}/", resolve=leads_to("127.0.0.1"))
    assert server.heard == []
