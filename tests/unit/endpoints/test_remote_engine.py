"""A model that is not on this machine answers as one here does: what is asked for, what comes, what ends it."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest

from desktop.conversation import ChatMessage, ImagePart, TextPart, ToolCallPart, ToolResultPart
from desktop.engine.generation_options import (
    GenerationOptions,
    GrammarFormat,
    JsonSchemaFormat,
    NamedTool,
    SamplingParams,
    ThinkingOptions,
    ToolDefinition,
)
from desktop.engine.request_images import RequestImage
from desktop.engine.worker_messages import AnswerEvent, Delta, ModelReady, PromptPrepared, RequestFailed, ToolCallDelta
from desktop.errors import LicenseError
from tests.fakes.scripted_endpoint import DONE, chunk, event, refuse, said, stream, usage
from tests.unit.endpoints.conftest import Far

pytestmark = pytest.mark.loopback


def test_an_answer_comes_in_pieces_with_its_counts(far: Far) -> None:
    asked = far.ask("Hello?")
    assert asked.text == "Hellofromafar."
    first, *_ = asked.events
    assert isinstance(first, PromptPrepared)
    assert first.context_length == 4096
    done = asked.done
    assert (done.stop_reason, done.prompt_tokens, done.generated_tokens) == ("end", 7, 3)
    assert done.time_to_first_token_s is not None
    assert far.script.sent == [
        {
            "model": "tiny",
            "messages": [{"role": "user", "content": "Hello?"}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ]
    assert [(each.purpose, each.method, each.status) for each in far.log] == [("endpoint-chat", "POST", 200)]


def test_loading_asks_the_license_check_and_sends_nothing(far: Far) -> None:
    assert far.check.recorded == [far.served.place]
    assert far.engine.state == "ready"
    assert not list(far.script.asked)
    model = far.engine.model
    assert model is not None
    assert (model.context_length, model.tool_support, model.size) == (4096, "native", 0)
    far.check.error = LicenseError("Not accepted.")
    refused = far.load()
    assert isinstance(refused, RequestFailed)
    assert refused.kind == "license"
    assert far.engine.model is None


def test_a_model_whose_context_is_not_known_says_none(far: Far) -> None:
    far.context_length = None
    ready = far.load()
    assert isinstance(ready, ModelReady)
    assert ready.info.context_length == 0
    assert far.ask("Hello?").done.context_length == 0


def test_options_go_by_their_standard_names_and_the_rest_is_left_out(far: Far) -> None:
    sampling = SamplingParams(
        temperature=0.5, top_p=0.9, top_k=7, min_p=0.1, presence_penalty=0.2, frequency_penalty=0.3, seed=11
    )
    options = GenerationOptions(
        sampling,
        max_tokens=5,
        stop=("a", "b", "c", "d", "e"),
        response_format=JsonSchemaFormat('{"type": "object"}'),
        thinking=ThinkingOptions(effort="low"),
        logit_bias=((5, -1000.0), ("text", 1.0)),
    )
    far.ask("Hello?", options=options)
    (sent,) = far.script.sent
    del sent["messages"], sent["model"], sent["stream"], sent["stream_options"]
    assert sent == {
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "seed": 11,
        "max_tokens": 5,
        "stop": ["a", "b", "c", "d"],
        "reasoning_effort": "low",
        "logit_bias": {"5": -100.0},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    }


@pytest.mark.parametrize(
    "options", [GenerationOptions(response_format=GrammarFormat('root ::= "a"')), GenerationOptions(raw_prompt=True)]
)
def test_what_no_endpoint_can_do_is_refused_and_not_sent(far: Far, options: GenerationOptions) -> None:
    assert far.ask("Hello?", options=options).failed.kind == "engine"
    assert not far.script.sent


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_is_told_from_the_answer(far: Far, field: str) -> None:
    far.script.chats = [stream(chunk({field: "Hm. "}), chunk({"content": "Yes."}), chunk(finish="stop"), DONE)]
    asked = far.ask("Is it?")
    assert (asked.thinking, asked.text, asked.done.stop_reason) == ("Hm. ", "Yes.", "end")
    assert asked.done.thinking_s is not None


def call(index: int, arguments: str, name: str | None = None, call_id: str | None = None) -> bytes:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return chunk({"tool_calls": [{"index": index, "function": function} | ({"id": call_id} if call_id else {})]})


def test_calls_of_tools_come_in_pieces_and_their_results_go_back(far: Far) -> None:
    far.script.chats = [
        stream(
            call(0, "", "weather", "c1"), call(0, '{"ci'), call(0, 'ty": 1}'), call(1, "{}", "clock"),
            chunk(finish="tool_calls"), usage(9, 9, 4), DONE,
        )
    ]  # fmt: skip
    tools = (ToolDefinition("weather", "Says the weather.", '{"type": "object"}'),)
    question = ChatMessage("user", (TextPart("Rain?"),))
    asked = far.ask(question, options=GenerationOptions(tools=tools, tool_choice=NamedTool("weather")))
    calls = [each for each in asked.events if isinstance(each, ToolCallDelta)]
    assert [(each.call_id, each.name, each.arguments) for each in calls] == [
        ("c1", "weather", ""), ("c1", "weather", '{"ci'), ("c1", "weather", 'ty": 1}'),
        ("call_1", "clock", ""), ("call_1", "clock", "{}"),
    ]  # fmt: skip
    assert (asked.done.stop_reason, asked.done.cached_tokens) == ("tool-calls", 4)
    assert far.script.sent[0]["tool_choice"] == {"type": "function", "function": {"name": "weather"}}
    assert far.script.sent[0]["tools"][0]["function"]["parameters"] == {"type": "object"}
    answer = ChatMessage("assistant", (ToolCallPart("c1", "weather", '{"city": 1}'),))
    result = ChatMessage("tool", (ToolResultPart("c1", "weather", (TextPart("Sun"),)),))
    far.ask(question, answer, result)
    assert far.script.sent[1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": 1}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "Sun"},
    ]


def test_a_picture_goes_as_the_data_of_a_png_file(far: Far) -> None:
    rgb, sha256 = bytes(range(18)), "ab" * 32
    message = ChatMessage("user", (TextPart("What is it?"), ImagePart(sha256, "image/jpeg")))
    far.ask(message, images=(RequestImage(sha256, 3, 2, rgb),))
    text, image = far.script.sent[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is it?"}
    kind, data = image["image_url"]["url"].split(",")
    file = base64.b64decode(data)
    at = file.index(b"IDAT")
    rows = zlib.decompress(file[at + 4 : at + 4 + int.from_bytes(file[at - 4 : at])])
    assert (kind, rows) == ("data:image/png;base64", b"\0" + rgb[:9] + b"\0" + rgb[9:])
    assert far.ask(message).failed.title == "This model cannot see pictures."


@pytest.mark.parametrize(
    ("finish", "most", "reason"),
    [
        ("stop", None, "end"),
        ("length", 5, "length"),
        ("length", None, "context-full"),
        ("content_filter", None, "end"),
        ("something new", None, "end"),
    ],
)
def test_why_an_answer_ended_is_told(far: Far, finish: str, most: int | None, reason: str) -> None:
    far.script.chats = [stream(*said("Well then", finish))]
    assert far.ask("Hello?", options=GenerationOptions(max_tokens=most)).done.stop_reason == reason


def test_an_endpoint_that_does_not_stream_is_understood(far: Far) -> None:
    whole = {
        "model": "tiny",
        "choices": [{"message": {"role": "assistant", "content": "All at once."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    body = json.dumps(whole).encode()
    far.script.chats = [lambda asked, talk: talk.answer(200, body, Content_Type="application/json")]
    asked = far.ask("Hello?")
    assert (asked.text, asked.done.prompt_tokens) == ("All at once.", 3)


def test_stop_ends_the_answer_at_the_endpoint_too(far: Far) -> None:
    left: list[bool] = []

    def endless(asked: Any, talk: Any) -> bool:
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + chunk({"content": "On and on "}))
        talk.sock.settimeout(20)
        left.append(talk.sock.recv(1) == b"")
        return False

    far.script.chats = [endless]

    def stop(heard: AnswerEvent) -> None:
        if isinstance(heard, Delta):
            far.engine.cancel(number)

    number, wait = far.begin("Hello?", on_event=stop)
    asked = wait()
    assert (asked.text, asked.done.stop_reason) == ("On and on ", "cancelled")
    far.script.chats = [stream(*said("Next."))]
    assert far.ask("And now?").text == "Next."
    assert left == [True]


def test_the_token_goes_with_every_request_and_to_its_own_origin_alone(far: Far) -> None:
    far.token = "sk-kept-for-this-host"
    far.ask("Hello?")
    far.origin = "https://other.example"
    far.ask("Hello?")
    sent = [each.headers.get("authorization") for each in far.script.asked]
    assert sent == ["Bearer sk-kept-for-this-host", None]
    assert "sk-kept" not in repr(far.log)


def test_another_model_that_answers_is_named(far: Far) -> None:
    far.script.chats = [stream(chunk({"content": "Hi"}, model="larger\x1b[2J"), chunk(finish="stop"), DONE)]
    notice = far.ask("Hello?").done.notice
    assert "another model answered: larger\\x1b[2J" in notice


def test_several_answers_are_given_at_once(far: Far) -> None:
    asked = [far.begin(f"Question {number}")[1] for number in range(5)]
    assert {wait().text for wait in asked} == {"Hellofromafar."}
    assert event("x") == b"data: x\n\n"
    far.script.chats = [refuse(500)]
    assert far.ask("Hello?").failed.kind == "network"
