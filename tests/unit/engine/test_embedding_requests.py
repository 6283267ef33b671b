"""Requests for vectors: refused where a model gives none, asked again of another worker, and checked."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from desktop.engine.embedding_messages import EmbedRequest
from desktop.engine.engine_client import EngineClient
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import EmbedEvent, RequestFailed
from desktop.errors import EngineError
from tests.fakes.hostile_worker import command
from tests.fakes.tiny_bert import TinyBert
from tests.unit.engine.conftest import Asker, kill_worker, wait_until

Clients = Callable[..., EngineClient]
Files = Callable[[str], Path]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> TinyBert:
    return TinyBert(tmp_path_factory.mktemp("bert") / "bert.gguf")


def test_a_chat_model_gives_no_vectors(make_client: Clients, model_file: Files) -> None:
    client = make_client()
    with pytest.raises(EngineError, match="no embedding model"):
        client.load_and_wait(LoadParams(str(model_file("llama")), threads=1, embedding=True))
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    with pytest.raises(EngineError, match="not to give vectors"):
        client.vectors(["the sea"])
    assert Asker(client).ask("Hi", max_tokens=1, ignore_eos=True).end.generated_tokens == 1


def test_the_first_token_counts_where_the_file_says_so(make_client: Clients, tmp_path: Path) -> None:
    bert = TinyBert(tmp_path / "cls.gguf", pooling=2)
    client = make_client()
    client.load_and_wait(LoadParams(str(bert.path), threads=1, embedding=True))
    assert np.allclose(client.vectors(["the sea is deep"]).vectors[0], bert.vector("the sea is deep"), atol=1e-2)


def test_a_worker_that_was_killed_is_started_again_for_the_next_text(make_client: Clients, bert: TinyBert) -> None:
    client = make_client()
    client.load_and_wait(LoadParams(str(bert.path), threads=1, embedding=True))
    kill_worker()
    wait_until(lambda: client.state == "dead")
    assert np.allclose(client.vectors(["the cat"]).vectors[0], bert.vector("the cat"), atol=1e-2)


HOSTILE = {
    "too few": "send(EmbedResult(request.id, ((1.0,),)))",
    "of two lengths": "send(EmbedResult(request.id, ((1.0,), (1.0, 0.0))))",
    "of a text that nobody asked for": "send(EmbedResult(request.id, ((1.0,), (1.0,)), (2,)))",
    "scores instead": "send(EmbedResult(request.id, scores=(1.0, 2.0)))",
    "not a number": "send({'type': 'embedded', 'id': request.id, 'vectors': [[float('nan')], [1.0]]})",
    "for a stranger, and an answer, before": (
        "send(EmbedResult(request.id + 1, ((1.0,), (1.0,)))); send(done(request.id)); "
        "send(EmbedResult(request.id, ((1.0,),)))"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_vectors_that_are_none_are_told(make_client: Clients, bert: TinyBert, name: str) -> None:
    client = make_client(executable=command("embed", HOSTILE[name]))
    client.load_and_wait(LoadParams(str(bert.path), embedding=True))
    with pytest.raises(EngineError):
        client.vectors(["the sea", "a cat"])


def test_a_text_that_waits_can_be_cancelled(make_client: Clients, bert: TinyBert) -> None:
    client = make_client(executable=command("embed", "pass"))
    client.load_and_wait(LoadParams(str(bert.path), embedding=True))
    events: list[EmbedEvent] = []
    requests = [EmbedRequest(client.next_id(), ("the sea",)) for _ in range(2)]
    for request in requests:
        client.embed(request, events.append)
    client.cancel(requests[1].id)
    wait_until(lambda: bool(events))
    (event,) = events
    assert isinstance(event, RequestFailed)
    assert (event.id, event.title) == (requests[1].id, "Reading the text was cancelled.")
