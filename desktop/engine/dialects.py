"""GGUF files that are whole and sound, and that llama.cpp cannot answer with: other programs' own dialects, models of
another kind, parts of a model. Told by metadata and names of tensors alone, so that it is said before anything is read.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from desktop.engine.architectures import EMBEDDING, OTHER_PARTS
from desktop.errors import EngineError
from desktop.translation import tr


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names that Ollama's own converters write, where llama.cpp writes another one or has none.
_OLLAMA = _names("mllama gptoss qwen25vl deepseekocr glmocr glm4moelite olmo3")
_OLLAMA_TENSORS = re.compile(
    r"(?:v|a|mm)\.|blk\.\d+\.attn_out\.|blk\.\d+\.attn_sinks\Z|blk\.\d+\.ffn_gate_up_exps\.bias\Z"
)
# What ComfyUI-GGUF and stable-diffusion.cpp write.
_PICTURES = _names(
    """
    flux flux2 sd1 sd2 sdxl sd3 aura hidream cosmos ltxv hyvid wan lumina2 qwen_image qwen_image21 ideogram ideogram4
    krea2 minimax_h3 z_image pig chroma pixart sana kolors omnigen mochi vae
    """
)
_PICTURE_TENSORS = re.compile(
    r"model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.|conditioner\.embedders\.|double_blocks\.\d|"
    r"single_blocks\.\d|joint_blocks\.\d|input_blocks\.\d|transformer_blocks\.\d|single_transformer_blocks\.\d|"
    r"img_in\.|time_embed\.|time_text_embed\."
)
_SPEECH = _names(
    """
    kokoro parler-tts parler_tts dia outetts csm bark piper f5-tts cosyvoice cosyvoice2 chatterbox s3gen vits snac
    orpheus-tts melotts xtts zonos mimi encodec dac vocos speecht5
    """
)
_HEARING = _names("whisper moonshine parakeet canary wav2vec2 sensevoice paraformer conformer")
_VECTORS = _names("controlvector control_vector control-vector")
_BITNET_TYPES = {36: "I2_S", 37: "I8_S", 38: "TL1", 39: "TL2"}
_FIRST_IK_TYPE = 97  # ik_llama.cpp counts its own types from here, far above llama.cpp's
_RANKING = 4


def foreign(path: Path, metadata: Mapping[str, object], tensors: Iterable[str]) -> EngineError | None:
    """Why a file with this metadata and tensors of these names cannot chat here; None where nothing speaks against it.

    A file that no list here knows is none of these: whether its architecture is known is asked elsewhere.
    """
    architecture = metadata.get("general.architecture")
    architecture = architecture if isinstance(architecture, str) else ""
    names = list(tensors)
    found = _part_of_a_model(metadata, architecture, names) or _other_kind(metadata, architecture, names)
    if found is not None:
        title, remedy = found
        return EngineError(title.format(file=path.name), remedy=remedy)
    if _is_ollamas(metadata, architecture, names):
        return EngineError(
            tr(
                "{file} is made for Ollama's own engine, which keeps a model in a way that no other program reads."
            ).format(file=path.name),
            remedy=tr("Get a GGUF file of this model elsewhere, on the Hub for instance."),
        )
    return None


def unreadable_type(path: Path, metadata: Mapping[str, object], kind: int, removed: str) -> EngineError:
    """A tensor of a type that llama.cpp does not compute with: `removed` is its name where it once did, else ""."""
    architecture = str(metadata.get("general.architecture", ""))
    if kind in _BITNET_TYPES and architecture.startswith("bitnet"):
        title = tr("{file} is quantized as {type}, which only bitnet.cpp reads.")
        remedy = tr("Choose a file of this model in TQ1_0, TQ2_0 or another quantization of llama.cpp's.")
        return EngineError(title.format(file=path.name, type=_BITNET_TYPES[kind]), remedy=remedy)
    if removed:
        title = tr("{file} is quantized as {type}, which engines no longer read.")
        remedy = tr("Choose a file of this model in another quantization, such as Q4_0 or Q4_K_M.")
        return EngineError(title.format(file=path.name, type=removed), remedy=remedy)
    if kind >= _FIRST_IK_TYPE:
        title = tr("{file} is quantized as the unknown type {number}: only ik_llama.cpp or one like it reads that.")
        remedy = tr("Choose a file of this model in another quantization, such as Q4_K_M.")
    else:
        title = tr("{file} is quantized as the unknown type {number}, newer than this version of the engine.")
        remedy = tr("Update Latchkey, or choose a file of this model in another quantization.")
    return EngineError(title.format(file=path.name, number=kind), remedy=remedy)


def _part_of_a_model(metadata: Mapping[str, object], architecture: str, names: list[str]) -> tuple[str, str] | None:
    """Adapters, projectors and the like: title, with a place for the file's name, and remedy."""
    kind = metadata.get("general.type", "model")
    own_file = tr("Choose the model's own file.")
    if architecture in _VECTORS or (names and all(name.startswith("direction.") for name in names)):
        return tr("{file} is a control vector, which steers another model; it is not a model."), own_file
    if kind == "adapter" or any(name.endswith((".lora_a", ".loraA", ".lora_A.weight")) for name in names):
        return tr("{file} is an adapter (LoRA), not a whole model."), own_file
    if kind == "imatrix" or architecture == "imatrix" or any(name.endswith(".in_sum2") for name in names):
        return tr("{file} is an importance matrix for quantization, not a model."), own_file
    if kind == "mmproj" or architecture in OTHER_PARTS:
        return tr("{file} is a part that belongs to another model; it cannot chat by itself."), own_file
    return None


def _other_kind(metadata: Mapping[str, object], architecture: str, names: list[str]) -> tuple[str, str] | None:
    """Whole models that do something else than chat: title, with a place for the file's name, and remedy."""
    pooling = metadata.get(f"{architecture}.pooling_type")
    chat = tr("Choose a chat model.")
    if pooling == _RANKING:
        return tr("{file} is a reranker: it puts texts in order and cannot chat."), chat
    if architecture in EMBEDDING or (isinstance(pooling, int) and pooling > 0):
        return tr("{file} is an embedding model: it cannot chat."), chat
    if (
        architecture in _PICTURES
        or any(key.startswith("comfy.") for key in metadata)
        or any(_PICTURE_TENSORS.match(name) for name in names)
    ):
        return (
            tr("{file} makes pictures or videos, or is a part of a model that does: it cannot chat."),
            tr("Use it in ComfyUI or stable-diffusion.cpp, and choose a chat model here."),
        )
    if architecture in _SPEECH:
        return tr("{file} is a speech model: it reads texts out and cannot chat."), chat
    if architecture in _HEARING:
        return tr("{file} turns speech into text: it cannot chat."), chat
    return None


def _is_ollamas(metadata: Mapping[str, object], architecture: str, names: list[str]) -> bool:
    """Whether it is in the dialect of Ollama's own engine: eyes and ears in the same file, other names of tensors."""
    if architecture in _OLLAMA:
        return True
    seeing = (f"{architecture}.vision.", f"{architecture}.audio.", f"{architecture}.mm.")
    return any(key.startswith(seeing) for key in metadata) or any(_OLLAMA_TENSORS.match(name) for name in names)
