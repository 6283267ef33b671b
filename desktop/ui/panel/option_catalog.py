"""The settings that the panel shows, in its order: their names, a sentence about each, and what values they take."""

from dataclasses import dataclass
from typing import Literal

from desktop.translation import tr

PanelSection = Literal["sampling", "more", "thinking", "answer", "loading"]
MOST_CONTEXT = 1_048_576


@dataclass(frozen=True)
class PanelOption:
    """One setting, by its name in `OptionChanges`. A number from `low` to `high`, or one of `choices`. `model_only`:
    it is a matter of loading, and set for a model alone."""

    field: str
    name: str
    sentence: str
    section: PanelSection
    low: float = 0
    high: float = 1
    whole: bool = False
    choices: tuple[tuple[object, str], ...] = ()
    model_only: bool = False


def panel_options() -> tuple[PanelOption, ...]:
    """All of them."""
    return (*_sampling(), *_more_sampling(), *_thinking(), *_loading())


def _sampling() -> tuple[PanelOption, ...]:
    return (
        PanelOption(
            "temperature",
            tr("Temperature"),
            tr("How freely words are chosen: 0 always takes the likeliest one, 1 and more surprises."),
            "sampling",
            0,
            5,
        ),
        PanelOption(
            "top_p",
            tr("Top-p"),
            tr("Only the likeliest words that together reach this probability are considered."),
            "sampling",
        ),
        PanelOption(
            "top_k",
            tr("Top-k"),
            tr("Only so many of the likeliest words are considered; 0 considers all."),
            "sampling",
            0,
            1_000_000,
            whole=True,
        ),
        PanelOption(
            "min_p",
            tr("Min-p"),
            tr("Words less likely than this share of the likeliest one are left out."),
            "sampling",
        ),
        PanelOption(
            "max_tokens",
            tr("Longest answer"),
            tr("An answer ends after so many tokens; a token is about three quarters of a word."),
            "sampling",
            1,
            MOST_CONTEXT,
            whole=True,
        ),
    )


def _more_sampling() -> tuple[PanelOption, ...]:
    return (
        PanelOption(
            "repeat_penalty",
            tr("Repeat penalty"),
            tr("Above 1, words that were said lately become less likely."),
            "more",
            0.5,
            2,
        ),
        PanelOption(
            "presence_penalty",
            tr("Presence penalty"),
            tr("Above 0, words that were said at all become less likely."),
            "more",
            -2,
            2,
        ),
        PanelOption(
            "frequency_penalty",
            tr("Frequency penalty"),
            tr("Above 0, words become less likely the more often they were said."),
            "more",
            -2,
            2,
        ),
        PanelOption(
            "dry_multiplier",
            tr("DRY"),
            tr("Above 0, what would continue a repeated passage becomes less likely; 0.8 is usual."),
            "more",
            0,
            5,
        ),
        PanelOption(
            "xtc_probability",
            tr("XTC"),
            tr("How often the likeliest words are left out on purpose, for more variety."),
            "more",
        ),
        PanelOption(
            "seed",
            tr("Seed"),
            tr("The same seed gives the same answer to the same conversation."),
            "more",
            0,
            4_294_967_295,
            whole=True,
        ),
    )


def _thinking() -> tuple[PanelOption, ...]:
    return (
        PanelOption(
            "thinking",
            tr("Thinking"),
            tr("Whether the model thinks before it answers: slower, and often better."),
            "thinking",
            choices=((True, tr("On")), (False, tr("Off"))),
        ),
        PanelOption(
            "effort",
            tr("Effort"),
            tr("How much it thinks."),
            "thinking",
            choices=(("low", tr("Low")), ("medium", tr("Medium")), ("high", tr("High"))),
        ),
        PanelOption(
            "thinking_budget",
            tr("Thinking budget"),
            tr("Thinking ends after so many tokens, and the answer begins."),
            "thinking",
            1,
            MOST_CONTEXT,
            whole=True,
        ),
    )


def _loading() -> tuple[PanelOption, ...]:
    kinds = (("f16", tr("16 bits")), ("q8_0", tr("8 bits")), ("q4_0", tr("4 bits")))
    return (
        PanelOption(
            "context_length",
            tr("Context length"),
            tr("How many tokens the conversation and the answer share. A change loads the model again."),
            "loading",
            256,
            MOST_CONTEXT,
            whole=True,
        ),
        PanelOption(
            "threads",
            tr("Threads"),
            tr("How many processor cores compute. A change loads the model again."),
            "loading",
            1,
            512,
            whole=True,
            model_only=True,
        ),
        PanelOption(
            "gpu_layers",
            tr("GPU layers"),
            tr("−1 puts all of it on the GPU, 0 nothing. A change loads the model again."),
            "loading",
            -1,
            1000,
            whole=True,
            model_only=True,
        ),
        PanelOption(
            "parallel",
            tr("Answers at once"),
            tr("How many chats it answers at the same time; they share the context. A change loads it again."),
            "loading",
            1,
            16,
            whole=True,
            model_only=True,
        ),
        PanelOption(
            "key_type",
            tr("Cache precision"),
            tr("Fewer bits leave room for more context, and are a little less exact. A change loads it again."),
            "loading",
            choices=kinds,
            model_only=True,
        ),
    )
