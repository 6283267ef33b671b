"""What passes between the app and the worker: values, each one message on the pipe.

On the wire a message is a 4-byte big-endian length and that many bytes of MessagePack (see `framing`). The app sends
a `Request`, the worker an `Event`. Nothing here knows llama.cpp.
"""

from typing import Literal

import msgspec

from desktop.conversation import Role, StopReason

# --- what is asked for -------------------------------------------------------------------------------------------


class ChatTurn(msgspec.Struct, frozen=True):
    """One turn as the model is to see it."""

    role: Role
    text: str


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


class LoadParams(msgspec.Struct, frozen=True):
    """How a model is loaded. None means automatic. `gpu_layers` -1 is all of them, 0 none.

    `chat_template` (Jinja) and `stops` are the prompt that the catalog knows for the model: they count where its file
    carries no template of its own.
    """

    model_path: str
    context_length: int | None = None
    threads: int | None = None
    gpu_layers: int | None = None
    flash_attention: Literal["auto", "on", "off"] = "auto"
    batch_tokens: int = 512
    chat_template: str = ""
    stops: tuple[str, ...] = ()


class Load(msgspec.Struct, frozen=True, tag="load"):
    params: LoadParams


class Generate(msgspec.Struct, frozen=True, tag="generate"):
    """Ask for one answer to `turns`. `conversation` keys the prefix kept from turn to turn.

    With `raw_prompt` the last turn's text goes to the model as it is, without the chat template. `max_tokens` None
    means until the model ends or the context is full.
    """

    id: int
    turns: tuple[ChatTurn, ...]
    sampling: SamplingParams = SamplingParams()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    conversation: str = ""
    raw_prompt: bool = False
    ignore_eos: bool = False


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop answer `id`, or loading where `id` is 0."""

    id: int


class Tokenize(msgspec.Struct, frozen=True, tag="tokenize"):
    id: int
    text: str


class Probe(msgspec.Struct, frozen=True, tag="probe"):
    """Ask for versions, devices and confinement, without a model."""


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    id: int


class Shutdown(msgspec.Struct, frozen=True, tag="shutdown"):
    pass


Request = Load | Generate | Cancel | Tokenize | Probe | Ping | Shutdown

# --- what comes back ---------------------------------------------------------------------------------------------


class Device(msgspec.Struct, frozen=True):
    """A device that llama.cpp can compute on; memory in bytes."""

    name: str
    description: str
    kind: str
    memory_total: int
    memory_free: int


class Probed(msgspec.Struct, frozen=True, tag="probed"):
    """Versions, devices, CPU features, and whether the worker runs confined ("landlock+seccomp", or why not)."""

    llama_cpp: str
    build: str
    devices: tuple[Device, ...]
    cpu_features: tuple[str, ...]
    confinement: str


class LoadProgress(msgspec.Struct, frozen=True, tag="load-progress"):
    """Between 0 and 1."""

    fraction: float


class ModelInfo(msgspec.Struct, frozen=True):
    """What the loaded model says of itself and how it was loaded. Sizes in bytes, lengths in tokens."""

    name: str
    architecture: str
    license: str
    description: str
    parameters: int
    size: int
    context_length: int
    trained_context_length: int
    has_template: bool
    threads: int
    gpu_layers: int
    devices: tuple[str, ...]
    engine: str
    confinement: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded. `notice` is one sentence for the person where it runs otherwise than asked, else ""."""

    info: ModelInfo
    seconds: float
    notice: str = ""


class Prompted(msgspec.Struct, frozen=True, tag="prompted"):
    """The prompt is rendered and counted: `dropped_messages` oldest turns did not fit the context and were left out."""

    id: int
    prompt_tokens: int
    cached_tokens: int
    dropped_messages: int
    context_length: int


class PromptProgress(msgspec.Struct, frozen=True, tag="prompt-progress"):
    """How much of the prompt has been read, in tokens."""

    id: int
    done: int
    total: int


class Delta(msgspec.Struct, frozen=True, tag="delta"):
    """More of the answer. `generated_tokens` counts all so far; `tokens_per_s` is the speed so far."""

    id: int
    text: str
    thinking: bool = False
    generated_tokens: int = 0
    tokens_per_s: float | None = None


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The answer is over. Times in seconds; `tokens_per_s` is decoding alone, without reading the prompt.

    `notice` is one sentence for the person where the model had to be loaded again and runs otherwise than before.
    """

    id: int
    stop_reason: StopReason
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    time_to_first_token_s: float | None
    tokens_per_s: float | None
    prompt_tokens_per_s: float | None
    seed: int
    context_length: int
    dropped_messages: int
    thinking_s: float | None = None
    notice: str = ""


class Tokenized(msgspec.Struct, frozen=True, tag="tokenized"):
    id: int
    tokens: tuple[int, ...]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A request failed, the worker lives on. `id` 0 means loading. `kind` names the class of UserError.

    Fields as in UserError. The client adds failures of its own where the worker died (`died` True).
    """

    id: int
    kind: Literal["engine", "resource", "not-found", "license", "forbidden", "integrity", "bug"]
    title: str
    detail: str = ""
    remedy: str = ""
    technical: str = ""
    died: bool = False


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    id: int


Event = Probed | LoadProgress | Ready | Prompted | PromptProgress | Delta | Done | Tokenized | Failed | Pong
AnswerEvent = Prompted | PromptProgress | Delta | Done | Failed
LoadEvent = LoadProgress | Ready | Failed
