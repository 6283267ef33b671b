"""`latchkey presets`: named sets of system prompt, sampling, thinking and model."""

import json
from argparse import Namespace
from typing import Any

import msgspec

from desktop.chat.preset_file import Preset, PresetFile, PresetNameError, with_given
from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import DONE
from desktop.cli.named_entries import using_names
from desktop.cli.sampling_arguments import sampling_given
from desktop.cli.terminal_input import repair_input
from desktop.engine.generation_options import ThinkingOptions
from desktop.translation import tr


def run(options: Namespace, tools: CommandContext) -> int:
    file = PresetFile(tools.paths.presets_file)
    with using_names(file, tools, PresetNameError):
        match options.action:
            case "list":
                _list(options, tools, file)
            case "show":
                _show(options, tools, file)
            case "set":
                file.set(repair_input(options.name), _changed(options, file))
            case "remove":
                file.remove(repair_input(options.name))
    return DONE


def _list(options: Namespace, tools: CommandContext, file: PresetFile) -> None:
    found = [_as_json(name, preset, own=file.is_own(name)) for name, preset in file.presets().items()]
    if options.json:
        tools.output.json(found)
    else:
        tools.output.table([(each["name"], _in_words(each)) for each in found])


def _show(options: Namespace, tools: CommandContext, file: PresetFile) -> None:
    name = repair_input(options.name)
    shown = _as_json(name, file.find(name), own=file.is_own(name))
    if options.json:
        tools.output.json(shown)
        return
    rows = [(tr("name"), name), (tr("whose"), _whose(shown))]
    for key, value in shown.items():
        if key not in ("name", "built_in"):
            rows += _rows(key, value)
    tools.output.table(rows)


def _rows(key: str, value: Any) -> list[tuple[str, str]]:
    """A field of a preset in words: its name, and what it says; one row for each part of sampling or thinking."""
    if isinstance(value, dict):
        prefix = f"{tr('thinking')}: " if key == "thinking" else ""
        return [(prefix + _worded(name), _said(each)) for name, each in value.items()]
    return [(_worded(key), _said(value))]


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _worded(field: str) -> str:
    """The name of a field of a preset in words; those of single samplers are llama.cpp's."""
    words = {
        "system_prompt": tr("system prompt"),
        "model": tr("model"),
        "max_tokens": tr("most tokens"),
        "temperature": tr("temperature"),
        "seed": tr("seed"),
        "samplers": tr("samplers"),
        "stop": tr("stops"),
        "enabled": tr("on or off"),
        "effort": tr("effort"),
        "budget": tr("most tokens"),
    }
    return words.get(field, field.replace("_", " "))


def _whose(preset: dict[str, Any]) -> str:
    return tr("built in") if preset["built_in"] else tr("your own")


def _as_json(name: str, preset: Preset, *, own: bool) -> dict[str, Any]:
    """A preset as `--json` gives it: what it does not say is left out."""
    said: dict[str, Any] = msgspec.to_builtins(preset)
    return {"name": name, "built_in": not own, **said}


def _in_words(preset: dict[str, Any]) -> str:
    said = {**preset.get("sampling", {}), **{key: preset[key] for key in ("max_tokens", "model") if key in preset}}
    words = [f"{_worded(key)} {_said(value)}" for key, value in said.items()]
    words += [tr("system prompt")] if "system_prompt" in preset else []
    return ", ".join([*words, _whose(preset)])


def _changed(options: Namespace, file: PresetFile) -> Preset:
    """The preset as it was, or a new one, with what the command line says in its place."""
    before = file.presets().get(repair_input(options.name), Preset())
    given: dict[str, Any] = {
        "system_prompt": None if options.system is None else repair_input(options.system),
        "model": None if options.model is None else repair_input(options.model),
        "max_tokens": options.max_tokens,
        "stop": tuple(map(repair_input, options.stop)) if options.stop else None,
        "thinking": ThinkingOptions(enabled=options.thinking == "on") if options.thinking else None,
    }
    return msgspec.structs.replace(
        before,
        sampling=with_given(before.sampling, sampling_given(options)),
        **{name: value for name, value in given.items() if value is not None},
    )
