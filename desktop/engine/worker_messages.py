"""What passes between the app and the worker: values, each one message on the pipe.

On the wire a message is a 4-byte big-endian length and that many bytes of MessagePack (see `frames`). The app sends a
`Request`, the worker an `Event`. Nothing here knows llama.cpp.
"""

from typing import Annotated, Literal

import msgspec

from desktop.conversation import AnswerPart, ChatMessage, StopReason
from desktop.engine.embedding_messages import EmbedRequest, EmbedResult
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.load_params import LoadParams
from desktop.engine.message_bounds import (
    Count,
    Fraction,
    HexDigest,
    Int64,
    LongText,
    Measure,
    Names,
    ShortText,
    TokenId,
    VariantName,
)
from desktop.engine.request_images import PictureCost, RequestImage, SeenImage
from desktop.engine.token_logprobs import TokenLogprob
from desktop.file_stamp import ModelFile

# --- what is asked for -------------------------------------------------------------------------------------------


class LoadRequest(msgspec.Struct, frozen=True, tag="load"):
    """Load a model. `files` are its files as they were admitted: the worker is left these, and loads none that is
    another one now. `draft_files` are those of the draft model, () where there is none, `adapter_files` those of the
    adapters, one for each of `params`, and `projector_files` the projector's. `state_key` (64 hexadecimal digits) marks
    states that it may read from the state file, "" where there are none."""

    params: LoadParams
    files: tuple[ModelFile, ...]
    draft_files: tuple[ModelFile, ...] = ()
    adapter_files: tuple[ModelFile, ...] = ()
    state_key: str = ""
    projector_files: tuple[ModelFile, ...] = ()


class GenerateRequest(msgspec.Struct, frozen=True, tag="generate"):
    """Ask for one answer to `messages`. `conversation` keys the prefix kept from turn to turn.

    `begun` are tokens of this answer that another worker generated and whose text was told (see Delta): they are read
    after the prompt, count as generated, and are not told again.

    `dropped_messages` were left out for the last answer on this branch: where that many still suffice, they are again.
    `saved_state` is how many bytes of the state file hold a state of this conversation, 0 where there is none.
    `prefill` is text that the answer begins with: the model goes on from it, and what is told is what follows it.
    `images` are the pictures that `messages` name, each once. `document_spans` say where passages of documents stand:
    the place of a message, and where its text begins and ends to be one, in characters.
    """

    id: int
    messages: tuple[ChatMessage, ...]
    options: GenerationOptions = GenerationOptions()
    conversation: str = ""
    begun: tuple[int, ...] = ()
    dropped_messages: int = 0
    saved_state: int = 0
    prefill: str = ""
    images: tuple[RequestImage, ...] = ()
    document_spans: tuple[tuple[int, int, int], ...] = ()


class CancelRequest(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop answer `id`, or loading where `id` is 0."""

    id: int


class TokenizeRequest(msgspec.Struct, frozen=True, tag="tokenize"):
    id: int
    text: str


class SaveStateRequest(msgspec.Struct, frozen=True, tag="save-state"):
    """Write what is kept of `conversation` to the state file, where it takes no more than `most` bytes."""

    id: int
    conversation: str
    most: int


class ForgetRequest(msgspec.Struct, frozen=True, tag="forget"):
    """Forget what is kept of `conversation`, now or, where it is being answered, at the end of that."""

    conversation: str


class ProbeRequest(msgspec.Struct, frozen=True, tag="probe"):
    """Ask for versions, devices and confinement, without a model."""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    id: int


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    pass


Request = (
    LoadRequest
    | GenerateRequest
    | EmbedRequest
    | CancelRequest
    | TokenizeRequest
    | SaveStateRequest
    | ForgetRequest
    | ProbeRequest
    | Ping
    | Shutdown
)

# --- what comes back ---------------------------------------------------------------------------------------------


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
    run, best first; "" and () where llama.cpp was built for one processor only. `gpu_problems` has a sentence for each
    plug-in that is there and cannot be used.
    """

    llama_cpp: ShortText
    build: ShortText
    devices: Annotated[tuple[ComputeDevice, ...], msgspec.Meta(max_length=64)]
    cpu_features: Names
    confinement: ShortText
    cpu_variant: VariantName = ""
    cpu_variants: Annotated[tuple[VariantName, ...], msgspec.Meta(max_length=64)] = ()
    gpu_problems: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=64)] = ()


class LoadProgress(msgspec.Struct, frozen=True, tag="load-progress"):
    """Between 0 and 1."""

    fraction: Fraction


class ProjectorLoading(msgspec.Struct, frozen=True, tag="projector-loading"):
    """The model is loaded, and now its projector: what happens until ModelReady comes of that."""


ThinkingControlName = Literal["off", "effort", "budget"]
ToolSupport = Literal["native", "fallback", "none"]


class ModelInfo(msgspec.Struct, frozen=True):
    """What the loaded model says of itself and how it was loaded. Sizes in bytes, lengths in tokens.

    `thinks` says that its template or its vocabulary marks thinking: what it says first may turn out to be that.
    `thinking_controls` are what can be chosen of its thinking. `tool_support` says whether its template takes tools
    itself ("native"), or whether they are described to it in words ("fallback"), or neither.
    `embedding_length` is how long its vectors are, 0 where it was loaded to answer. `pictures` is what pictures cost of
    a model that was loaded with its projector, None where it sees none.
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
    thinking_controls: Annotated[tuple[ThinkingControlName, ...], msgspec.Meta(max_length=3)] = ()
    tool_support: ToolSupport = "none"
    embedding_length: Count = 0
    pictures: PictureCost | None = None

    @property
    def sees_images(self) -> bool:
        """Whether it can be shown pictures."""
        return self.pictures is not None


class ModelReady(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded. `notice` is one sentence for the person where it runs otherwise than asked, else ""."""

    info: ModelInfo
    seconds: Measure
    notice: ShortText = ""


class ModelDescribed(msgspec.Struct, frozen=True, tag="described"):
    """What is known of the loaded model once its chat template was tried, which may take long or not come to an end."""

    info: ModelInfo


class PromptPrepared(msgspec.Struct, frozen=True, tag="prompted"):
    """The prompt is rendered and counted: the `dropped_messages` oldest did not fit the context and were left out.

    `prompt_sha256` is the hash of its tokens, as 32-bit integers in little-endian order; a picture's stand for its
    pixels. `images` are the pictures in it, in their order. `system_tokens` are those of the system message,
    `document_tokens` those of passages of documents; None where that is not known.
    """

    id: Int64
    prompt_tokens: Count
    cached_tokens: Count
    dropped_messages: Count
    context_length: Count
    prompt_sha256: HexDigest = ""
    images: Annotated[tuple[SeenImage, ...], msgspec.Meta(max_length=1024)] = ()
    system_tokens: Count | None = None
    document_tokens: Count | None = None


class PromptProgress(msgspec.Struct, frozen=True, tag="prompt-progress"):
    """How much of the prompt has been read, in tokens."""

    id: Int64
    done: Count
    total: Count


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More of the answer. `generated_tokens` counts all so far; `tokens_per_s` is the speed so far.

    `tokens` are those generated since the last Delta that had any: all text that they gave was told with this one or
    before. Without tokens it is a part of what the next Delta completes, or the text held back to the answer's end.
    `logprobs` are those of `tokens`, where they were asked for.
    """

    id: Int64
    text: str
    thinking: bool = False
    generated_tokens: Count = 0
    tokens_per_s: Measure | None = None
    tokens: tuple[TokenId, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


class ToolCallDelta(msgspec.Struct, frozen=True, tag="tool-call-delta"):
    """More of a call of tool `name`: `arguments` go on with its JSON. The first of a call has none yet. The rest as in
    Delta. In order, those of one call stand together.
    """

    id: Int64
    call_id: ShortText
    name: ShortText
    arguments: str = ""
    generated_tokens: Count = 0
    tokens_per_s: Measure | None = None
    tokens: tuple[TokenId, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


class DeltaReplacement(msgspec.Struct, frozen=True, tag="restated"):
    """The whole answer so far, in place of what was told of it: the model closed thinking that it had not opened, so
    that what was told as answer is none. The rest as in Delta, of which more may follow.
    """

    id: Int64
    parts: Annotated[tuple[AnswerPart, ...], msgspec.Meta(max_length=1024)]
    generated_tokens: Count = 0
    tokens_per_s: Measure | None = None
    tokens: tuple[TokenId, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


class AnswerDone(msgspec.Struct, frozen=True, tag="done"):
    """The answer is over. Times in seconds; `tokens_per_s` is decoding alone, without reading the prompt.

    `notice` is one sentence for the person where the model had to be loaded again and runs otherwise than before. The
    answer may have gone on in another worker: times are then those that the person saw, speeds the last worker's.

    Of `cached_tokens`, `memory_tokens` came from a state kept in memory, `disk_tokens` from one kept on the disk; the
    rest stood in the context. Speculation proposed `drafted_tokens`, of which `accepted_tokens` were generated.
    With the stop reason "tool-calls" the model waits for the results of its calls.
    `prompt_cache_bytes` is what states of conversations take in memory now, the context itself left out. `stopped_by`
    is the text that the answer was to end before and did, "" where it ended otherwise.
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
    memory_tokens: Count = 0
    disk_tokens: Count = 0
    drafted_tokens: Count = 0
    accepted_tokens: Count = 0
    prompt_cache_bytes: Count = 0
    stopped_by: ShortText = ""


class TokenizeResult(msgspec.Struct, frozen=True, tag="tokenized"):
    id: Int64
    tokens: tuple[TokenId, ...]


class StateSaved(msgspec.Struct, frozen=True, tag="state-saved"):
    """The state file holds `size` bytes, the state of `conversation` after so many tokens; 0 where it was not saved."""

    id: Int64
    conversation: ShortText
    size: Count
    tokens: Count


class RequestFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A request failed, the worker lives on. `id` 0 means loading. `kind` names the class of UserError.

    Fields as in UserError; `needed_tokens` is what the prompt takes where it does not fit the context. The client adds
    failures of its own where the worker died (`died` True).
    """

    id: Int64
    kind: Literal[
        "engine",
        "context-full",
        "resource",
        "not-found",
        "license",
        "access",
        "forbidden",
        "integrity",
        "network",
        "bug",
    ]
    title: ShortText
    detail: ShortText = ""
    remedy: ShortText = ""
    technical: LongText = ""
    died: bool = False
    needed_tokens: Count = 0


class ModelFileChanged(msgspec.Struct, frozen=True, tag="file-changed"):
    """The model is not loaded: file `number` of it, counted from 0, is not what was admitted. What a person is told of
    files is the app's to say."""

    number: Count


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    id: Int64


Loading = ProbeResult | LoadProgress | ProjectorLoading | ModelReady | ModelDescribed | ModelFileChanged
Event = (
    Loading
    | PromptPrepared
    | PromptProgress
    | Delta
    | ToolCallDelta
    | DeltaReplacement
    | AnswerDone
    | EmbedResult
    | TokenizeResult
    | StateSaved
    | RequestFailed
    | Pong
)
AnswerEvent = PromptPrepared | PromptProgress | Delta | ToolCallDelta | DeltaReplacement | AnswerDone | RequestFailed
EmbedEvent = EmbedResult | RequestFailed
LoadEvent = LoadProgress | ModelReady | RequestFailed
