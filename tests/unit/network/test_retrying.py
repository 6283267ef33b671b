"""What is tried again, how long after, and who can end the waiting."""

import threading
from collections.abc import Callable

import pytest

from desktop.network.http_client import (
    MAX_RETRY_DELAY_S,
    HttpClient,
    StoppedError,
    backoff_delay,
    retry_after,
    retry_delay,
)
from desktop.network.request_log import RequestLogEntry
from tests.fakes.web import Asked, Handler, Server, Talk

Make = Callable[..., HttpClient]


def failing(times: int, status: int, **headers: str) -> Handler:
    left = [times]

    def handler(asked: Asked, talk: Talk) -> None:
        left[0] -= 1
        if left[0] >= 0:
            talk.answer(status, b"not now", **headers)
        else:
            talk.answer(200, b"now")

    return handler


@pytest.mark.loopback
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_passes_is_tried_again(make_client: Make, log: list[RequestLogEntry], status: int) -> None:
    client = make_client(retries=2)
    with Server(failing(2, status, Retry_After="0")).running() as server:
        assert client.request("info", "GET", server.url).body == b"now"
    assert [each.status for each in log] == [status, status, 200]


@pytest.mark.loopback
def test_what_does_not_pass_is_handed_over_in_the_end(make_client: Make, log: list[RequestLogEntry]) -> None:
    client = make_client(retries=2)
    with Server(failing(9, 503, Retry_After="0")).running() as server:
        assert client.request("info", "GET", server.url).status == 503
        with client.stream("file", "GET", server.url) as streamed:
            assert b"".join(streamed.chunks()) == b"not now"
    assert [each.status for each in log] == [503] * 6


@pytest.mark.loopback
@pytest.mark.parametrize(("method", "status"), [("POST", 503), ("GET", 500), ("GET", 403), ("GET", 416)])
def test_what_would_not_pass_or_may_not_be_repeated_is_not_tried_again(
    client: HttpClient, log: list[RequestLogEntry], method: str, status: int
) -> None:
    with Server(failing(1, status, Retry_After="0")).running() as server:
        assert client.request("info", method, server.url).status == status
    assert len(log) == 1


@pytest.mark.loopback
def test_a_server_that_wants_a_long_wait_is_not_waited_for(client: HttpClient) -> None:
    with Server(failing(9, 429, RateLimit='"resolvers";r=0;t=287')).running() as server:
        response = client.request("file", "GET", server.url)
    assert response.status == 429
    assert retry_after(response.headers) == 287


@pytest.mark.loopback
def test_a_wait_before_the_next_try_can_be_interrupted(client: HttpClient, log: list[RequestLogEntry]) -> None:
    stop = threading.Event()
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            client.request("info", "GET", server.url, stop=stop)
        except StoppedError as error:
            raised.append(error)

    with Server(failing(9, 429, Retry_After="59")).running() as server:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        while not log:
            stop.wait(0.01)
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    assert raised
    assert len(log) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 5000}, 999_999_999),
        ({"Retry-After": "Wed, 25 Nov 2026 10:00:30 GMT", "Date": "Wed, 25 Nov 2026 10:00:00 GMT"}, 30),
        ({"Retry-After": "Wed, 25 Nov 2026 09:00:00 GMT", "Date": "Wed, 25 Nov 2026 10:00:00 GMT"}, 0),
        ({"RateLimit": '"resolvers";r=0;t=42'}, 42),
        ({"RateLimit": '"api"; r=0; t = 42'}, 42),
        ({"RateLimit": '"resolvers";r=17;t=42'}, None),
        ({"RateLimit": "nonsense"}, None),
        ({"RateLimit": '"resolvers";r=0;t=42', "Retry-After": "3"}, 3),
    ],
)
def test_the_wish_of_a_server(headers: dict[str, str], seconds: float | None) -> None:
    from desktop.network.http_response import HttpHeaders

    assert retry_after(HttpHeaders(headers)) == seconds


def test_waits_grow_and_stay_within_bounds() -> None:
    assert max(backoff_delay(0) for _ in range(100)) <= 0.4
    assert min(backoff_delay(3) for _ in range(100)) > 1
    assert max(backoff_delay(50) for _ in range(100)) <= 8
    assert retry_delay(429, {"retry-after": "1"}, 0) is not None
    assert retry_delay(429, {"Retry-After": str(int(MAX_RETRY_DELAY_S) + 1)}, 0) is None
    assert retry_delay(200, {"Retry-After": "1"}, 0) is None
