"""The network as tool servers are given it: with a switch to turn, a log to read, and tokens in memory."""

from __future__ import annotations

from desktop.credentials.access_tokens import SessionTokenStore
from desktop.network.http_client import HttpClient
from desktop.network.offline_switch import OfflineSwitch
from desktop.network.request_log import RequestLogEntry


class FakeToolNetwork:
    """Nothing of this machine's proxies is used."""

    def __init__(self) -> None:
        self.offline = False
        self.log: list[RequestLogEntry] = []
        self.switch = OfflineSwitch(lambda: "setting" if self.offline else None)
        self.client = HttpClient(switch=self.switch, log=self.log.append, proxy="direct")
        self.tokens = SessionTokenStore()

    def close(self) -> None:
        self.client.close()
