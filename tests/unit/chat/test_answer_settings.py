"""Which value of a setting counts: the chat's, its folder's, its model's, that of the settings, or the file's."""

from typing import Any

import pytest

from desktop.chat.answer_overrides import AnswerOverrides
from desktop.chat.answer_settings import (
    AnswerPlace,
    answer_settings,
    possible_thinking,
    read_sampling,
    settings_layers,
    thinking_of,
)
from desktop.chat.pending_answer import PendingAnswer
from desktop.chat.preset_file import Preset
from desktop.conversation import ChatOptions, Conversation, Folder, Message
from desktop.engine.generation_options import CacheLevel, GenerationOptions, SamplingParams, ThinkingOptions
from desktop.engine.worker_messages import ModelInfo
from desktop.settings import ModelSettings, SamplingSettings, Settings

EVERYWHERE = ("chat", "folder", "model", "settings")


def asked(said: dict[str, Any], presets: dict[str, Preset] | None = None) -> Any:
    """What counts where each place in `said` says a temperature (a number), or names a preset (a text)."""

    def options(place: str) -> ChatOptions:
        value = said.get(place)
        return ChatOptions(preset=value) if isinstance(value, str) else ChatOptions(sampling={"temperature": value})

    def prompt(place: str) -> str:
        return place if place in said and not isinstance(said[place], str) else ""

    model = options("model")
    own = ModelSettings(system_prompt=prompt("model"), preset=model.preset, sampling=model.sampling)
    settings = Settings(
        sampling=SamplingSettings(temperature=said.get("settings")),
        system_prompt=prompt("settings"),
        model_settings={"m": own},
    )
    place = AnswerPlace(
        Conversation("c", system_prompt=prompt("chat"), options=options("chat")),
        Folder("f", "F", system_prompt=prompt("folder"), options=options("folder")),
        presets or {},
    )
    return answer_settings(settings, "m", place)


@pytest.mark.parametrize("first", range(5))
def test_the_first_place_that_says_it_counts(first: int) -> None:
    """Everything from one place down says a value: the upper one counts; where none does, the model's file."""
    said = {place: 0.1 * (at + 1) for at, place in enumerate(EVERYWHERE) if at >= first}
    counts = asked(said)
    assert counts.options.sampling.temperature == (0.1 * (first + 1) if first < 4 else None)
    assert counts.system_prompt == (EVERYWHERE[first] if first < 4 else "")


def test_places_that_say_different_things_are_joined() -> None:
    settings = Settings(
        sampling=SamplingSettings(top_p=0.5, max_tokens=9),
        model_settings={"m": ModelSettings(sampling={"top_k": 7}, thinking_budget=64)},
    )
    place = AnswerPlace(Conversation("c", options=ChatOptions(sampling={"temperature": 0.0})))
    options = answer_settings(settings, "m", place).options
    assert options.sampling == SamplingParams(temperature=0.0, top_k=7, top_p=0.5)
    assert (options.max_tokens, options.thinking) == (9, ThinkingOptions(budget=64))
    assert answer_settings(settings, "other", place).options.sampling.top_k is None


def test_a_preset_comes_behind_its_places_own_values_and_before_the_next_place() -> None:
    warm = {"warm": Preset("Be warm.", sampling=SamplingParams(temperature=1.5, top_k=3), stop=("END",))}
    counts = asked({"chat": "warm", "folder": 0.2}, warm)
    assert (counts.options.sampling.temperature, counts.options.sampling.top_k) == (1.5, 3)
    assert (counts.system_prompt, counts.options.stop) == ("Be warm.", ("END",))
    counts = asked({"chat": 0.9, "folder": "warm"}, warm)
    assert (counts.options.sampling.temperature, counts.options.sampling.top_k) == (0.9, 3)
    both = ChatOptions(preset="warm", sampling={"temperature": 0.3})
    place = AnswerPlace(Conversation("c", options=both), presets=warm)
    assert answer_settings(Settings(), "m", place).options.sampling == SamplingParams(temperature=0.3, top_k=3)
    assert asked({"chat": "gone", "folder": 0.2}, warm).options.sampling.temperature == 0.2


def test_a_preset_that_says_an_empty_system_prompt_means_none() -> None:
    assert asked({"chat": "bare", "folder": 0.2}, {"bare": Preset("")}).system_prompt == ""


@pytest.mark.parametrize(
    ("chat", "model", "counts"),
    [
        (ChatOptions(), ModelSettings(thinking=False), ThinkingOptions(False)),
        (ChatOptions(thinking=True), ModelSettings(thinking=False), ThinkingOptions(True)),
        (ChatOptions(effort="high"), ModelSettings(thinking=False), ThinkingOptions(effort="high")),
        (ChatOptions(thinking_budget=9), ModelSettings(effort="low"), ThinkingOptions(None, "low", 9)),
        (ChatOptions(thinking=False), ModelSettings(effort="low", thinking_budget=9), ThinkingOptions(False)),
        (ChatOptions(thinking=True), ModelSettings(thinking_budget=9), ThinkingOptions(True, None, 9)),
    ],
)
def test_thinking_is_not_forbidden_by_a_lower_place(
    chat: ChatOptions, model: ModelSettings, counts: ThinkingOptions
) -> None:
    place = AnswerPlace(Conversation("c", options=chat))
    assert thinking_of(settings_layers(Settings(model_settings={"m": model}), "m", place)) == counts


def info(**more: Any) -> ModelInfo:
    return ModelInfo("", "", "", "", 1, 1, 4096, 8192, True, 1, 0, (), "", "", **more)


def test_thinking_is_asked_for_as_far_as_the_model_can() -> None:
    """What a chat says of thinking stays there while a model answers that cannot: no answer fails for it."""
    eager = ThinkingOptions(True, "high", 64)
    assert possible_thinking(eager, None) == eager
    assert possible_thinking(eager, info()) == ThinkingOptions()
    assert possible_thinking(ThinkingOptions(False), info()) == ThinkingOptions(False)
    assert possible_thinking(eager, info(thinks=True, thinking_controls=("off", "budget"))) == ThinkingOptions(
        True, None, 64
    )
    assert possible_thinking(eager, info(thinks=True, thinking_controls=("off", "effort"))) == eager


def test_stored_values_that_cannot_be_used_cost_no_others() -> None:
    stored: dict[str, Any] = {
        "temperature": "hot",
        "top_k": 3,
        "samplers": '["top_k"]',
        "dry_sequence_breakers": "{",
        "max_tokens": -1,
        "from_a_newer_version": 4,
        "seed": None,
    }
    assert read_sampling(stored) == (SamplingParams(top_k=3, samplers=("top_k",)), None)
    assert read_sampling({"max_tokens": 8}) == (SamplingParams(), 8)


def test_a_context_is_wanted_by_the_chat_or_its_folder_alone() -> None:
    """That of the model or the settings is what it is loaded with anyway."""
    settings = Settings(context_length=1024, model_settings={"m": ModelSettings(context_length=2048)})
    assert answer_settings(settings, "m").context_length is None
    folder = Folder("f", "F", options=ChatOptions(context_length=4096))
    assert answer_settings(settings, "m", AnswerPlace(Conversation("c"), folder)).context_length == 4096
    chat = Conversation("c", options=ChatOptions(context_length=512))
    assert answer_settings(settings, "m", AnswerPlace(chat, folder)).context_length == 512


@pytest.mark.parametrize("again", [False, True])
def test_given_options_keep_a_prompt_no_further_than_its_place_does(again: bool) -> None:
    """In a temporary chat that is memory, also for an answer that is made again as it was."""
    message = Message("a", "c", None, "assistant", ())
    overrides = AnswerOverrides(GenerationOptions(cache="disk"), again=message if again else None)
    levels: tuple[CacheLevel, ...] = ("memory", "disk")
    for most in levels:
        answer = PendingAnswer(message, overrides)
        answer.prepare((), answer_settings(Settings(), "m", cache=most), None, None)
        assert answer.options is not None
        assert answer.options.cache == most
