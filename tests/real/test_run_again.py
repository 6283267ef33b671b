"""An answer of the real model made again from its record, in another process; and one that it goes on with."""

from __future__ import annotations

import pytest

from desktop.engine.worker_messages import Delta, GenerateRequest
from tests.journeys.command import latchkey
from tests.real.conftest import Imported, Loaded

pytestmark = pytest.mark.real_model

QUESTION = "Tell me a short story about a key and a door."


def test_a_sampled_answer_is_made_again_word_for_word_after_a_restart(imported: Imported) -> None:
    where = {"LATCHKEY_HOME": str(imported.home)}
    sampled = ["--model", imported.id, "--temperature", "0.9", "--max-tokens", "60"]
    asked = latchkey("ask", QUESTION, *sampled, "--conversation", "new", "--json", **where)
    assert asked.code == 0, asked
    name = asked.json["conversation"]
    shown = latchkey("conversations", "show", name, "--json", **where)
    answer = shown.json["messages"][1]
    assert str(asked.json["seed"]) in answer["record"]["options"]
    again = latchkey("conversations", "rerun", name, answer["id"], "--json", **where)
    assert again.code == 0, again
    assert again.json["text"] == answer["text"] == asked.json["text"]
    assert again.json["identical"]
    assert again.json["differs_in"] == []
    assert (again.json["seed"], again.json["file_sha256"]) == (asked.json["seed"], asked.json["file_sha256"])
    assert len(latchkey("conversations", "show", name, "--json", **where).json["messages"]) == 2, "kept nowhere"
    missing = latchkey("conversations", "rerun", name, shown.json["messages"][0]["id"], **where)
    assert missing.code == 3
    assert "not recorded" in missing.err


def test_an_answer_goes_on_with_what_it_would_have_said(loaded: Loaded) -> None:
    asker = loaded.asker
    whole = asker.ask(QUESTION, max_tokens=24, cache="off", speculation="off").text
    begun = asker.ask(QUESTION, max_tokens=12, cache="off", speculation="off").text
    assert whole.startswith(begun)
    asked = asker.request(QUESTION, max_tokens=12, cache="off", speculation="off")
    goes_on = GenerateRequest(asked.id, asked.messages, asked.options, prefill=begun)
    said = "".join(event.text for event in asker.client.answer(goes_on) if isinstance(event, Delta))
    assert begun + said == whole
