"""What the panel shows: for one place (chat, folder or model) each setting's own value, and the one that counts without
it."""

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from desktop.chat.answer_settings import (
    AnswerPlace,
    SettingsLayer,
    origin_of,
    possible_thinking,
    settings_layers,
    thinking_of,
    value_of,
)
from desktop.chat.conversation_options import own_values
from desktop.chat.preset_file import Preset
from desktop.conversation import ChatOptions, Conversation, Folder
from desktop.engine.generation_options import SamplingParams
from desktop.engine.worker_messages import ModelInfo, ThinkingControlName
from desktop.settings import ModelSettings, Settings
from desktop.translation import tr
from desktop.ui.parts.untrusted_text import isolated

PanelScope = Literal["chat", "folder", "model"]
_THINKING = {"thinking": "enabled", "thinking_budget": "budget"}
_LOADED = {"threads": "threads", "gpu_layers": "gpu_layers", "parallel": "parallel_answers", "key_type": ""}
"""Names that differ in `ThinkingOptions`, and the settings for all models that stand for those of one."""
_PLACES: tuple[PanelScope, ...] = ("chat", "folder", "model")


@dataclass(frozen=True)
class PanelSources:
    """All that the panel's values are made from. `model_name` is "" where no model is chosen; `presets` are all there
    are, `own_presets` the names of a person's own, `renamed` what others are called now."""

    settings: Settings = field(default_factory=Settings)
    conversation: Conversation = field(default_factory=lambda: Conversation(""))
    folder: Folder | None = None
    model_id: str = ""
    model_name: str = ""
    info: ModelInfo | None = None
    presets: dict[str, Preset] = field(default_factory=dict)
    own_presets: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def named_presets(self) -> dict[str, Preset]:
        """The presets by all names that may be given of them, those that they had before among them."""
        return {old: self.presets[name] for old, name in self.renamed.items()} | self.presets


@dataclass(frozen=True)
class PanelValues:
    """What is shown for one place. `own` are its own values, by name; `inherited` what counts without them, in words;
    `preset` is the preset it names, `preset_missing` says that there is none of that name."""

    scope: PanelScope
    scopes: tuple[PanelScope, ...]
    own: dict[str, Any]
    inherited: dict[str, str]
    inherited_prompt: str
    preset: str | None
    preset_missing: bool
    thinking_controls: tuple[ThinkingControlName, ...]
    most_context: int
    loaded_context: int
    wanted_context: int | None


def panel_values(sources: PanelSources, scope: PanelScope, names: tuple[str, ...]) -> PanelValues:
    """The values of `scope`, or of the chat where there is no such place; `names` are the settings shown."""
    scopes = tuple(each for each in _PLACES if _holder(sources, each) is not None)
    shown = scope if scope in scopes else "chat"
    holder = _holder(sources, shown)
    assert holder is not None
    layers = _layers(sources)
    without = _without_own(sources, shown)
    info = sources.info
    named = holder.options.preset
    chosen = named if named in sources.presets else sources.renamed.get(named or "", named)
    return PanelValues(
        shown,
        scopes,
        own_values(holder),
        {name: _inherited(without, name, shown, sources.settings) for name in names},
        value_of(without, "system_prompt") or "",
        chosen,
        chosen is not None and chosen not in sources.presets,
        _controls(info),
        info.trained_context_length if info is not None else 0,
        info.context_length if info is not None else 0,
        next((layer.context_length for layer in layers[:2] if layer.context_length is not None), None),
    )


def thinks_now(sources: PanelSources) -> bool | None:
    """Whether the next answer is thought about: None as the model does by itself."""
    return possible_thinking(thinking_of(_layers(sources)), sources.info).enabled


def as_preset(sources: PanelSources) -> Preset:
    """What counts in this chat now, as a preset: all that some place says, the settings for all chats apart."""
    layers = _layers(sources)[:3]
    sampling = {name: value_of(layers, name) for name in SamplingParams.__struct_fields__}
    prompt = value_of(layers, "system_prompt")
    stop = next((layer.stop for layer in layers if layer.stop), ())
    return Preset(
        prompt,
        None,
        msgspec.convert(
            {name: value for name, value in sampling.items() if value is not None}, type(layers[0].sampling)
        ),
        value_of(layers, "max_tokens"),
        thinking_of(layers),
        stop,
    )


def scope_name(scope: PanelScope) -> str:
    """What a place is called on its switch."""
    return {"chat": tr("This chat"), "folder": tr("Folder"), "model": tr("Model")}[scope]


def _holder(sources: PanelSources, scope: PanelScope) -> Conversation | Folder | ModelSettings | None:
    if scope == "chat":
        return sources.conversation
    if scope == "folder":
        return sources.folder
    return sources.settings.model_settings.get(sources.model_id, ModelSettings()) if sources.model_id else None


def _layers(sources: PanelSources) -> tuple[SettingsLayer, ...]:
    place = AnswerPlace(sources.conversation, sources.folder, sources.named_presets)
    return settings_layers(sources.settings, sources.model_id, place)


def _without_own(sources: PanelSources, scope: PanelScope) -> tuple[SettingsLayer, ...]:
    """What counts where `scope` says nothing itself, but for its preset."""
    layers = _layers(sources)
    at = _PLACES.index(scope)
    holder = _holder(sources, scope)
    named = holder.options.preset if holder is not None else None
    bare = Conversation("", options=ChatOptions(preset=named))
    only = settings_layers(sources.settings, "", AnswerPlace(bare, None, sources.named_presets))[0]
    return (msgspec.structs.replace(only, origin=scope), *layers[at + 1 :])


def _inherited(layers: tuple[SettingsLayer, ...], name: str, scope: PanelScope, settings: Settings) -> str:
    """What counts of a setting without a value of its own, and who says it; "" where the model does."""
    if name in _LOADED:
        held = getattr(settings, _LOADED[name]) if _LOADED[name] else None
        return tr("Automatic") if held is None else _from(_worded(held), tr("settings"))
    asked = _THINKING.get(name, name)
    found = origin_of(layers, asked)
    if found is None:
        return tr("Automatic") if name == "context_length" else ""
    origins = {"chat": tr("chat"), "folder": tr("folder"), "model": tr("model"), "settings": tr("settings")}
    origin = isolated(found.preset or "") if found.origin == scope else origins[found.origin]
    return _from(_worded(value_of(layers, asked)), origin)


def _from(value: str, origin: str) -> str:
    return tr("{value} ({origin})").format(value=value, origin=origin) if origin else value


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _controls(info: ModelInfo | None) -> tuple[ThinkingControlName, ...]:
    return info.thinking_controls if info is not None else ()
