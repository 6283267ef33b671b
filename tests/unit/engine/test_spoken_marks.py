"""Marks of thinking and of a turn's end, said in the real worker: as tokens of any kind, and as plain text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage, ThinkingPart
from desktop.engine.worker_messages import Delta, DeltaReplacement
from tests.fakes.parrot import Token, parrot
from tests.fakes.tiny_gguf import CHATML
from tests.unit.engine.conftest import Asker

pytestmark = pytest.mark.usefixtures("forked_workers")
Load = Callable[..., Asker]
GEMMA = (
    "{{ bos_token }}{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
ALPACA = (
    "{% for m in messages %}{% if m.role == 'user' %}### Instruction:\n{{ m.content }}\n\n### Response:\n"
    "{% else %}{{ m.content }}\n\n{% endif %}{% endfor %}"
)
HARMONY = (
    "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>"
    "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
MUSE = (
    "{% for m in messages %}{{ '<|start|>assistant to=user' if m.role == 'assistant' else '<|start|>' + m.role }}"
    "<|message|>{{ m.content }}<|eot|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
CHANNEL_TOKENS = ("channel", "message", "end", "start", "return")


@pytest.fixture
def says(tmp_path: Path, load: Load) -> Callable[..., Asker]:
    """A model that says these pieces, loaded with what the catalog knows of its family."""

    def make(*answer: str | bytes | Token, stops: tuple[str, ...] = (), **options: object) -> Asker:
        return load(parrot(tmp_path / "parrot.gguf", *answer, **options), stops=stops)  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize(
    "mark",
    [Token("</think>"), Token("</think>", defined=True), Token("</think>", control=True), "\n</think>"],
    ids=repr,
)
def test_thinking_that_nothing_opened(says: Callable[..., Asker], mark: str | Token) -> None:
    answer = says("They greet. I greet back.", mark, "\n\nHello!").ask("Hi")
    assert (answer.text, answer.thinking) == ("Hello!", "They greet. I greet back.")
    assert answer.end.thinking_s is not None


def test_what_was_told_as_answer_is_told_anew_before_the_answer_goes_on(says: Callable[..., Asker]) -> None:
    asker = says("They greet. I greet back.", Token("</think>"), "\n\nHello there, and well met!", size=3)
    told = [event for event in asker.client.answer(asker.request("Hi")) if isinstance(event, Delta | DeltaReplacement)]
    at = next(index for index, event in enumerate(told) if isinstance(event, DeltaReplacement))
    restated = told[at]
    assert isinstance(restated, DeltaReplacement)
    assert [*restated.parts] == [ThinkingPart("They greet. I greet back.")]
    after = [event for event in told[at + 1 :] if isinstance(event, Delta)]
    assert "".join(event.text for event in after) == "Hello there, and well met!"


def test_thinking_of_an_earlier_turn_is_not_sent_back(says: Callable[..., Asker]) -> None:
    asker = says("They greet. I greet back.", Token("</think>", defined=True), "\n\nHello!")
    first = asker.ask("Hi", conversation="one")
    turns = ("Hi", ChatMessage.from_text("assistant", first.text), "And you?")
    again = asker.ask(*turns, conversation="one")
    assert (again.text, again.thinking) == (first.text, first.thinking)
    alone = says("They greet. I greet back.", Token("</think>", defined=True), "\n\nHello!").ask(*turns)
    assert again.end.prompt_tokens == alone.end.prompt_tokens


@pytest.mark.parametrize(
    ("template", "ends"),
    [
        (CHATML, "<|im_end|>"),
        (CHATML, "\n<|im_start|>user\n"),
        (CHATML, "</s>"),
        (GEMMA, "<end_of_turn>\n"),
        (GEMMA, "\n<start_of_turn>user\n"),
        (ALPACA, "\n\n### Instruction:\n"),
    ],
)
def test_an_end_that_is_spelled_as_text(says: Callable[..., Asker], template: str, ends: str) -> None:
    answer = says("The capital is Paris.", ends, "And of Italy? That one is Rome.", template=template, size=4).ask("?")
    assert answer.text.rstrip() == "The capital is Paris."
    assert answer.end.stop_reason == "end"


@pytest.mark.parametrize("own", [CHATML, None], ids=["own template", "none"])
def test_the_familys_end_counts_whatever_template_the_file_has(says: Callable[..., Asker], own: str | None) -> None:
    answer = says("Paris.", "<|eot_id|>", "Rome.", template=own, stops=("<|eot_id|>", "###")).ask("?")
    assert (answer.text, answer.end.stop_reason) == ("Paris.", "end")


def test_a_heading_is_no_end_where_the_files_template_is_another_familys(says: Callable[..., Asker]) -> None:
    said = "Two cities:\n\n### Paris\n\nOld.\n"
    assert says(said, stops=("###",)).ask("?").text == said


def test_a_control_token_that_the_template_ends_turns_with(says: Callable[..., Asker]) -> None:
    """Even where the file calls another token its end."""
    answer = says("Paris.", Token("<|im_end|>", control=True), "\nRome.").ask("?")
    assert (answer.text, answer.end.stop_reason) == ("Paris.", "end")


def test_an_answer_about_marks_is_shown_whole(says: Callable[..., Asker]) -> None:
    said = "It writes `<think>`, thinks, and </think> ends it:\n\n```\n<|im_start|>user\nHi<|im_end|>\n```\n\nSo it is."
    answer = says(said).ask("How does ChatML look?")
    assert (answer.text, answer.thinking) == (said, "")


def test_channels_in_control_tokens(says: Callable[..., Asker]) -> None:
    channel, message, end, start, back = (Token(f"<|{word}|>", control=True) for word in CHANNEL_TOKENS)
    said = (
        channel,
        "analysis",
        message,
        "They greet.",
        end,
        start,
        "assistant",
        "<|channel|>final",
        "<|message|>Hello!",
    )
    asker = says(*said, back, "More.", template=HARMONY, stops=("<|return|>", "<|call|>"), controls=("<|call|>",))
    answer = asker.ask("Hi")
    assert (answer.text, answer.thinking, answer.end.stop_reason) == ("Hello!", "They greet.", "end")


def test_channels_in_text(says: Callable[..., Asker]) -> None:
    said = "<|channel|>analysis<|message|>They greet.<|end|><|start|>assistant<|channel|>final<|message|>Hello!"
    answer = says(said, size=5, template=HARMONY).ask("Hi")
    assert (answer.text, answer.thinking) == ("Hello!", "They greet.")


def test_what_a_model_writes_to_itself_in_control_tokens(says: Callable[..., Asker]) -> None:
    message, end, start, back = (Token(f"<|{word}|>", control=True) for word in ("message", "eom", "start", "eot"))
    said = (" to=self", message, "They greet.", end, start, "assistant to=user<|message|>Hello!", back, "More.")
    answer = says(*said, template=MUSE, stops=("<|eot|>", "<|end_of_text|>")).ask("Hi")
    assert (answer.text, answer.thinking, answer.end.stop_reason) == ("Hello!", "They greet.", "end")


def test_what_a_model_writes_to_itself_in_text(says: Callable[..., Asker]) -> None:
    said = " to=self<|message|>They greet.<|eom|><|start|>assistant to=user<|message|>Hello!"
    answer = says(said, size=5, template=MUSE).ask("Hi")
    assert (answer.text, answer.thinking) == ("Hello!", "They greet.")


def test_a_character_cut_off_by_the_limit_is_left_out(says: Callable[..., Asker]) -> None:
    asker = says("Hello ", "😀".encode(), " there")
    for count in (2, 3, 4):
        answer = asker.ask("?", max_tokens=count)
        assert (answer.text, answer.end.stop_reason) == ("Hello ", "length")
    assert asker.ask("?", max_tokens=5).text == "Hello 😀"


def test_a_raw_prompt_is_continued_as_it_is(says: Callable[..., Asker]) -> None:
    said = "It goes on.\n</think>\n<|im_end|>\nand on."
    assert says(said).ask("Once", raw_prompt=True).text == said
