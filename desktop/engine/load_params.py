"""How a model is to be loaded, as one value."""

from typing import Literal

import msgspec

PLAINEST_VARIANT = "plainest"
"""In place of a CPU variant's name: the most cautious one that there is."""
MOST_OUTPUTS = 16
"""Tokens of one answer computed in one step at most: the one generated last, and those guessed after it."""
SPARE_SEQUENCES = 2
"""Sequences of the context beyond those of answers: branches of a conversation share its cells in them."""
SplitMode = Literal["layer", "row", "none"]
KvType = Literal["f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]


class LoraAdapter(msgspec.Struct, frozen=True):
    """An adapter (LoRA) on top of a model: its GGUF file, and by how much its weights are multiplied."""

    path: str
    scale: float = 1.0


class LoadParams(msgspec.Struct, frozen=True):
    """How a model is loaded. None means automatic. `gpu_layers` -1 is all of them, 0 none.

    `parallel` is how many answers may be generated at once: sequences that share the context (`n_seq_max` with
    `kv_unified`). `prompt_cache_bytes` bounds what is kept in memory of other conversations, None for automatic.
    `key_type` and `value_type` are the types of the KV cache. `draft_model_path` is a smaller model of the same
    vocabulary that proposes tokens, "" for none. With `embedding` the model gives embeddings (a
    reranker: scores) instead of answers.

    `devices` names the GPUs to use as ggml does ("CUDA0", "Vulkan1"), () all of them. With `split_mode` "layer" whole
    layers are spread over them, with "row" the rows of each matrix, in the portions of `tensor_split` (() by their free
    memory); with "none" only GPU number `main_gpu` of them is used.

    `adapters` are put on top of the model, in their order; each is a file of its own, with a license of its own.
    `projector` is the file that lets the model see pictures (mmproj), "" for none.

    `endpoint` is the address of the endpoint that runs the model, "" for one on this machine: `model_path` stands for
    it then, nothing is loaded here, and what says how counts for nothing.

    `chat_template` (Jinja) and `stops` are the prompt that the catalog knows for the model: they count where its file
    carries no template of its own. `own_template` is a person's, and counts in place of any other. `cpu_variant` "" is
    the best that this processor can run. `extra_buffers` are llama.cpp's: weights repacked for the processor, AMX among
    them (`llama_model_params.use_extra_bufts`).
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
    parallel: int = 1
    prompt_cache_bytes: int | None = None
    key_type: KvType = "f16"
    value_type: KvType = "f16"
    use_mmap: bool = True
    use_mlock: bool = False
    draft_model_path: str = ""
    embedding: bool = False
    split_mode: SplitMode = "layer"
    devices: tuple[str, ...] = ()
    tensor_split: tuple[float, ...] = ()
    main_gpu: int = 0
    own_template: str = ""
    adapters: tuple[LoraAdapter, ...] = ()
    projector: str = ""
    endpoint: str = ""
