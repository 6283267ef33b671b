"""The app's client for tests of what stands on it: no retries, no proxy, its log in a list."""

from pathlib import Path

from desktop.network.client import Client, Timeouts
from desktop.network.exchange import Exchange
from desktop.network.switch import OfflineSwitch


class PlainClient(Client):
    """See the module. `exchanges` is its log; `timeout` in seconds."""

    def __init__(self, ca_file: Path | None = None, timeout: float = 5, switch: OfflineSwitch | None = None) -> None:
        self.exchanges: list[Exchange] = []
        super().__init__(
            switch=switch or OfflineSwitch(lambda: None),
            log=self.exchanges.append,
            proxy="direct",
            ca_file=ca_file,
            timeouts=Timeouts(connect=timeout, read=timeout, write=timeout),
            retries=0,
        )
