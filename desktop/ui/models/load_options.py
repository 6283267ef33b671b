"""The settings that one model is loaded with, as its page shows them: their names, and a sentence about each that says
what automatic means. Their ranges are those of `desktop.settings.ModelSettings`."""

from typing import get_args

from desktop.settings import KvCacheType, ModelSettings, Settings
from desktop.translation import tr, trn
from desktop.ui.panel.option_catalog import PanelOption


def load_options() -> tuple[PanelOption, ...]:
    """All of them, in their order; template and stops apart, which are texts."""
    return (*_numbers(), *_choices())


def _numbers() -> tuple[PanelOption, ...]:
    return (
        _number(
            "context_length",
            tr("Context length"),
            tr(
                "How many tokens the conversation and the answer share. Automatic: up to 8,192, as far as the model "
                "was made for them and memory holds them."
            ),
            1,
            1 << 30,
        ),
        _number(
            "gpu_layers",
            tr("GPU layers"),
            tr("How many of its layers a GPU computes, −1 for all. Automatic: as many as fit there."),
            -1,
            100_000,
        ),
        _number(
            "threads",
            tr("Threads"),
            tr("How many threads compute. Automatic: one for each core of the processor."),
            1,
            4096,
        ),
        _number(
            "parallel",
            tr("Answers at once"),
            tr("How many chats it answers at the same time, in one context. Automatic: as set for all models."),
            1,
            64,
        ),
    )


def _number(field: str, name: str, sentence: str, low: float, high: float) -> PanelOption:
    return PanelOption(field, name, sentence, "loading", low, high, whole=True, model_only=True)


def _choices() -> tuple[PanelOption, ...]:
    kinds = tuple((kind, kind) for kind in get_args(KvCacheType))
    switch = ((True, tr("On")), (False, tr("Off")))
    return (
        PanelOption(
            "key_type",
            tr("Cache type of keys"),
            tr("What the context is kept in; fewer bits take less memory and are less exact. Automatic: f16."),
            "loading",
            choices=kinds,
        ),
        PanelOption(
            "value_type",
            tr("Cache type of values"),
            tr("As for keys; some GPUs take only the same for both. Automatic: f16."),
            "loading",
            choices=kinds,
        ),
        PanelOption(
            "use_mmap",
            tr("File mapped into memory"),
            tr("The system reads the file as it is needed, and may let go of parts again. Automatic: on."),
            "loading",
            choices=switch,
        ),
        PanelOption(
            "use_mlock",
            tr("Kept from being swapped"),
            tr("Keeps the whole model in memory, where the system allows so much. Automatic: off."),
            "loading",
            choices=switch,
        ),
    )


def automatic_text(settings: Settings, field: str) -> str:
    """What counts where the model has no value of its own."""
    for_all = {
        "context_length": settings.context_length,
        "gpu_layers": settings.gpu_layers,
        "threads": settings.threads,
        "parallel": settings.parallel_answers,
    }.get(field)
    return tr("Automatic") if for_all is None else tr("{value}, as for all").format(value=f"{for_all:,}")


def summary_of(own: ModelSettings) -> str:
    """What is set for a model, in one line."""
    said = []
    for option in load_options():
        value = getattr(own, option.field)
        if value is not None:
            text = next((text for choice, text in option.choices if choice == value), None)
            said.append(f"{option.name}: {text if text is not None else f'{value:,}'}")
    if own.chat_template:
        said.append(tr("a chat template of your own"))
    if own.stops:
        said.append(tr("stops of your own"))
    if own.adapters:
        said.append(trn("{count} adapter", "{count} adapters", len(own.adapters)).format(count=len(own.adapters)))
    return " · ".join(said) or tr("Everything is left to Latchkey.")


def stops_text(stops: tuple[str, ...]) -> str:
    """The stops, one a line; a line break within one is written as \\n, a backslash doubled."""
    return "\n".join(stop.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") for stop in stops)


def read_stops(text: str) -> tuple[str, ...]:
    """The stops that `stops_text` wrote, or a person."""
    return tuple(dict.fromkeys(_plain(line) for line in text.split("\n") if line.strip("\r")))


def _plain(line: str) -> str:
    signs = {"n": "\n", "t": "\t", "\\": "\\"}
    parts, at = [], 0
    while at < len(line):
        sign = signs.get(line[at + 1 : at + 2], "") if line[at] == "\\" else ""
        parts.append(sign or line[at])
        at += 2 if sign else 1
    return "".join(parts)
