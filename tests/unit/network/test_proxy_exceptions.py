"""NO_PROXY is read as people write it for other programs."""

import pytest

from desktop.network.proxy import bypasses_proxy
from desktop.network.url import parse_url


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("*", "http://hub.example"),
        (" , hub.example ,", "http://hub.example"),
        ("other.example hub.example", "http://hub.example"),
        ("HUB.Example", "http://hub.example"),
        ("hub.example.", "http://hub.example"),
        ("example", "http://hub.example"),
        (".example", "http://hub.example"),
        ("*.example", "http://hub.example"),
        ("hub-*.example", "http://hub-2.example"),
        ("hub.example:8080", "http://hub.example:8080"),
        ("hub.example:443", "https://hub.example"),
        ("http://hub.example/", "http://hub.example"),
        ("bücher.example", "http://xn--bcher-kva.example"),
        ("10.0.0.0/8", "http://10.200.0.1"),
        ("10/8", "http://10.200.0.1"),
        ("169.254/16", "http://169.254.9.9"),
        ("10.0.0.0/255.0.0.0", "http://10.200.0.1"),
        ("10.1.2.3/8", "http://10.200.0.1"),
        ("10.*", "http://10.200.0.1"),
        ("10.*.*.*", "http://10.200.0.1"),
        ("10.1", "http://10.0.0.1"),
        ("10.0.0.1", "http://167772161"),
        ("10.0.0.1:80", "http://10.0.0.1"),
        ("fd00::/8", "http://[fd12::1]"),
        ("[fd00::]/8", "http://[fd12::1]"),
        ("fd12:0:0::1", "http://[fd12::1]"),
        ("[fd12::1]:8080", "http://[fd12::1]:8080"),
        ("10.0.0.0/8", "http://[::ffff:10.1.1.1]"),
        ("fd12:*", "http://[fd12::1]"),
    ],
)
def test_listed(listed: str, url: str) -> None:
    assert bypasses_proxy(parse_url(url), listed)


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("", "http://hub.example"),
        (",, ,", "http://hub.example"),
        (".", "http://hub.example"),
        ("ub.example", "http://hub.example"),
        ("hub.example", "http://hub.example.org"),
        ("hub.example:8080", "http://hub.example"),
        ("*.hub.example", "http://hub.example"),
        ("0.0.1", "http://10.0.0.1"),
        (".0.0.1", "http://10.0.0.1"),
        ("10.0.0.0/99", "http://10.0.0.1"),
        ("10.0.0.0/x", "http://10.0.0.1"),
        ("10.0.0.0/8", "http://11.0.0.1"),
        ("0.0.0.0/0", "http://hub.example"),
        ("0.0.0.0/0", "http://[fd12::1]"),
        ("::/0", "http://10.0.0.1"),
        ("fd00::/8", "http://[fe80::1]"),
        ("[fd12::1]:8080", "http://[fd12::1]:80"),
        ("1*", "http://hub.example"),
        ("http://", "http://hub.example"),
        ("[", "http://hub.example"),
    ],
)
def test_not_listed(listed: str, url: str) -> None:
    assert not bypasses_proxy(parse_url(url), listed)
