"""What an answer is asked with: of each setting the value that counts, and who says it.

An override for one message counts first (`AnswerOverrides`), then what the chat says, its folder, its model, the
settings, and last the model's file. In each of these places a value of its own comes before the preset named there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from desktop.chat.engine_requests import generation_options, sampling_for
from desktop.chat.preset_file import Preset, with_given
from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.generation_options import CacheLevel, GenerationOptions, SamplingParams, ThinkingOptions
from desktop.engine.worker_messages import ModelInfo
from desktop.settings import ModelSettings, Settings

SettingsOrigin = Literal["chat", "folder", "model", "settings"]
Presets = Mapping[str, Preset]
OptionsChange = Callable[[GenerationOptions], GenerationOptions]
"""What one message changes of the options that count otherwise."""
MAX_TOKENS = "max_tokens"
_LISTS = ("samplers", "dry_sequence_breakers")


class SettingsLayer(msgspec.Struct, frozen=True):
    """What one place says; None, and what is left out: nothing, so that the next place counts. `context_length` is in
    tokens; `preset` is the preset that the place names."""

    origin: SettingsOrigin
    system_prompt: str | None = None
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    thinking: ThinkingOptions = ThinkingOptions()
    stop: tuple[str, ...] = ()
    context_length: int | None = None
    preset: str | None = None


class AnswerSettings(msgspec.Struct, frozen=True):
    """What counts for an answer. `context_length` is what the chat or its folder wants; None: what the model is loaded
    with anyway. `own_stops` end the model's answers whatever else does. Passages are looked for in `collections`;
    the tools of `tools`, tool servers by name, are offered to the model."""

    system_prompt: str
    options: GenerationOptions
    context_length: int | None = None
    own_stops: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def options_for(self, info: ModelInfo | None) -> GenerationOptions:
        """Its options, as far as the model of which `info` is known can follow them."""
        thinking = possible_thinking(self.options.thinking, info)
        return msgspec.structs.replace(self.options, thinking=thinking)


class AnswerPlace(msgspec.Struct, frozen=True):
    """Where an answer is asked for: its conversation and its folder, None where there is none, and the presets that
    these or the model name."""

    conversation: Conversation | None = None
    folder: Folder | None = None
    presets: dict[str, Preset] = {}


NO_PLACE = AnswerPlace()


def answer_settings(
    settings: Settings, model_id: str, place: AnswerPlace = NO_PLACE, cache: CacheLevel = "memory"
) -> AnswerSettings:
    """What counts for an answer of the model `model_id` in `place`; `cache` is how far its prompt is kept."""
    layers = settings_layers(settings, model_id, place)
    base = msgspec.structs.replace(
        generation_options(settings, cache),
        sampling=SamplingParams(**{name: value_of(layers, name) for name in SamplingParams.__struct_fields__}),
        max_tokens=value_of(layers, MAX_TOKENS),
        thinking=thinking_of(layers),
        stop=next((layer.stop for layer in layers if layer.stop), ()),
    )
    wanted = next((layer.context_length for layer in layers[:2] if layer.context_length is not None), None)
    own = settings.model_settings.get(model_id, ModelSettings())
    system = value_of(layers, "system_prompt") or ""
    return AnswerSettings(system, base, wanted, own.stops, collections_of(place), tools_of(place))


def collections_of(place: AnswerPlace) -> tuple[str, ...]:
    """The names of the collections that are searched: those of the chat, else those of its folder."""
    own = place.conversation.options.collections if place.conversation is not None else ()
    return own or (place.folder.options.collections if place.folder is not None else ())


def tools_of(place: AnswerPlace) -> tuple[str, ...]:
    """The names of the tool servers that are offered: those of the chat, else those of its folder."""
    own = place.conversation.options.tools if place.conversation is not None else ()
    return own or (place.folder.options.tools if place.folder is not None else ())


def settings_layers(settings: Settings, model_id: str, place: AnswerPlace) -> tuple[SettingsLayer, ...]:
    """What each place says, the one that counts first at the beginning: chat, folder, model, settings."""
    chat, folder, presets = place.conversation or Conversation(""), place.folder or Folder("", ""), place.presets
    own = settings.model_settings.get(model_id, ModelSettings())
    return (
        _layer("chat", chat.system_prompt, chat.options, presets),
        _layer("folder", folder.system_prompt, folder.options, presets),
        _layer("model", own.system_prompt, own.options, presets),
        SettingsLayer(
            "settings",
            settings.system_prompt or None,
            sampling_for(settings.sampling),
            settings.sampling.max_tokens,
            context_length=settings.context_length,
        ),
    )


def value_of(layers: Sequence[SettingsLayer], name: str) -> Any:
    """The value that counts of a setting, by its name in `SettingsLayer` or `SamplingParams`; None where no place
    says one."""
    return next((value for layer in layers if (value := _said(layer, name)) is not None), None)


def origin_of(layers: Sequence[SettingsLayer], name: str) -> SettingsLayer | None:
    """The place whose value of a setting counts; None where none says one."""
    return next((layer for layer in layers if _said(layer, name) is not None), None)


def thinking_of(layers: Sequence[SettingsLayer]) -> ThinkingOptions:
    """How the model thinks. A place that says how much it shall think is not overruled by a lower one that forbids
    it."""
    said = ThinkingOptions()
    for layer in layers:
        if layer.thinking.enabled is False and said != ThinkingOptions():
            break
        said = with_given(layer.thinking, said)
        if said.enabled is False:
            break
    return said


def possible_thinking(asked: ThinkingOptions, info: ModelInfo | None) -> ThinkingOptions:
    """`asked` as far as the loaded model can do it: what a chat says of thinking stays there while another model
    answers. All of it where nothing is known of the model."""
    if info is None or asked == ThinkingOptions():
        return asked
    if not info.thinks and not info.thinking_controls:
        return ThinkingOptions(enabled=False) if asked.enabled is False else ThinkingOptions()
    if asked.effort is not None and info.thinking_controls and "effort" not in info.thinking_controls:
        return ThinkingOptions(asked.enabled is not False, None, asked.budget)
    return asked


def preset_names(settings: Settings, model_id: str, place: AnswerPlace) -> set[str]:
    """The presets that the places name."""
    own = settings.model_settings.get(model_id, ModelSettings())
    named = (place.conversation and place.conversation.options.preset, place.folder and place.folder.options.preset)
    return {name for name in (*named, own.preset) if name}


def read_sampling(record: Mapping[str, Any]) -> tuple[SamplingParams, int | None]:
    """The sampling and the longest answer that stored values name; what cannot be used is left out."""
    sampling = SamplingParams()
    for name, value in record.items():
        try:
            given = msgspec.json.decode(value) if name in _LISTS and isinstance(value, str) else value
            if name in SamplingParams.__struct_fields__:
                sampling = with_given(sampling, msgspec.convert({name: given}, SamplingParams))
        except msgspec.MsgspecError:
            continue
    most = record.get(MAX_TOKENS)
    return sampling, most if isinstance(most, int) and most > 0 else None


def _layer(origin: SettingsOrigin, system_prompt: str, options: ChatOptions, presets: Presets) -> SettingsLayer:
    """A value of its own comes before one of its preset's."""
    preset = presets.get(options.preset or "", Preset())
    sampling, max_tokens = read_sampling(options.sampling)
    thinking = ThinkingOptions(options.thinking, options.effort, options.thinking_budget)
    return SettingsLayer(
        origin,
        system_prompt or preset.system_prompt,
        with_given(preset.sampling, sampling),
        preset.max_tokens if max_tokens is None else max_tokens,
        thinking if thinking.enabled is False else with_given(preset.thinking, thinking),
        preset.stop,
        options.context_length,
        options.preset,
    )


def _said(layer: SettingsLayer, name: str) -> Any:
    """What a place says of a setting."""
    if name in SamplingParams.__struct_fields__:
        return getattr(layer.sampling, name)
    if name in ThinkingOptions.__struct_fields__:
        return getattr(layer.thinking, name)
    return getattr(layer, name)
