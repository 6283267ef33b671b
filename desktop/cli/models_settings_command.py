"""`latchkey models settings`: how one model is loaded and answers, kept with it; shown, changed and reset."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import msgspec

from desktop.chat.conversation_options import LOAD_FIELDS, own_values
from desktop.cli.adapter_choice import adapter_settings, chosen_adapters
from desktop.cli.command_context import CommandContext
from desktop.cli.conversation_settings_command import settings_rows
from desktop.cli.exit_codes import UsageError
from desktop.engine.gguf_header import read_header
from desktop.library.load_settings_check import ModelSettingsError, check_model_settings, read_template
from desktop.settings import AdapterSettings, ModelSettings
from desktop.translation import tr

_NONE, _AUTOMATIC = "none", "auto"


class ModelSettingsReport(msgspec.Struct, frozen=True):
    """A model's settings as --json gives them; null where one is left to the settings for all models."""

    id: str
    context_length: int | None
    gpu_layers: int | None
    key_type: str | None
    value_type: str | None
    threads: int | None
    parallel: int | None
    mmap: bool | None
    mlock: bool | None
    template: str | None
    stops: tuple[str, ...]
    devices: tuple[str, ...]
    tensor_split: tuple[float, ...]
    adapters: tuple[AdapterSettings, ...]
    system_prompt: str | None
    preset: str | None
    sampling: dict[str, Any]
    thinking: bool | None
    effort: str | None
    thinking_budget: int | None


def run(options: Namespace, tools: CommandContext) -> None:
    """Change what the options say, and show what is then in force for the model.

    Raises NotFoundError where there is no such model or template, EngineError where the template is none, UsageError
    where what was given cannot be kept.
    """
    model = tools.library.find(options.id)
    own = tools.settings.model_settings.get(model.id, ModelSettings())
    wanted = msgspec.structs.replace(ModelSettings() if options.reset else own, **_changes(options, tools))
    _check(wanted)
    if wanted != own:
        tools.settings_file.change_model(model.id, wanted)
    if options.json:
        tools.output.json(_report(model.id, wanted))
        return
    if wanted == ModelSettings():
        tools.output.line(tr("{model} has no settings of its own.").format(model=model.id))
        return
    trained = read_header(model.path, embedding=None).context_length
    asked_with = {
        name: value for name, value in own_values(wanted).items() if name not in (*LOAD_FIELDS, "context_length")
    }
    rows = [*((name, text) for name, text in _rows(wanted) if text), *settings_rows(asked_with)]
    tools.output.table(rows)
    if wanted.context_length and 0 < trained < wanted.context_length:
        tools.output.note(tr("The model was made for a context of {count} tokens.").format(count=f"{trained:,}"))


def _check(wanted: ModelSettings) -> None:
    try:
        check_model_settings(wanted)
    except ModelSettingsError as error:
        remedy = tr("Nothing was changed. “latchkey models settings --help” says what each option takes.")
        raise UsageError(error.title, error.detail, remedy) from error


def _changes(options: Namespace, tools: CommandContext) -> dict[str, Any]:
    """What the options say, by the names of `ModelSettings`."""
    changes: dict[str, Any] = {
        field: None if value == _AUTOMATIC else value
        for field, value in (
            ("context_length", options.context),
            ("gpu_layers", options.layers),
            ("threads", options.threads),
            ("parallel", options.parallel),
            ("use_mmap", options.mmap),
            ("use_mlock", options.mlock),
        )
        if value is not None
    }
    if options.kv_type is not None:
        keys, _, values = options.kv_type.partition(",")
        changes |= {"key_type": keys, "value_type": values or keys}
        if options.kv_type == _AUTOMATIC:
            changes |= {"key_type": None, "value_type": None}
    if options.template is not None:
        changes["chat_template"] = "" if options.template == _NONE else _template(Path(options.template))
    if options.stop is not None:
        changes["stops"] = tuple(text for text in options.stop if text)
    if options.device is not None:
        changes["devices"] = tuple(name for name in options.device if name and name != _AUTOMATIC)
    if options.tensor_split is not None:
        changes["tensor_split"] = options.tensor_split
    if options.lora is not None:
        changes["adapters"] = adapter_settings(chosen_adapters(tools, options.lora))
    return changes


def _template(path: Path) -> str:
    return read_template(path, tr("Give the file of a Jinja template, or “none” for the model's own."))


def _rows(own: ModelSettings) -> list[tuple[str, str]]:
    cache = f"{own.key_type or 'f16'}, {own.value_type or 'f16'}" if own.key_type or own.value_type else ""
    return [
        (tr("context"), _number(own.context_length)),
        (tr("layers on the GPU"), tr("all") if own.gpu_layers == -1 else _number(own.gpu_layers)),
        (tr("KV cache (keys, values)"), cache),
        (tr("threads"), _number(own.threads)),
        (tr("answers at once"), _number(own.parallel)),
        (tr("file mapped into memory"), _switch(own.use_mmap)),
        (tr("kept from being swapped"), _switch(own.use_mlock)),
        (
            tr("chat template"),
            tr("your own, {count} characters").format(count=len(own.chat_template)) * bool(own.chat_template),
        ),
        (tr("stops"), ", ".join(map(repr, own.stops))),
        (tr("GPUs"), ", ".join(own.devices)),
        (tr("portions of the GPUs"), ", ".join(map(str, own.tensor_split))),
        (tr("adapters"), ", ".join(f"{Path(each.path).name} ({each.scale:g})" for each in own.adapters)),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _switch(value: bool | None) -> str:
    return "" if value is None else tr("yes") if value else tr("no")


def _report(model_id: str, own: ModelSettings) -> ModelSettingsReport:
    return ModelSettingsReport(
        model_id,
        own.context_length,
        own.gpu_layers,
        own.key_type,
        own.value_type,
        own.threads,
        own.parallel,
        own.use_mmap,
        own.use_mlock,
        own.chat_template or None,
        own.stops,
        own.devices,
        own.tensor_split,
        own.adapters,
        own.system_prompt or None,
        own.preset,
        own.sampling,
        own.thinking,
        own.effort,
        own.thinking_budget,
    )
