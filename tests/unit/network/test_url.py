"""A host has one spelling, and this machine is told from every other by its address."""

import pytest

from desktop.network.url import parse_url


@pytest.mark.parametrize(
    ("host", "spelled"),
    [
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.255.255.254", "127.255.255.254"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ("LOCALHOST.", "localhost"),
        ("hub.localhost", "hub.localhost"),
    ],
)
def test_this_machine_in_any_spelling(host: str, spelled: str) -> None:
    address = parse_url(f"http://{host}:8080/x")

    assert address.loopback
    assert address.origin == f"http://{spelled}:8080"


def test_an_address_mapped_into_ipv6_counts_as_what_it_maps() -> None:
    assert parse_url("http://[::ffff:127.0.0.1]/").loopback
    assert not parse_url("http://[::ffff:10.0.0.1]/").loopback


@pytest.mark.parametrize(
    "host",
    [
        "127.mirror1",
        "127.0.0.1.mirror",
        "127.0.0.1.nip.io",
        "127-0-0-1.example",
        "localhost.example",
        "mylocalhost",
        "0.0.0.0",
        "128.0.0.1",
        "10.0.0.1",
        "[::]",
        "[::2]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0200.0.0.1",
    ],
)
def test_any_other_machine(host: str) -> None:
    assert not parse_url(f"http://{host}/").loopback


@pytest.mark.parametrize(
    "host", ["127.0.0.0.1", "127.0.0.256", "127..1", "0x", "127.0.0.08", "1.2.3.4.5", "[::1%25lo]", "[::g]", "[]"]
)
def test_what_is_no_address_is_not_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(f"http://{host}/")
