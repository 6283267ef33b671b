"""The proxies that systems set, as the command meets them."""

from pathlib import Path

import pytest

from tests.fakes.hub import FakeHub
from tests.journeys.at_the_hub import publish
from tests.journeys.command import latchkey

pytestmark = pytest.mark.loopback
DEAD = "http://someone:hidden-word@127.0.0.1:9"


@pytest.mark.parametrize("exceptions", ["127.0.0.0/8,10.0.0.0/8", "127.*", "*.localhost", "*", "localhost", ""])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_a_hub_on_this_machine_needs_no_proxy(hub: FakeHub, variable: str, exceptions: str) -> None:
    publish(hub, "acme/open-GGUF", b"GGUF")
    ran = latchkey("access", "acme/open-GGUF", "--json", **{variable: DEAD, "NO_PROXY": exceptions})
    assert ran.code == 0, ran
    assert ran.json["state"] == "granted"


@pytest.mark.parametrize(
    "proxy",
    [
        "http://someone:hidden-word/@proxy.example:80",
        "http://someone:hidden-word@proxy.example:port",
        "socks4://someone:hidden-word@proxy.example",
        "http://someone:hidden-word@wpad.example/wpad.dat",
        "http://someone:hidden-word@[::1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_sentence_without_its_password(home: Path, proxy: str) -> None:
    environ = {"https_proxy": proxy, "HF_ENDPOINT": "https://hub.example"}
    assert "proxy" in latchkey("models", "search", "tiny", **environ).failed_with(9)
    report = latchkey("doctor", "--json", **environ)
    assert "proxy" in " ".join(report.json["problems"])
    assert report.json["network"]["proxy"] == "?"
    everything = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert not [data for data in everything if b"hidden-word" in data]
    assert "hidden-word" not in report.out + report.err
