"""What the engine is told of a branch."""

from pathlib import Path

import pytest

from desktop.chat.engine_requests import chat_messages, explicit_settings, load_params, sampling_for
from desktop.conversation import Message, Role, Status, TextPart, ThinkingPart
from desktop.settings import SamplingSettings, Settings
from tests.fakes.talk import SomeModel

U: Role = "user"
A: Role = "assistant"


def path(*said: tuple[Role, str] | tuple[Role, str, Status]) -> list[Message]:
    return [
        Message(str(at), "c", None, turn[0], (TextPart(turn[1]),), turn[2] if len(turn) == 3 else "complete")
        for at, turn in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "turns"),
    [
        (path((U, "a")), [(U, "a")]),
        (path((U, "a"), (A, "b"), (U, "c")), [(U, "a"), (A, "b"), (U, "c")]),
        (path((U, "a"), (A, "half", "stopped"), (U, "c")), [(U, "a"), (A, "half"), (U, "c")]),
        (path((U, "a"), (A, "half", "failed"), (U, "c")), [(U, "a"), (A, "half"), (U, "c")]),
        (path((U, "a"), (A, "", "failed"), (U, "c")), [(U, "a\n\nc")]),
        (path((U, "a"), (A, "\n", "stopped"), (U, "a")), [(U, "a")]),
        (path((U, "a"), (A, "", "failed"), (U, "a"), (A, "", "failed"), (U, "b")), [(U, "a\n\nb")]),
        (path((U, "a"), (A, "growing", "streaming")), [(U, "a")]),
    ],
)
def test_turns_alternate_and_hold_what_was_said(said: list[Message], turns: list[tuple[str, str]]) -> None:
    assert [(turn.role, turn.text) for turn in chat_messages("", said)] == turns


def test_thinking_is_left_out_and_the_system_prompt_comes_first() -> None:
    answer = Message("m", "c", None, "assistant", (ThinkingPart("hm"), TextPart("b")))
    turns = chat_messages("Be brief.", [*path((U, "a")), answer])
    assert [(turn.role, turn.text) for turn in turns] == [("system", "Be brief."), (U, "a"), (A, "b")]
    assert [turn.role for turn in chat_messages("  ", path((U, "a")))] == [U]


def test_what_the_person_set_is_passed_on_and_nothing_else() -> None:
    settings = SamplingSettings(temperature=0.0, top_k=5, seed=0, max_tokens=9)
    sampling = sampling_for(settings)
    assert (sampling.temperature, sampling.top_k, sampling.seed, sampling.top_p) == (0.0, 5, 0, None)
    assert explicit_settings(settings) == {"temperature": 0.0, "top_k": 5, "seed": 0, "max_tokens": 9}
    assert explicit_settings(SamplingSettings()) == {}
    model = SomeModel(path=Path("m.gguf"), chat_template="{{ messages[0].content }}", stops=("### End",))
    loaded = load_params(model, Settings(context_length=2048, threads=3, gpu_layers=0))
    assert (loaded.model_path, loaded.context_length, loaded.threads, loaded.gpu_layers) == ("m.gguf", 2048, 3, 0)
    assert (loaded.chat_template, loaded.stops) == (model.chat_template, model.stops)
