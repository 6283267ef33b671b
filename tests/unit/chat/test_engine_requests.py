"""What the engine is told of a branch."""

from pathlib import Path

import pytest

from desktop.chat.engine_requests import (
    chat_messages,
    explicit_settings,
    generation_options,
    load_params,
    sampling_for,
    sampling_record,
    with_sampling,
)
from desktop.conversation import (
    ChatMessage,
    DocumentPart,
    ImagePart,
    Message,
    MessagePart,
    Role,
    Status,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from desktop.engine.generation_options import GenerationOptions, SamplingParams
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


IMAGE, DOCUMENT = ImagePart("ab" * 32, "image/png", "a.png"), DocumentPart("Terms", "all of it")
CALL, RESULT = ToolCallPart("1", "weather", "{}"), ToolResultPart("1", "weather", (TextPart("rain"),))
ODD = UnknownPart("audio", '{"type":"audio"}')


def said(role: Role, *parts: MessagePart) -> Message:
    return Message("m", "c", None, role, parts)


def test_parts_of_other_types_are_passed_on_in_their_order() -> None:
    parts = (TextPart("Compare it with "), IMAGE, ODD, TextPart("please."))
    assert chat_messages("", [said(U, *parts)]) == (ChatMessage(U, parts),)
    assert chat_messages("", [said(U, IMAGE)]) == (ChatMessage(U, (IMAGE,)),)
    assert chat_messages("", [said(A, ThinkingPart("hm"))]) == ()


def test_text_on_both_sides_of_thinking_is_one_part() -> None:
    answer = said(A, TextPart("one "), ThinkingPart("hm"), TextPart("two"))
    assert chat_messages("", [answer]) == (ChatMessage.from_text(A, "one two"),)


def test_questions_that_follow_each_other_keep_all_their_parts() -> None:
    first, second = said(U, ODD, TextPart("this?")), said(U, TextPart("or this?"), IMAGE)
    assert chat_messages("", [first, second]) == (ChatMessage(U, (ODD, TextPart("this?\n\nor this?"), IMAGE)),)
    assert chat_messages("", [first, first]) == (ChatMessage(U, (ODD, TextPart("this?"))),)
    assert chat_messages("", [said(U, ODD), said(U, IMAGE)]) == (ChatMessage(U, (ODD, IMAGE)),)


def test_a_document_is_given_as_its_text() -> None:
    ((only,),) = (message.parts for message in chat_messages("", [said(U, TextPart("Sum it up."), DOCUMENT)]))
    assert isinstance(only, TextPart)
    assert only.text.startswith("Sum it up.")
    assert DOCUMENT.title in only.text
    assert DOCUMENT.text in only.text


def test_an_image_of_an_earlier_turn_is_named_and_that_of_the_last_question_is_not_left_out() -> None:
    drawn = ToolResultPart("1", "draw", (TextPart("done"), IMAGE))
    earlier, tool, answer, last = chat_messages(
        "", [said(U, IMAGE, TextPart("What is it?")), said(A, drawn, TextPart("A key.")), said(U, IMAGE)]
    )
    assert IMAGE.name in earlier.text
    assert earlier.text.endswith("What is it?")
    (result,) = tool.parts
    assert isinstance(result, ToolResultPart)
    assert all(isinstance(part, TextPart) for part in result.content)
    assert answer.text == "A key."
    assert last.parts == (IMAGE,)


def test_results_of_tools_stand_in_messages_of_their_own() -> None:
    answer = said(A, ThinkingPart("hm"), TextPart("I look."), CALL, RESULT, TextPart("It rains."))
    assert chat_messages("", [*path((U, "Rain?")), answer]) == (
        ChatMessage.from_text(U, "Rain?"),
        ChatMessage(A, (TextPart("I look."), CALL)),
        ChatMessage("tool", (RESULT,)),
        ChatMessage.from_text(A, "It rains."),
    )


def test_the_settings_make_the_options_of_an_answer() -> None:
    settings = Settings(sampling=SamplingSettings(temperature=0.5, max_tokens=9), stop_on_repetition=False)
    options = generation_options(settings)
    assert options == GenerationOptions(SamplingParams(temperature=0.5), max_tokens=9, stop_on_repetition=False)
    assert generation_options(Settings()) == GenerationOptions(stop_on_repetition=True)
    changed = with_sampling(options, {"repeat_penalty": 1.1, "max_tokens": 5, "no such": 1})
    assert (changed.sampling, changed.max_tokens) == (SamplingParams(temperature=0.5, repeat_penalty=1.1), 9)
    assert sampling_record(changed) == {"temperature": 0.5, "repeat_penalty": 1.1, "max_tokens": 9}
    assert sampling_record(GenerationOptions()) == {}
