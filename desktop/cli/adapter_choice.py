"""Adapters (LoRA) that a command names: `--lora ID|PATH[:SCALE]`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from desktop.cli.command_context import CommandContext
from desktop.cli.exit_codes import UsageError
from desktop.library.adapter_lookup import find_adapter
from desktop.library.library_model import LibraryModel
from desktop.paths import expanded
from desktop.settings import AdapterSettings, ModelSettings, Settings
from desktop.translation import tr


@dataclass(frozen=True)
class AdapterChoice:
    """An adapter of the library, and by how much its weights are multiplied."""

    adapter: LibraryModel
    scale: float = 1.0


def chosen_adapters(tools: CommandContext, given: Sequence[str]) -> tuple[AdapterChoice, ...]:
    """What was given as `--lora`, in its order; an empty text stands for none.

    Raises UsageError where a scale is no number, and what `find_adapter` does.
    """
    return tuple(_chosen(tools, text) for text in given if text)


def with_adapters(settings: Settings, model_id: str, chosen: Sequence[AdapterChoice]) -> Settings:
    """`settings` with these adapters for this model, in place of those that are kept with it."""
    own = settings.model_settings.get(model_id, ModelSettings())
    own = msgspec.structs.replace(own, adapters=adapter_settings(chosen))
    return msgspec.structs.replace(settings, model_settings={**settings.model_settings, model_id: own})


def adapter_settings(chosen: Sequence[AdapterChoice]) -> tuple[AdapterSettings, ...]:
    """What is kept of them with a model."""
    return tuple(AdapterSettings(str(each.adapter.path), each.scale) for each in chosen)


def _chosen(tools: CommandContext, text: str) -> AdapterChoice:
    name, colon, number = text.rpartition(":")
    if not colon or expanded(text).exists():
        return AdapterChoice(find_adapter(tools.library, text))
    try:
        scale = float(number)
    except ValueError:  # a colon of the name, as that of a drive
        return AdapterChoice(find_adapter(tools.library, text))
    if not math.isfinite(scale):
        raise UsageError(
            tr("The scale of an adapter cannot be {value}.").format(value=number),
            "",
            tr("Give a number, such as 1 or 0.5."),
        )
    return AdapterChoice(find_adapter(tools.library, name), scale)
