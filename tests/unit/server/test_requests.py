"""What the interfaces' requests ask of a model, and what of them is refused."""

import base64
from typing import Any

import pytest
from pydantic import ValidationError

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import JsonSchemaFormat, NamedTool, ThinkingOptions
from desktop.server.api_errors import ApiError
from desktop.server.chat_completion_request import ChatRequest
from desktop.server.completion_form import CompletionRequest
from desktop.server.messages_request import MessagesRequest
from desktop.server.model_request import ModelRequest
from desktop.server.responses_request import ResponsesRequest
from desktop.server.served_answers import conversation_name

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
HI: dict[str, Any] = {"role": "user", "content": "hi"}


def chat(*messages: dict[str, Any], **more: Any) -> ModelRequest:
    return ChatRequest.model_validate({"model": "m", "messages": messages or [HI], **more}).model_request()


def anthropic(*messages: dict[str, Any], **more: Any) -> ModelRequest:
    body = {"model": "m", "max_tokens": 9, "messages": messages or [HI], **more}
    return MessagesRequest.model_validate(body).model_request()


def responses(given: Any, **more: Any) -> ModelRequest:
    return ResponsesRequest.model_validate({"model": "m", "input": given, **more}).model_request()


def test_messages_become_those_that_templates_take() -> None:
    asked = chat(
        {"role": "system", "content": "A"},
        HI,
        {"role": "user", "content": [{"type": "text", "text": "there"}]},
        {"role": "developer", "content": "B"},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": "Well,"},
    )
    assert asked.messages == (
        ChatMessage.from_text("system", "A\n\nB"),
        ChatMessage.from_text("user", "hi\n\nthere"),
    )
    assert asked.prefill == "Well,"


CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"x": 1}'}}
TOLD = (
    ChatMessage.from_text("user", "hi"),
    ChatMessage("assistant", (ToolCallPart("c1", "look", '{"x": 1}'),)),
    ChatMessage("tool", (ToolResultPart("c1", "look", (TextPart("seen"),)),)),
)


def test_calls_and_results_are_the_same_in_each_interface() -> None:
    in_chat = chat(
        HI,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
    )
    in_responses = responses(
        [
            HI,
            {"type": "reasoning", "id": "r", "summary": []},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"x": 1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "seen"},
        ]
    )
    in_messages = anthropic(
        HI,
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "?", "signature": ""},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"x": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "seen"}]},
    )
    assert in_chat.messages == in_responses.messages == in_messages.messages == TOLD


def test_options_are_those_of_the_engine() -> None:
    asked = chat(
        max_tokens=5,
        max_completion_tokens=7,
        stop=["a", "b", "a"],
        seed=-1,
        temperature=0,
        logprobs=True,
        top_logprobs=3,
        logit_bias={"5": -100, "6": 2.5},
        reasoning_effort="high",
        ignore_eos=True,
        parallel_tool_calls=False,
        tools=[{"type": "function", "function": {"name": "look"}}],
        tool_choice={"type": "function", "function": {"name": "look"}},
        something_new={"x": 1},
    )
    options = asked.options
    assert (options.max_tokens, options.stop, options.logprobs) == (7, ("a", "b"), 3)
    assert options.sampling.seed == 0xFFFFFFFE
    assert options.sampling.temperature == 0
    assert options.logit_bias == ((5, float("-inf")), (6, 2.5))
    assert options.thinking == ThinkingOptions(effort="high")
    assert options.ignore_eos
    assert options.context_full == "stop"
    assert asked.one_call
    assert options.tool_choice == NamedTool("look")
    assert options.tools[0].name == "look"


def test_forms_of_answers() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    text = '{"type": "object", "properties": {"a": {"type": "string"}}}'
    asked = chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert asked.options.response_format == JsonSchemaFormat(text)
    assert chat(response_format={"type": "json_object"}).options.response_format == JsonSchemaFormat(
        '{"type": "object"}'
    )
    in_responses = responses("hi", text={"format": {"type": "json_schema", "name": "x", "schema": schema}})
    assert in_responses.options.response_format == JsonSchemaFormat(text)
    in_messages = anthropic(output_config={"format": {"type": "json_schema", "schema": schema}})
    assert in_messages.options.response_format == JsonSchemaFormat(text)


def test_turns_are_left_out_only_where_that_was_asked_for() -> None:
    assert responses("hi").options.context_full == "stop"
    assert responses("hi", truncation="auto").options.context_full == "drop-oldest"
    assert anthropic().options.context_full == "stop"


def test_a_model_thinks_for_anthropics_clients_where_they_ask_for_it() -> None:
    assert anthropic().options.thinking == ThinkingOptions(enabled=False)
    asked = anthropic(thinking={"type": "enabled", "budget_tokens": 2000})
    assert asked.options.thinking == ThinkingOptions(enabled=True, budget=2000)


def test_pictures_come_with_the_request() -> None:
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    asked = chat({"role": "user", "content": content})
    (part,) = asked.messages[0].parts
    assert isinstance(part, ImagePart)
    assert part.media_type == "image/png"
    assert base64.b64encode(asked.images[part.sha256]).decode() == PNG
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    assert anthropic({"role": "user", "content": [{"type": "image", "source": source}]}).images == asked.images


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"n": 2}, "n"),
        ({"functions": []}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"grammar": "root ::= x", "response_format": {"type": "json_object"}}, "grammar"),
        ({"logit_bias": {"x": 1}}, "logit_bias"),
        ({"messages": [{"role": "system", "content": "a"}]}, "messages"),
        ({"messages": [{"role": "tool", "tool_call_id": "c", "content": "x"}]}, "messages.0.tool_call_id"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test/"}}]}
                ]
            },
            "messages.0.content.0",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refused:
        ChatRequest.model_validate({"model": "m", "messages": [HI], **body}).model_request()
    assert (refused.value.status, refused.value.param) == (400, param)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"temperature": float("nan")},
        {"temperature": -1},
        {"max_tokens": 0},
        {"stop": ""},
        {"stop": ["x"] * 17},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
    ],
)
def test_what_is_no_request_is_not_taken(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChatRequest.model_validate({"model": "m", "messages": [HI], **body})


def test_half_characters_are_repaired() -> None:
    assert chat({"role": "user", "content": "a\ud800"}).messages[0].text == "a\ufffd"


def test_a_deep_schema_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"items": deep}
    with pytest.raises(ApiError, match="nested too deeply"):
        chat(tools=[{"type": "function", "function": {"name": "x", "parameters": deep}}])


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "background"])
def test_nothing_is_kept_between_requests(name: str) -> None:
    with pytest.raises(ApiError, match="keeps nothing"):
        responses("hi", **{name: "resp_1" if name != "background" else True})


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2], [[1, 2]], []])
def test_a_completion_has_one_prompt_that_is_a_text(prompt: Any) -> None:
    with pytest.raises(ApiError, match="one prompt"):
        CompletionRequest.model_validate({"model": "m", "prompt": prompt}).model_request()


def test_turns_of_one_conversation_share_what_was_read() -> None:
    first = chat({"role": "system", "content": "A"}, HI)
    second = chat({"role": "system", "content": "A"}, HI, {"role": "assistant", "content": "x"}, HI)
    other = chat({"role": "system", "content": "B"}, HI)
    assert conversation_name("ada", first) == conversation_name("ada", second)
    assert conversation_name("ada", first) != conversation_name("bob", first)
    assert conversation_name("ada", first) != conversation_name("ada", other)
