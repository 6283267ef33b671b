"""Embedding models and rerankers in the library: taken in and listed as what they are, and offered for no chat."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop.cli.licenses_command import next_sentence
from desktop.cli.step_commands import command_steps
from desktop.engine.gguf_header import read_header
from desktop.errors import EngineError
from desktop.library.library_services import LibraryServices
from tests.accepting import accept
from tests.fakes.tiny_bert import TinyBert
from tests.fakes.tiny_gguf import random_model
from tests.journeys.command import latchkey

KINDS = [(1, "embedding"), (2, "embedding"), (4, "reranker")]


@pytest.mark.parametrize(("pooling", "kind"), KINDS)
def test_what_a_model_is_for_is_listed_and_kept_out_of_chats(
    assembly: LibraryServices, home: Path, pooling: int, kind: str
) -> None:
    path = TinyBert(home / "bert.gguf", pooling=pooling).path
    added = assembly.importer.add(path)
    library = assembly.library
    assert (added.kind, library.find(added.id).kind, library.find(str(path)).kind) == (kind,) * 3
    assert added.id not in [each.id for each in library.models()]
    assert added.id not in [each.listed.subject.id for each in library.cards_here()]
    assert added.id in [each.subject.id for each in library.list_models()]
    assert [each.subject.id for each in library.installed(kind)] == [added.id]  # type: ignore[arg-type]
    other = "reranker" if kind == "embedding" else "embedding"
    assert library.installed(other) == []  # type: ignore[arg-type]
    steps = command_steps(library.card(added.id))
    assert "ask" not in steps[-1].commands[0].split()
    accept(assembly, added.id)
    card = library.card(added.id)
    assert card.verdict.allowed
    assert "ask" not in next_sentence(card.listed, card.verdict)


def test_a_chat_architecture_that_pools_its_tokens_is_an_embedding_model(home: Path) -> None:
    asked = {"qwen.gguf": ("llama.pooling_type", 3), "chat.gguf": ("llama.pooling_type", 0)}
    found = {}
    for name, (key, value) in asked.items():
        file = random_model(home / name.removesuffix(".gguf"), metadata={key: value})
        found[name] = read_header(file, embedding=None).kind
    assert found == {"qwen.gguf": "embedding", "chat.gguf": "chat"}


def test_the_engine_is_given_none_of_them_to_chat_with(home: Path) -> None:
    for pooling, said in ((1, "embedding model"), (4, "reranker")):
        with pytest.raises(EngineError, match=said):
            read_header(TinyBert(home / f"{pooling}.gguf", pooling=pooling).path)


def test_the_command_names_what_it_is_and_does_not_chat_with_it(home: Path) -> None:
    path = TinyBert(home / "bert.gguf").path
    added = latchkey("models", "import", str(path), "--json").json
    assert added["kind"] == "embedding"
    assert "(embedding model)" in latchkey("models", "list").out
    assert "embedding model" in latchkey("ask", "Hi", "--model", added["id"]).failed_with(6)
