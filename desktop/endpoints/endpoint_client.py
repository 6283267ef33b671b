"""Requests to an endpoint: each to the address that is shown and to no other, with the token that is kept for its host
alone, and under a purpose that the log of requests names."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import msgspec

from desktop.endpoints.endpoint import Endpoint
from desktop.endpoints.endpoint_errors import redirected, refused_by_status, unusable_answer
from desktop.errors import NetworkError
from desktop.network.access_token import AccessToken
from desktop.network.http_client import HttpClient, HttpResponse, HttpTimeouts, RequestError, StreamedResponse
from desktop.network.offline_switch import OfflineSwitch

LISTS, CHATS = "endpoint-models", "endpoint-chat"
"""The purposes of requests to endpoints: what is there, and a conversation."""
LARGEST_LIST = 8 << 20
CHAT_TIMEOUTS = HttpTimeouts(connect=10, read=600, write=60, total=600)
"""A long prompt may be read for minutes before the first word; a person can stop it at any time."""
LIST_TIMEOUTS = HttpTimeouts(connect=10, read=15, write=15, total=20)


class EndpointClient:
    """For any number of threads. `client` gives the one client, `token` the token that is kept for a host."""

    def __init__(
        self,
        client: Callable[[], HttpClient],
        token: Callable[[str], AccessToken | None],
        switch: OfflineSwitch,
        timeouts: HttpTimeouts = CHAT_TIMEOUTS,
    ) -> None:
        self._client = client
        self._token = token
        self._switch = switch
        self._timeouts = timeouts

    def check_online(self) -> None:
        """Raise ForbiddenError where nothing may leave this machine."""
        self._switch.check()

    def has_token(self, host: str) -> bool:
        """Whether a token is kept for `host`. Raises AccessError where it cannot be had now."""
        return self._token(host) is not None

    def get(self, address: str) -> HttpResponse:
        """What is at `address`, whatever its status. Raises UserError."""
        url = address.partition("://")[2].partition("/")[0]
        found = self._client().request(
            LISTS,
            "GET",
            address,
            token=self._token(url),
            headers={"Accept": "application/json"},
            follow=False,
            most_bytes=LARGEST_LIST,
            timeouts=LIST_TIMEOUTS,
        )
        if 300 <= found.status < 400:
            raise redirected(url, found.headers.get("Location", ""))
        return found

    def get_json(self, endpoint_host: str, address: str) -> dict[str, Any]:
        """The object at `address`. Raises UserError where there is none."""
        found = self.get(address)
        if found.status != 200:
            has_token = self.has_token(endpoint_host)
            raise refused_by_status(endpoint_host, "", found.status, found.body, found.headers, has_token=has_token)
        value = json_object(found.body)
        if value is None:
            raise unusable_answer(endpoint_host, found.body[:200].decode(errors="replace"))
        return value

    def find_json(self, address: str) -> dict[str, Any] | None:
        """The object at `address`, None where there is none, or nobody answers there. Raises ForbiddenError offline."""
        try:
            found = self.get(address)
        except NetworkError:
            return None
        return json_object(found.body) if found.status == 200 else None

    @contextmanager
    def chat(self, endpoint: Endpoint, body: bytes, stop: threading.Event) -> Iterator[StreamedResponse]:
        """The answer to a chat completion, whatever its status, as it comes. Raises UserError, and StoppedError once
        `stop` is set."""
        with ExitStack() as stack:
            try:
                streamed = stack.enter_context(self._asked(endpoint, body, stop))
            except RequestError as error:
                if error.kind != "cut":
                    raise
                # A kept connection that the server was about to close. Being asked twice changes nothing there.
                streamed = stack.enter_context(self._asked(endpoint, body, stop))
            yield streamed

    def _asked(
        self, endpoint: Endpoint, body: bytes, stop: threading.Event
    ) -> AbstractContextManager[StreamedResponse]:
        return self._client().stream(
            CHATS,
            "POST",
            f"{endpoint.address}/chat/completions",
            headers={"Content-Type": "application/json", "Accept": "text/event-stream, application/json"},
            token=self._token(endpoint.host),
            follow=False,
            stop=stop,
            body=body,
            timeouts=self._timeouts,
        )


def json_object(body: bytes) -> dict[str, Any] | None:
    """The object that `body` is as JSON; None where it is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
