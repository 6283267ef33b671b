"""The real models through the server, by OpenAI's client: the same answer as the command's, calls, JSON, vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.accepting import import_and_accept
from tests.journeys.command import latchkey
from tests.journeys.test_serve import serving
from tests.real.conftest import Imported

pytestmark = [pytest.mark.real_model, pytest.mark.loopback]
QUESTION = "What is the capital of France?"
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
LOOK: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Paris", "Rome"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def test_the_real_models_answer_openais_client(imported: Imported, embedding_model_file: Path) -> None:
    asked = latchkey(
        *("ask", QUESTION, "--system", "Be short.", "--model", imported.id),
        *("--temperature", "0", "--max-tokens", "16", "--json"),
    ).json
    vectors = import_and_accept(imported.home, embedding_model_file)
    with serving("--model", imported.id, "--model", vectors) as server, server.client() as client:
        assert server.said["models"] == [imported.id, vectors]
        said: Any = [{"role": "system", "content": "Be short."}, {"role": "user", "content": QUESTION}]
        answer = client.chat.completions.create(
            model=imported.id, messages=said, temperature=0, max_tokens=16, logprobs=True, top_logprobs=2
        )
        choice = answer.choices[0]
        assert choice.message.content == asked["text"]
        assert answer.usage is not None
        assert answer.usage.prompt_tokens == asked["prompt_tokens"]
        assert choice.logprobs is not None
        tokens = choice.logprobs.content or []
        assert "".join(each.token for each in tokens) == asked["text"]
        assert all(each.top_logprobs[0].logprob >= each.logprob for each in tokens)
        again = client.chat.completions.create(model=imported.id, messages=said, temperature=0, max_tokens=16)
        assert again.usage is not None
        assert again.usage.prompt_tokens_details is not None
        assert again.usage.prompt_tokens_details.cached_tokens

        format_: Any = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
        form = client.chat.completions.create(
            model=imported.id, messages=said, temperature=0, max_tokens=60, response_format=format_
        )
        assert set(json.loads(form.choices[0].message.content or "")) == {"name", "age"}
        call = client.chat.completions.create(
            model=imported.id, messages=said, temperature=0, max_tokens=60, tools=[LOOK], tool_choice="required"
        )
        calls = call.choices[0].message.tool_calls
        assert calls is not None
        called = calls[0]
        assert called.type == "function"
        assert json.loads(called.function.arguments)["city"] in ("Paris", "Rome")

        found = client.embeddings.create(model=vectors, input=["a cat", "a kitten", "tax law"])
        cat, kitten, law = (np.array(each.embedding) for each in found.data)
        assert cat @ kitten > 0.6 > 0.3 > cat @ law
        assert np.isclose(np.linalg.norm(cat), 1, atol=1e-3)
