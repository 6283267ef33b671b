"""How one answer is to be generated: sampling, stops, output format, thinking and tools, as one value for window,
command, benchmark and server."""

from typing import Literal

import msgspec

SpeculationMode = Literal["on", "off", "auto"]
CacheLevel = Literal["off", "memory", "disk"]
ContextPolicy = Literal["drop-oldest", "stop"]


class SamplingParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """How tokens are chosen. None means: what the file says under `general.sampling.*`, else the default.

    Order of the chain: penalties, dry, top_n_sigma, top_k, typical_p, top_p, min_p, xtc, temperature, then a seeded
    draw; temperature 0 is greedy. Defaults are llama-server's: 0.8 / 40 / 0.95 / 0.05, everything else off.
    """

    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    top_n_sigma: float | None = None
    xtc_probability: float | None = None
    xtc_threshold: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    dry_multiplier: float | None = None
    dry_base: float | None = None
    dry_allowed_length: int | None = None
    dry_penalty_last_n: int | None = None
    seed: int | None = None


class JsonSchemaFormat(msgspec.Struct, frozen=True, tag="json-schema"):
    """The answer is JSON that conforms to `schema`, the text of a JSON Schema."""

    schema: str


class GrammarFormat(msgspec.Struct, frozen=True, tag="grammar"):
    """The answer is a sentence of `grammar`, in llama.cpp's GBNF."""

    grammar: str


class ThinkingOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a model thinks before its answer; None is what its template does by itself. `budget` is in tokens."""

    enabled: bool | None = None
    effort: Literal["low", "medium", "high"] | None = None
    budget: int | None = None


class ToolDefinition(msgspec.Struct, frozen=True):
    """A tool that the model may call; `parameters` is the text of the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: str = '{"type": "object", "properties": {}}'


class GenerationOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one answer is to be generated: by window, command, benchmark and server in one value.

    `max_tokens` None means until the model ends or the context is full; before `min_tokens` it cannot end. The answer
    ends before any of `stop` in its text. `stop_on_repetition` ends an answer that only repeats itself. With
    `raw_prompt` the last message's text goes to the model as it is, without the chat template; with `ignore_eos` the
    model cannot end its answer. With either of them `stop_on_repetition` counts for nothing, as the model's every token
    is wanted there.

    `logit_bias` adds to the logits of tokens, given by id or as text that is tokenized; `logprobs` asks for the
    logarithms of the probabilities of so many best candidates for each token, 0 for none.

    `speculation` proposes tokens that stood in prompt or answer before, and never changes what is generated; "auto"
    does it where it pays. `cache` is how far the prompt is kept for the next turn: not at all, in memory, or also on
    the disk. `context_full` is what happens to a prompt that is longer than the context: whole turns are left out, the
    oldest first, or it is refused.
    """

    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    min_tokens: int = 0
    stop: tuple[str, ...] = ()
    stop_on_repetition: bool = False
    response_format: JsonSchemaFormat | GrammarFormat | None = None
    thinking: ThinkingOptions = ThinkingOptions()
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: Literal["auto", "none", "required"] = "auto"
    logit_bias: tuple[tuple[int | str, float], ...] = ()
    logprobs: int = 0
    raw_prompt: bool = False
    ignore_eos: bool = False
    speculation: SpeculationMode = "auto"
    cache: CacheLevel = "memory"
    context_full: ContextPolicy = "drop-oldest"
