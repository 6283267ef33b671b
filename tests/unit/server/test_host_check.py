"""Which names a server goes by."""

import pytest

from desktop.server.host_check import HostCheck


@pytest.mark.parametrize(
    ("host", "header", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1:1234", True),
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "LOCALHOST.:80", True),
        ("127.0.0.1", "[::1]:1234", True),
        ("::1", "[::1]", True),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "localhost.evil.example:1234", False),
        ("127.0.0.1", "127.0.0.1, evil.example", False),
        ("127.0.0.1", "127.0.0.1@evil.example", False),
        ("127.0.0.1", "192.0.2.7:1234", False),
        ("127.0.0.1", "box:1234", False),
        ("0.0.0.0", "192.0.2.7:1234", True),
        ("0.0.0.0", "box:1234", True),
        ("0.0.0.0", "evil.example", False),
        ("box", "box", True),
    ],
)
def test_a_host_header_names_this_server(host: str, header: str, allowed: bool) -> None:
    assert HostCheck(host, ("Box",)).allows_host(header) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:1234", True),
        ("https://localhost:1234", False),
        ("http://localhost:4321", False),
        ("http://localhost", False),
        ("https://evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_pages_of_other_origins_have_no_business_here(origin: str, allowed: bool) -> None:
    assert HostCheck("127.0.0.1").allows_origin(origin, "localhost:1234") is allowed
