"""Everything that uses the network: the offline switch, the HTTP client, the request log, the access tokens, the Hub
client.

Made at first use: a start needs none of it. A change of proxy or Hub in the settings holds from the next request on.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from desktop.credentials.keyring_client import KeyringClient
from desktop.hub.repository import endpoint_from
from desktop.licenses.policy_file import PolicySource
from desktop.network.offline_switch import OfflineSwitch, offline_reason
from desktop.paths import Paths
from desktop.settings import Settings

if TYPE_CHECKING:
    from desktop.credentials.access_tokens import AccessTokens
    from desktop.hub.hub_client import HubClient
    from desktop.network.http_client import HttpClient
    from desktop.storage.request_store import RequestStore


class NetworkServices:
    """For any number of threads. `settings` is asked each time, so that one written by another process counts."""

    def __init__(
        self,
        paths: Paths,
        environ: Mapping[str, str],
        settings: Callable[[], Settings],
        policy: PolicySource,
        keyring: KeyringClient,
    ) -> None:
        self._keyring = keyring
        self._paths, self._environ, self._settings = paths, environ, settings
        self._lock = threading.RLock()
        self._made: tuple[tuple[str, str], HttpClient, HubClient] | None = None
        self._requests: RequestStore | None = None
        self._tokens: AccessTokens | None = None
        self.switch = OfflineSwitch(
            offline_reason(setting=lambda: settings().offline, policy=lambda: policy.current().offline, environ=environ)
        )

    @property
    def endpoint(self) -> str:
        """The Hub that is asked. Raises UserError where the one that was set is no address."""
        return endpoint_from(self._environ, self._settings().hub_endpoint)

    @property
    def client(self) -> "HttpClient":
        """The one client. Raises UserError as `endpoint` does."""
        return self._current()[0]

    @property
    def hub(self) -> "HubClient":
        """The Hub. Raises UserError as `endpoint` does."""
        return self._current()[1]

    @property
    def host(self) -> str:
        """The Hub's host, as tokens are kept for it."""
        return self.hub.host

    @property
    def requests(self) -> "RequestStore":
        """Every request of the last ninety days."""
        from desktop.storage.request_store import RequestStore

        with self._lock:
            if self._requests is None:
                self._requests = RequestStore(self._paths.network_file)
            return self._requests

    @property
    def tokens(self) -> "AccessTokens":
        """The person's access tokens."""
        from desktop.credentials.access_tokens import find_access_tokens

        with self._lock:
            if self._tokens is None:
                self._tokens = find_access_tokens(self._paths, self._environ, self._keyring)
            return self._tokens

    def close_connections(self) -> None:
        """Close every connection that is kept: when the switch goes offline."""
        with self._lock:
            if self._made is not None:
                self._made[1].close()

    def close(self) -> None:
        """Close the connections and write what is left of the log."""
        self.close_connections()
        if self._requests is not None:
            self._requests.close()

    def _current(self) -> "tuple[HttpClient, HubClient]":
        wanted = (self._settings().proxy, self.endpoint)
        with self._lock:
            if self._made is None or self._made[0] != wanted:
                before = self._made
                self._made = (wanted, *self._make(*wanted))
                if before is not None:
                    before[1].close()
            return self._made[1], self._made[2]

    def _make(self, proxy: str, endpoint: str) -> "tuple[HttpClient, HubClient]":
        from desktop.hub.hub_client import HubClient
        from desktop.network.http_client import HttpClient

        client = HttpClient(switch=self.switch, log=self.requests.append, begun=self.requests.begin, proxy=proxy)
        return client, HubClient(client, endpoint, self.tokens.get)


def build_network_services(
    paths: Paths,
    environ: Mapping[str, str] = os.environ,
    *,
    settings: Callable[[], Settings],
    policy: PolicySource,
    keyring: KeyringClient | None = None,
) -> NetworkServices:
    """The NetworkServices for these folders; tokens may be in `keyring`. Opens nothing."""
    return NetworkServices(paths, environ, settings, policy, keyring or KeyringClient())
