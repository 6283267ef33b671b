"""How one answer is to be generated: sampling, stops, output format, thinking and tools, as one value for window,
command, benchmark and server."""

from typing import Literal

import msgspec

SpeculationMode = Literal["on", "off", "auto"]
CacheLevel = Literal["off", "memory", "disk"]
ContextPolicy = Literal["drop-oldest", "stop"]


MOST_LOGPROBS = 20
"""Candidates for each token that an answer may be asked to list; OpenAI's limit."""
MOST_BIASES = 4096
SamplerName = Literal[
    "penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature", "adaptive_p"
]


class SamplingParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """How tokens are chosen. None means: what the file says under `general.sampling.*`, else the default.

    `samplers` are those that count, in their order, by the names that llama-server has for them. Left out it is:
    penalties, dry, top_n_sigma, top_k, typ_p, top_p, min_p, xtc, temperature. A seeded draw follows; temperature 0 is
    greedy. With `dynatemp_range` the temperature varies so far around its value with the entropy of the candidates.
    `mirostat` 1 or 2 takes the place of the samplers; `adaptive_target` from 0 on draws near that probability in place
    of the plain draw. `min_keep` candidates are kept by every sampler that cuts.

    Defaults are llama-server's: 0.8 / 40 / 0.95 / 0.05, everything else off.
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
    dry_sequence_breakers: tuple[str, ...] | None = None
    dynatemp_range: float | None = None
    dynatemp_exponent: float | None = None
    mirostat: Literal[0, 1, 2] | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    adaptive_target: float | None = None
    adaptive_decay: float | None = None
    min_keep: int | None = None
    samplers: tuple[SamplerName, ...] | None = None
    seed: int | None = None


class JsonSchemaFormat(msgspec.Struct, frozen=True, tag="json-schema"):
    """The answer is JSON that conforms to `schema`, the text of a JSON Schema; what a model thinks before is free."""

    schema: str


class GrammarFormat(msgspec.Struct, frozen=True, tag="grammar"):
    """The answer is a sentence of `grammar`, in llama.cpp's GBNF; what a model thinks before is free."""

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


class NamedTool(msgspec.Struct, frozen=True):
    """The tool `name` has to be called."""

    name: str


class GenerationOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one answer is to be generated: by window, command, benchmark and server in one value.

    `max_tokens` None means until the model ends or the context is full; before `min_tokens` it cannot end. The answer
    ends before any of `stop` in its text. `stop_on_repetition` ends an answer that only repeats itself. With
    `raw_prompt` the last message's text goes to the model as it is, without the chat template; with `ignore_eos` the
    model cannot end its answer. With either of them `stop_on_repetition` counts for nothing, as the model's every token
    is wanted there.

    `logit_bias` adds to the logits of tokens, given by id or as text that is tokenized, each token of it; minus
    infinity forbids them. `logprobs` asks for the logarithms of the probabilities of so many best candidates for each
    token, 0 for none: in the distribution that the model gives, before biases, grammar and samplers, as OpenAI's and
    llama-server's with `post_sampling_probs` false.

    The same seed gives the same answer from the same file, engine build and options, where the model reads the same
    tokens in the same pieces. Kernels round differently for other numbers of threads, for other sizes of a batch (a
    prompt that is partly cached, several answers at once, tokens that speculation verifies together) and on other
    devices; where two candidates are nearly as likely, the answer may differ from there on.

    With `tool_choice` "required", or a tool's name, the answer is one call of a tool, behind what the model thinks; it
    is refused where there is no such tool, and together with `response_format`.

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
    tool_choice: Literal["auto", "none", "required"] | NamedTool = "auto"
    logit_bias: tuple[tuple[int | str, float], ...] = ()
    logprobs: int = 0
    raw_prompt: bool = False
    ignore_eos: bool = False
    speculation: SpeculationMode = "auto"
    cache: CacheLevel = "memory"
    context_full: ContextPolicy = "drop-oldest"


def with_cache_limit(options: GenerationOptions, most: CacheLevel) -> GenerationOptions:
    """`options` with a prompt that is kept no further than `most`."""
    levels = ("off", "memory", "disk")
    if levels.index(options.cache) <= levels.index(most):
        return options
    return msgspec.structs.replace(options, cache=most)
