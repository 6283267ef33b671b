"""What is told of clients, models and requests, and that it stays bounded."""

import pytest

from desktop.server.server_activity import ServedRequest, ServerActivity, client_name


@pytest.mark.parametrize(
    ("key_name", "user_agent", "name"),
    [
        ("ada", "curl/8.0", "ada"),
        ("", "OpenAI/Python 3.57.0", "OpenAI/Python"),
        ("", "curl/8.5.0", "curl"),
        ("", "python-httpx/0.28", "python-httpx"),
        ("", "", "unknown program"),
        ("", "\x1b[2Jevil\u202e/1 x", "[2Jevil"),
        ("", "x" * 500, "x" * 60),
    ],
)
def test_a_client_goes_by_its_keys_name_or_its_programs(key_name: str, user_agent: str, name: str) -> None:
    assert client_name(key_name, user_agent) == name


def test_what_is_under_way_is_counted_by_client_and_model() -> None:
    activity = ServerActivity(clock=lambda: 7.0)
    activity.begin(1, "ada", "m", 4)
    activity.begin(2, "bob", "m", 4)
    activity.speed(1, 10.0)
    activity.speed(2, 5.0)
    activity.speed(3, 5.0)
    (model,) = activity.state("u", 2).models
    assert (model.answering, model.parallel, model.tokens_per_s) == (2, 4, 15.0)
    activity.end(1)
    activity.note(ServedRequest(7.0, "ada", "/v1/x", 200, "m", 3, 9))
    state = activity.state("u", 2)
    assert [(each.name, each.requests, each.answering, each.tokens) for each in state.clients] == [
        ("ada", 1, 0, 9),
        ("bob", 0, 1, 0),
    ]


def test_no_more_is_kept_than_anybody_looks_at() -> None:
    activity = ServerActivity()
    for number in range(2000):
        activity.note(ServedRequest(0.0, f"client {number}", "/", 200))
    state = activity.state("", 0)
    assert len(state.clients) == 100
    assert len(state.requests) == 500
    assert state.clients[0].name == "client 1999"
