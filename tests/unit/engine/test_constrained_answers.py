"""Answers that are held to a form, or told with probabilities, by a real worker with small models."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GrammarFormat, JsonSchemaFormat, SamplingParams
from desktop.engine.load_params import LoadParams
from desktop.engine.token_logprobs import TokenLogprob
from desktop.engine.worker_messages import AnswerDone, Delta, DeltaReplacement
from desktop.errors import EngineError
from tests.fakes.load_checks import OpenLoadCheck
from tests.unit.engine.conftest import Asker, children

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "maxLength": 12},
        "size": {"type": "integer", "minimum": 1, "maximum": 99},
        "tags": {"type": "array", "items": {"enum": ["red", "green"]}, "minItems": 1, "maxItems": 3},
    },
    "required": ["title", "size", "tags"],
    "additionalProperties": False,
}
JSON = JsonSchemaFormat(json.dumps(SCHEMA))
HOT: dict[str, Any] = {"temperature": 2.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


@pytest.fixture(scope="module")
def asker(model_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """One worker for the module, with a model of random weights: what it draws has no form of its own."""
    folder = tmp_path_factory.mktemp("random")
    client = EngineClient(license_check=OpenLoadCheck(), logs=folder / "logs", cache=folder / "cache")
    client.load_and_wait(LoadParams(str(model_file("llama")), threads=1))
    yield Asker(client)
    client.close()


def logprobs_of(asker: Asker, text: str, **options: Any) -> tuple[list[TokenLogprob], list[int], AnswerDone]:
    """What an answer tells of its tokens' probabilities, the tokens that came with text, and its end."""
    told: list[TokenLogprob] = []
    tokens: list[int] = []
    for event in asker.client.answer(asker.request(text, **options)):
        match event:
            case Delta() | DeltaReplacement():
                told += event.logprobs
                tokens += event.tokens
            case AnswerDone():
                return told, tokens, event
    raise AssertionError("an answer ends")


# --- form ---


@pytest.mark.parametrize(
    "sampling",
    [
        SamplingParams(**HOT, seed=1),
        SamplingParams(**HOT, seed=2, repeat_penalty=1.3, dry_multiplier=0.8),
        SamplingParams(seed=3, mirostat=1),
        SamplingParams(seed=4, mirostat=2, mirostat_tau=2.0),
        SamplingParams(seed=5, adaptive_target=0.4),
        SamplingParams(seed=6, typical_p=0.5, top_n_sigma=1.0, xtc_probability=0.5, min_keep=3),
        SamplingParams(seed=7, dynatemp_range=0.5, samplers=("temperature", "top_k", "penalties")),
    ],
    ids=["hot", "penalties", "mirostat", "mirostat-2", "adaptive", "cuts", "order"],
)
def test_a_model_of_random_weights_writes_json_that_conforms(asker: Asker, sampling: SamplingParams) -> None:
    answer = asker.ask("Hello", response_format=JSON, sampling=sampling, max_tokens=600)
    assert answer.end.stop_reason == "end"
    jsonschema.validate(json.loads(answer.text), SCHEMA)
    again = asker.ask("Hello", response_format=JSON, sampling=sampling, max_tokens=600)
    assert again.text == answer.text, "the same seed gives the same answer"


def test_an_answer_that_is_cut_says_so_and_is_a_beginning_of_json(asker: Asker) -> None:
    whole = asker.ask("Hello", response_format=JSON, max_tokens=600)
    cut = asker.ask("Hello", response_format=JSON, max_tokens=whole.end.generated_tokens - 2)
    assert cut.end.stop_reason == "length"
    assert whole.text.startswith(cut.text)
    assert whole.text != cut.text


def test_a_grammar_of_one_sentence_is_said_and_nothing_more(asker: Asker) -> None:
    answer = asker.ask("Hello", response_format=GrammarFormat('root ::= "  héllo\\n" "€"'), max_tokens=60)
    assert (answer.text, answer.end.stop_reason) == ("  héllo\n€", "end")
    ignoring = asker.ask("Hello", response_format=GrammarFormat('root ::= "no"'), ignore_eos=True, max_tokens=60)
    assert (ignoring.text, ignoring.end.stop_reason) == ("no", "end")


def test_marks_in_the_text_of_json_are_text(asker: Asker) -> None:
    said = ["</think>", "<|im_end|>", "###", "<think>"]
    answer = asker.ask("Hello", response_format=JsonSchemaFormat(json.dumps({"const": said})), max_tokens=200)
    assert json.loads(answer.text) == said
    assert answer.thinking == ""


def test_what_is_no_form_is_refused_and_the_worker_lives_on(asker: Asker) -> None:
    worker = children()
    for form in (JsonSchemaFormat('{"not": {}}'), JsonSchemaFormat("x"), GrammarFormat("root ::= (")):
        with pytest.raises(EngineError, match="cannot be used"):
            asker.ask("Hello", response_format=form)
    assert asker.ask("Hello", response_format=GrammarFormat('root ::= "ok"')).text == "ok"
    assert children() == worker


def test_biases_that_forbid_all_that_a_grammar_allows_are_told(asker: Asker) -> None:
    form = GrammarFormat('root ::= "7"')
    with pytest.raises(EngineError, match="could not be kept to its grammar"):
        asker.ask("Hello", response_format=form, logit_bias=(("7", -math.inf), ("▁7", -math.inf), (60, -math.inf)))


# --- biases, ends, probabilities ---


def test_biases_by_number_and_by_text(asker: Asker) -> None:
    ((first,), _, _) = logprobs_of(asker, "Hello", max_tokens=1, ignore_eos=True, logprobs=1)
    never = ((first.token, -math.inf),)
    ((other,), _, _) = logprobs_of(asker, "Hello", max_tokens=1, ignore_eos=True, logprobs=1, logit_bias=never)
    assert other.token != first.token
    wanted = asker.ask("Hello", max_tokens=4, ignore_eos=True, logit_bias=(("#", 1000.0),))
    assert wanted.text == "####"


@pytest.mark.parametrize(
    ("bias", "reason"),
    [((10**6, 1.0), "There is no token"), ((-1, 1.0), "There is no token"), (("a", math.nan), "no number")],
)
def test_a_bias_that_is_none_is_refused(asker: Asker, bias: tuple[int | str, float], reason: str) -> None:
    with pytest.raises(EngineError, match="logit bias cannot be used") as caught:
        asker.ask("Hello", logit_bias=(bias,))
    assert reason in caught.value.detail


def test_probabilities_are_those_of_the_model_itself(asker: Asker) -> None:
    told, tokens, done = logprobs_of(asker, "Hello", max_tokens=6, ignore_eos=True, logprobs=5)
    assert len(told) == done.generated_tokens
    assert [each.token for each in told][: len(tokens)] == tokens
    for each in told:
        assert len(each.top) == 5
        assert [top.logprob for top in each.top] == sorted((top.logprob for top in each.top), reverse=True)
        assert each.logprob == each.top[0].logprob, "greedy takes the likeliest"
        assert sum(math.exp(top.logprob) for top in each.top) <= 1.0001
    biased = (("#", 1000.0),)
    ((shifted,), _, _) = logprobs_of(asker, "Hello", max_tokens=1, ignore_eos=True, logprobs=5, logit_bias=biased)
    assert [top.token for top in shifted.top] == [top.token for top in told[0].top], "a bias does not change them"
    assert shifted.text == b"#"
    assert not logprobs_of(asker, "Hello", max_tokens=2, ignore_eos=True)[0]


def test_a_grammar_may_hold_the_sign_that_stands_for_a_space_in_vocabularies(asker: Asker) -> None:
    assert asker.ask("?", response_format=GrammarFormat('root ::= "a▁the▁of"')).text == "a▁the▁of"
