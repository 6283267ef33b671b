"""What passes between the app and the worker: values, each one message on the pipe.

On the wire a message is a 4-byte big-endian length and that many bytes of MessagePack (see `frames`). The app sends a
`Request`, the worker an `Event`. Nothing here knows llama.cpp.
"""

from typing import Annotated, Literal

import msgspec

from desktop.conversation import AnswerPart, ChatMessage, StopReason
from desktop.file_stamp import ModelFile

PLAINEST_VARIANT = "plainest"
"""In place of a CPU variant's name: the most cautious one that there is."""

# --- what is asked for -------------------------------------------------------------------------------------------


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


class GenerationOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one answer is to be generated: by window, command, benchmark and server in one value.

    `max_tokens` None means until the model ends or the context is full. The answer ends before any of `stop` in its
    text. `stop_on_repetition` ends an answer that only repeats itself. With `raw_prompt` the last message's text goes
    to the model as it is, without the chat template; with `ignore_eos` the model cannot end its answer. With either
    of them `stop_on_repetition` counts for nothing, as the model's every token is wanted there.
    """

    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stop_on_repetition: bool = False
    response_format: JsonSchemaFormat | GrammarFormat | None = None
    thinking: ThinkingOptions = ThinkingOptions()
    raw_prompt: bool = False
    ignore_eos: bool = False


class LoadParams(msgspec.Struct, frozen=True):
    """How a model is loaded. None means automatic. `gpu_layers` -1 is all of them, 0 none.

    `chat_template` (Jinja) and `stops` are the prompt that the catalog knows for the model: they count where its file
    carries no template of its own. `cpu_variant` "" is the best that this processor can run. `extra_buffers` are
    llama.cpp's: weights repacked for the processor, AMX among them (`llama_model_params.use_extra_bufts`).
    """

    model_path: str
    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    flash_attention: Literal["auto", "on", "off"] = "auto"
    cpu_variant: str = ""
    extra_buffers: bool = True
    batch_tokens: int = 512
    chat_template: str = ""
    stops: tuple[str, ...] = ()


class LoadRequest(msgspec.Struct, frozen=True, tag="load"):
    """Load a model. `files` are its files as they were admitted: the worker is left these, and loads none that is
    another one now."""

    params: LoadParams
    files: tuple[ModelFile, ...]


class GenerateRequest(msgspec.Struct, frozen=True, tag="generate"):
    """Ask for one answer to `messages`. `conversation` keys the prefix kept from turn to turn.

    `begun` are tokens of this answer that another worker generated and whose text was told (see Delta): they are read
    after the prompt, count as generated, and are not told again.
    """

    id: int
    messages: tuple[ChatMessage, ...]
    options: GenerationOptions = GenerationOptions()
    conversation: str = ""
    begun: tuple[int, ...] = ()


class CancelRequest(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop answer `id`, or loading where `id` is 0."""

    id: int


class TokenizeRequest(msgspec.Struct, frozen=True, tag="tokenize"):
    id: int
    text: str


class ProbeRequest(msgspec.Struct, frozen=True, tag="probe"):
    """Ask for versions, devices and confinement, without a model."""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    id: int


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    pass


Request = LoadRequest | GenerateRequest | CancelRequest | TokenizeRequest | ProbeRequest | Ping | Shutdown

# --- what comes back ---------------------------------------------------------------------------------------------

# A worker is believed within bounds: it may have been taken over by the file it reads. A message out of them is none.
LONGEST_WORDS, LONGEST_TEXT = 4096, 100_000
"""Characters of what a worker says of itself and of its model, and of technical lines."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
TokenId = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Measure = Annotated[float, msgspec.Meta(ge=0, le=1e15)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
VariantName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z0-9_][A-Za-z0-9_.+-]{0,39})?$")]
ShortText = Annotated[str, msgspec.Meta(max_length=LONGEST_WORDS)]
Names = Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=1024)]
LongText = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class ComputeDevice(msgspec.Struct, frozen=True):
    """A device that llama.cpp can compute on; memory in bytes."""

    name: ShortText
    description: ShortText
    kind: ShortText
    memory_total: Count
    memory_free: Count


class ProbeResult(msgspec.Struct, frozen=True, tag="probed"):
    """Versions, devices, CPU features, and whether the worker runs confined ("landlock+seccomp", or why not).

    `cpu_variant` is the one of llama.cpp's CPU variants that computes, `cpu_variants` are all that this processor can
    run, best first; "" and () where llama.cpp was built for one processor only.
    """

    llama_cpp: ShortText
    build: ShortText
    devices: Annotated[tuple[ComputeDevice, ...], msgspec.Meta(max_length=64)]
    cpu_features: Names
    confinement: ShortText
    cpu_variant: VariantName = ""
    cpu_variants: Annotated[tuple[VariantName, ...], msgspec.Meta(max_length=64)] = ()


class LoadProgress(msgspec.Struct, frozen=True, tag="load-progress"):
    """Between 0 and 1."""

    fraction: Fraction


class ModelInfo(msgspec.Struct, frozen=True):
    """What the loaded model says of itself and how it was loaded. Sizes in bytes, lengths in tokens.

    `thinks` says that its template or its vocabulary marks thinking: what it says first may turn out to be that.
    """

    name: ShortText
    architecture: ShortText
    license: ShortText
    description: ShortText
    parameters: Count
    size: Count
    context_length: Count
    trained_context_length: Count
    has_template: bool
    threads: Count
    gpu_layers: Count
    devices: Names
    engine: ShortText
    confinement: ShortText
    thinks: bool = False


class ModelReady(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded. `notice` is one sentence for the person where it runs otherwise than asked, else ""."""

    info: ModelInfo
    seconds: Measure
    notice: ShortText = ""


class PromptPrepared(msgspec.Struct, frozen=True, tag="prompted"):
    """The prompt is rendered and counted: `dropped_messages` oldest turns did not fit the context and were left out."""

    id: Int64
    prompt_tokens: Count
    cached_tokens: Count
    dropped_messages: Count
    context_length: Count


class PromptProgress(msgspec.Struct, frozen=True, tag="prompt-progress"):
    """How much of the prompt has been read, in tokens."""

    id: Int64
    done: Count
    total: Count


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More of the answer. `generated_tokens` counts all so far; `tokens_per_s` is the speed so far.

    `tokens` are those generated since the last Delta that had any: all text that they gave was told with this one or
    before. Without tokens it is a part of what the next Delta completes, or the text held back to the answer's end.
    """

    id: Int64
    text: str
    thinking: bool = False
    generated_tokens: Count = 0
    tokens_per_s: Measure | None = None
    tokens: tuple[TokenId, ...] = ()


class DeltaReplacement(msgspec.Struct, frozen=True, tag="restated"):
    """The whole answer so far, in place of what was told of it: the model closed thinking that it had not opened, so
    that what was told as answer is none. The rest as in Delta, of which more may follow.
    """

    id: Int64
    parts: Annotated[tuple[AnswerPart, ...], msgspec.Meta(max_length=1024)]
    generated_tokens: Count = 0
    tokens_per_s: Measure | None = None
    tokens: tuple[TokenId, ...] = ()


class AnswerDone(msgspec.Struct, frozen=True, tag="done"):
    """The answer is over. Times in seconds; `tokens_per_s` is decoding alone, without reading the prompt.

    `notice` is one sentence for the person where the model had to be loaded again and runs otherwise than before. The
    answer may have gone on in another worker: times are then those that the person saw, speeds the last worker's.
    """

    id: Int64
    stop_reason: StopReason
    prompt_tokens: Count
    cached_tokens: Count
    generated_tokens: Count
    time_to_first_token_s: Measure | None
    tokens_per_s: Measure | None
    prompt_tokens_per_s: Measure | None
    seed: Int64
    context_length: Count
    dropped_messages: Count
    thinking_s: Measure | None = None
    notice: ShortText = ""


class TokenizeResult(msgspec.Struct, frozen=True, tag="tokenized"):
    id: Int64
    tokens: tuple[TokenId, ...]


class RequestFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A request failed, the worker lives on. `id` 0 means loading. `kind` names the class of UserError.

    Fields as in UserError. The client adds failures of its own where the worker died (`died` True).
    """

    id: Int64
    kind: Literal["engine", "resource", "not-found", "license", "forbidden", "integrity", "bug"]
    title: ShortText
    detail: ShortText = ""
    remedy: ShortText = ""
    technical: LongText = ""
    died: bool = False


class ModelFileChanged(msgspec.Struct, frozen=True, tag="file-changed"):
    """The model is not loaded: file `number` of it, counted from 0, is not what was admitted. What a person is told of
    files is the app's to say."""

    number: Count


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    id: Int64


Loading = ProbeResult | LoadProgress | ModelReady | ModelFileChanged
Event = (
    Loading
    | PromptPrepared
    | PromptProgress
    | Delta
    | DeltaReplacement
    | AnswerDone
    | TokenizeResult
    | RequestFailed
    | Pong
)
AnswerEvent = PromptPrepared | PromptProgress | Delta | DeltaReplacement | AnswerDone | RequestFailed
LoadEvent = LoadProgress | ModelReady | RequestFailed
