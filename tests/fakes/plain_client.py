"""The app's client for tests of what stands on it: no retries, no proxy, its log in a list."""

from pathlib import Path

from desktop.network.http_client import HttpClient, HttpTimeouts
from desktop.network.offline_switch import OfflineSwitch
from desktop.network.request_log import RequestLogEntry


class PlainClient(HttpClient):
    """See the module. `exchanges` is its log; `timeout` in seconds."""

    def __init__(self, ca_file: Path | None = None, timeout: float = 5, switch: OfflineSwitch | None = None) -> None:
        self.exchanges: list[RequestLogEntry] = []
        super().__init__(
            switch=switch or OfflineSwitch(lambda: None),
            log=self.exchanges.append,
            proxy="direct",
            ca_file=ca_file,
            timeouts=HttpTimeouts(connect=timeout, read=timeout, write=timeout),
            retries=0,
        )
