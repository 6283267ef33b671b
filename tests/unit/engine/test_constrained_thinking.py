"""Answers that are held to a form after thinking, or to a least length, by models that say what they are told to."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from desktop.engine.generation_options import GrammarFormat, ThinkingOptions
from tests.fakes.tiny_gguf import scripted_model
from tests.unit.engine.conftest import Asker
from tests.unit.engine.test_constrained_answers import JSON, SCHEMA, logprobs_of


@pytest.fixture
def says(tmp_path: Path, load: Callable[..., Asker]) -> Callable[..., Asker]:
    def make(*pieces: str, **options: Any) -> Asker:
        return load(scripted_model(tmp_path / "scripted.gguf", pieces, **options))

    return make


def test_thinking_is_free_and_only_the_answer_is_held_to_the_form(says: Callable[..., Asker]) -> None:
    form = GrammarFormat('root ::= " "? ("a" | "of")')
    asker = says("<think>", "▁I", "▁have", "</think>", "▁the", "▁of")
    answer = asker.ask("?", response_format=form)
    assert answer.thinking == "I have"
    assert answer.text.strip() in ("a", "of")
    assert answer.end.stop_reason == "end"
    without = asker.ask("?", response_format=form, thinking=ThinkingOptions())
    assert without.thinking == "I have"


def test_thinking_that_the_template_opens_is_free(says: Callable[..., Asker]) -> None:
    template = "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}<think>\n{% endif %}"
    answer = says("▁I", "▁have", "</think>", "▁the", template=template).ask(
        "?", response_format=GrammarFormat('root ::= "yes"')
    )
    assert (answer.thinking, answer.text) == ("I have", "yes")


def test_a_model_that_would_end_within_its_thinking_closes_it(says: Callable[..., Asker]) -> None:
    answer = says("<think>", "▁I", "▁have").ask("?", response_format=GrammarFormat('root ::= "yes"'))
    assert (answer.thinking, answer.text) == ("I have", "yes")


def test_an_answer_cannot_end_before_its_least_tokens(says: Callable[..., Asker]) -> None:
    asker = says("▁I", "▁have")
    assert asker.ask("?").end.generated_tokens == 2
    longer = asker.ask("?", min_tokens=5, max_tokens=50)
    assert 5 <= longer.end.generated_tokens < 50
    assert longer.end.stop_reason == "end"
    assert longer.text.startswith("I have")


def test_probabilities_stand_with_their_tokens_after_thinking(says: Callable[..., Asker]) -> None:
    told, _, done = logprobs_of(says("<think>", "▁I", "</think>", "▁the", "▁a"), "?", logprobs=1)
    assert b"".join(each.text for each in told) == b"<think> I</think> the a"
    assert len(told) == done.generated_tokens == 5


@pytest.mark.real_model
def test_a_real_model_writes_json_that_conforms(real_model_file: Path, load: Callable[..., Asker]) -> None:
    asker = load(real_model_file)
    answer = asker.ask("Describe a green box.", response_format=JSON, max_tokens=200)
    jsonschema.validate(json.loads(answer.text), SCHEMA)
    assert asker.ask("Is the sky blue?", response_format=GrammarFormat('root ::= "yes" | "no"')).text in ("yes", "no")
