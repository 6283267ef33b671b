"""Answers that have to be a call of a tool: the words of each family's template, held to the tool's schema."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from desktop.conversation import ToolCallPart
from desktop.engine.generation_options import GrammarFormat, NamedTool, SamplingParams, ToolDefinition
from desktop.engine.worker.answer_text import AnswerText, ShownText
from desktop.engine.worker.call_reader import ToolCatalog
from desktop.engine.worker.call_shape import CALL_ID, CallShape, find_shape
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.engine.worker.forced_call import ForcedCall, forced_call
from desktop.errors import EngineError
from tests.fakes.parrot import Token, parrot
from tests.fakes.tiny_gguf import CHATML, random_model, scripted_model, spm_vocabulary
from tests.fakes.tool_families import TOOL_FAMILIES, ToolFamily
from tests.unit.engine.byte_vocabulary import END, VOCABULARY
from tests.unit.engine.conftest import Asker
from tests.unit.engine.test_tool_answers import told
from tests.unit.engine.test_tool_calls import calls_in, parts_of

pytestmark = pytest.mark.usefixtures("forked_workers")
FAMILIES = {family.name: family for family in TOOL_FAMILIES}
NO_CONTROLS = re.compile("(?!)")
SCHEMA = {
    "type": "object",
    "properties": {"place": {"type": "string"}, "days": {"type": "integer"}, "units": {"enum": ["metric", "imperial"]}},
    "required": ["place"],
}
LOOK = ToolDefinition("look", "Looks.", json.dumps(SCHEMA))
LISTEN = ToolDefinition("listen", "Listens.")
BRIEF = {
    "type": "object",
    "properties": {
        "place": {"type": "string", "enum": ["Rome", "São Paulo"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "soon": {"type": "boolean"},
    },
    "required": ["days"],
    "additionalProperties": False,
}
CHECK = ToolDefinition("check_2", "Checks.", json.dumps(BRIEF))
HOT = SamplingParams(temperature=2.0, top_k=0, top_p=1.0, min_p=0.0, seed=1)


def shape_of(family: ToolFamily) -> CallShape:
    return find_shape(ChatTemplate(family.template, "<s>", "</s>"), ["</s>", "<|call|>"])


def written(shape: CallShape, name: str, place: str, days: int) -> str:
    """A call of `name` as `shape` has it."""
    arguments = shape.elements
    if arguments is None:
        text = json.dumps({"place": place, "days": days}, ensure_ascii=False)
        return (shape.before + name + shape.between + text + shape.behind).replace(CALL_ID, "abcdefg12")
    quoted = json.dumps(place, ensure_ascii=False) if arguments.literal else place
    first = f"{arguments.opens}place{arguments.begins['text']}{quoted}{arguments.between['text']}"
    return f"{shape.before}{name}{first}days{arguments.begins['other']}{days}{arguments.closes['other']}"


def follow(call: ForcedCall, text: str) -> tuple[bool, str]:
    """Whether `text`, whole, is a call; and what of it was taken, one byte at a time."""
    grammar, taken = VOCABULARY.call_grammar(call.grammar, {END}), bytearray()
    for byte in text.encode():
        if grammar.complete or not grammar.allows(byte):
            return False, taken.decode("utf-8", "replace")
        grammar.accept(byte)
        taken.append(byte)
    return grammar.accepting, taken.decode()


def heard(call: ForcedCall, header: str | None, text: str, size: int) -> list[tuple[str, str]]:
    """The calls that the app is told of."""
    answer = AnswerText(exact=True, header=header, tools=ToolCatalog((LOOK, LISTEN), "seed"), forced_mark=call.mark)
    assert answer.answering
    shown: list[ShownText] = []
    data = text.encode()
    for at in range(0, len(data), size):
        shown += answer.feed(data[at : at + size])
    return calls_in(parts_of([*shown, *answer.finish()]))


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_a_call_in_each_family_s_words_and_nothing_else(family: ToolFamily) -> None:
    shape = shape_of(family)
    call = forced_call(shape, (LOOK, LISTEN), NO_CONTROLS, lambda _: None)
    text = written(shape, "look", "São <b>Paulo</b> {2}", 3)
    assert follow(call, text) == (True, text)
    header = "<|start|>assistant" if not shape.mark else None
    for size in (1, 7, len(text.encode())):
        ((name, arguments),) = heard(call, header, text, size)
        assert (name, json.loads(arguments)) == ("look", {"place": "São <b>Paulo</b> {2}", "days": 3})
    for wrong in (written(shape, "leap", "Rome", 3), "I look out of the window."):
        assert not follow(call, wrong)[0]
    assert not follow(call, text.replace("days", "nights"))[0], "an argument that there is not"
    assert not follow(forced_call(shape, (LISTEN,), NO_CONTROLS, lambda _: None), text)[0]


@pytest.mark.parametrize("family", TOOL_FAMILIES, ids=lambda family: family.name)
def test_what_the_model_itself_says_is_the_beginning_of_such_a_call(family: ToolFamily) -> None:
    """The shape is that of the template's own calls: the first one of what the family says is taken up to its end."""
    call = forced_call(shape_of(family), (LOOK, LISTEN), NO_CONTROLS, lambda _: None)
    said = family.says.removeprefix("I look.").lstrip("\n")
    if family.name == "gpt-oss":  # which says something to the person before, in a message of its own
        said = " to=functions.look<|channel|>commentary json<|message|>" + '{"place": "Rome", "days": 3}'
    if family.name == "command-a":  # whose ids are not nine letters long
        said = said.replace('"0"', '"abcdefg12"')
    if family.name == "lfm-2":  # with strings as those of JSON
        said = said.replace("'Rome'", '"Rome"')
    taken = follow(call, said)[1]
    assert "Rome" in taken
    assert "3" in taken


@pytest.fixture
def loaded(tmp_path: Path, load: Callable[..., Asker]) -> Callable[..., Asker]:
    """A model of random weights: it says nothing of itself."""

    def make(name: str, controls: tuple[str, ...] = ()) -> Asker:
        path = tmp_path / f"{name}.gguf"
        vocabulary = spm_vocabulary(controls=("<|im_start|>", "<|im_end|>", *controls))
        random_model(path, vocabulary=vocabulary, template=FAMILIES[name].template)
        return load(path)

    return make


def called(asker: Asker, tools: tuple[ToolDefinition, ...] = (CHECK,), **options: Any) -> list[ToolCallPart]:
    options = {"sampling": HOT, "tool_choice": "required", "max_tokens": 600, **options}
    text, calls, done = told(asker, "Rome?", tools=tools, **options)
    assert (text.strip(), done.stop_reason, done.notice) == ("", "tool-calls", "")
    return calls


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("hermes", ()),
        ("llama-3", ()),
        ("mistral-nemo", ("[TOOL_CALLS]",)),
        ("deepseek-v3", ("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>")),
        ("gemma-4", ("<|tool_call>", "<tool_call|>", '<|"|>')),
        ("qwen3-coder", ()),
        ("lfm-2", ("<|tool_call_start|>", "<|tool_call_end|>")),
    ],
)
def test_a_model_of_random_weights_calls_the_tool(
    loaded: Callable[..., Asker], name: str, controls: tuple[str, ...]
) -> None:
    asker = loaded(name, controls)
    for seed in range(3):
        (call,) = called(asker, sampling=SamplingParams(temperature=2.0, top_k=0, top_p=1.0, min_p=0.0, seed=seed))
        assert call.name == "check_2"
        jsonschema.validate(json.loads(call.arguments), BRIEF)


def test_the_tool_that_is_named_is_called_and_no_other(loaded: Callable[..., Asker]) -> None:
    asker = loaded("hermes")
    for name in ("check_2", "listen"):
        (call,) = called(asker, (CHECK, LISTEN), tool_choice=NamedTool(name))
        assert call.name == name


def test_thinking_before_the_call_is_free(tmp_path: Path, load: Callable[..., Asker]) -> None:
    asker = load(scripted_model(tmp_path / "m.gguf", ("<think>", "▁I", "▁have", "</think>", "▁the")))
    answer = asker.ask("?", tools=(CHECK,), tool_choice="required", max_tokens=600)
    assert answer.thinking == "I have"
    assert (answer.text, answer.end.stop_reason) == ("", "tool-calls")


def test_channels_think_in_a_message_of_its_own(tmp_path: Path, load: Callable[..., Asker]) -> None:
    channel, message, end = (Token(f"<|{mark}|>", control=True) for mark in ("channel", "message", "end"))
    path = parrot(tmp_path / "m.gguf", channel, "analysis", message, "Hm, Rome.", end, size=20,
                  template=FAMILIES["gpt-oss"].template, controls=("<|call|>", "<|return|>", "<|start|>"))  # fmt: skip
    asker = load(path)
    answer = asker.ask("Rome?", tools=(CHECK,), tool_choice="required", max_tokens=600)
    assert answer.thinking == "Hm, Rome."
    assert (answer.text, answer.end.stop_reason) == ("", "tool-calls")


def test_what_cannot_be_forced_is_refused_with_the_reason(load: Callable[..., Asker], tmp_path: Path) -> None:
    asker = load(random_model(tmp_path / "m.gguf", template=CHATML))
    form = GrammarFormat('root ::= "yes"')
    cases: list[tuple[str, dict[str, Any]]] = [
        ("No tool was given", {}),
        ("a form of its own", {"tools": (CHECK,), "response_format": form}),
        ("There is no tool leap", {"tools": (CHECK,), "tool_choice": NamedTool("leap")}),
        ("No model can write the name", {"tools": (ToolDefinition("a b"),)}),
    ]
    for reason, options in cases:
        with pytest.raises(EngineError) as refused:
            asker.ask("?", **{"tool_choice": "required", **options})
        assert reason in refused.value.detail, options
        assert refused.value.remedy
    broken = ToolDefinition("look", "", '{"type": "object", "properties": {"a": {"$ref": "#/x"}}}')
    with pytest.raises(EngineError):
        asker.ask("?", tools=(broken,), tool_choice="required")
    assert called(asker)[0].name == "check_2", "and the worker answers on"
