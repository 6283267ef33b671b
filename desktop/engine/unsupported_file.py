"""Why a file cannot be loaded as a chat model, in one sentence, and the architectures that llama.cpp knows.

Told by a file's first bytes, by its name (volumes of an archive, pieces of a cut file), or by metadata and names of
tensors alone: other programs' own formats, models of another kind, parts of a model.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from desktop.errors import EngineError
from desktop.split_files import FilePieces, is_archive_volume, pieces_of
from desktop.translation import tr

ModelKind = Literal["chat", "embedding", "reranker"]
"""What a whole model is for: to answer, to turn texts into vectors, or to say how well texts answer a query."""
_MOST_NAMED = 5
_OLLAMA_TENSORS = re.compile(
    r"(?:v|a|mm)\.|blk\.\d+\.attn_out\.|blk\.\d+\.attn_sinks\Z|blk\.\d+\.ffn_gate_up_exps\.bias\Z"
)
_PICTURE_TENSORS = re.compile(
    r"model\.diffusion_model\.|first_stage_model\.|cond_stage_model\.|conditioner\.embedders\.|double_blocks\.\d|"
    r"single_blocks\.\d|joint_blocks\.\d|input_blocks\.\d|transformer_blocks\.\d|single_transformer_blocks\.\d|"
    r"img_in\.|time_embed\.|time_text_embed\."
)
_BITNET_TYPES = {36: "I2_S", 37: "I8_S", 38: "TL1", 39: "TL2"}
_FIRST_IK_TYPE = 97  # ik_llama.cpp counts its own types from here, far above llama.cpp's
_RANKING = 4


def describe_file(head: bytes, size: int) -> str:
    """One sentence on a file of `size` bytes that begins with `head` (some kilobytes of it)."""
    if size == 0:
        return tr("The file is empty.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"version https://git-lfs", b"version https://hawser")):
        return tr("It is a Git LFS pointer: the small text file that stands for the model in a repository.")
    if b"xet" in text[:40] and (b"hash" in text[:200] or b"version" in text[:200]):
        return tr("It is a Xet pointer: the small text file that stands for the model in a repository.")
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return tr("It is a web page, such as a sign-in or error page saved in the model's place.")
    if _is_safetensors(head):
        return tr("It seems to be a safetensors file, which has to be converted to GGUF first.")
    if head.startswith(b"PK\x03\x04"):
        if b"data.pkl" in head or b"/data/" in head or b"archive/" in head:
            return tr("It seems to be a PyTorch checkpoint, which has to be converted to GGUF first.")
        return tr("It seems to be a ZIP archive: unpack it first.")
    if _is_onnx(head):
        return tr("It seems to be an ONNX file, which other programs run.")
    if head[4:8] == b"TFL3":
        return tr("It seems to be a TensorFlow Lite file, which other programs run.")
    if head[8:12] == b"blk.":
        return tr("It seems to be an importance matrix for quantization, not a model.")
    if head[257:262] == b"ustar":
        return tr("It seems to be a compressed archive: unpack it first.")
    for magic, sentence in _magics():
        if head.startswith(magic):
            return sentence
    if text.startswith((b"{", b"[")):
        return tr("It seems to be a JSON file.")
    if not head.strip(b"\0"):
        return tr("It begins with nothing but zeros, as a download does that was set up but not carried out.")
    if _is_text(head):
        return tr("It seems to be a text file.")
    return tr("Its first bytes are not those of a GGUF file.")


def _magics() -> tuple[tuple[bytes, str], ...]:
    old = tr("It is a model in an older format (GGML), which nothing reads any more but programs for Whisper.")
    llamafile = tr("It is a program, such as a llamafile with a model in it: “unzip” takes the GGUF file out of that.")
    archive = tr("It seems to be a compressed archive: unpack it first.")
    return (
        (b"lmgg", old), (b"ggml", old), (b"tjgg", old), (b"fmgg", old), (b"algg", old),
        (b"\x1f\x8b", archive), (b"7z\xbc\xaf\x27\x1c", archive), (b"BZh", archive), (b"\xfd7zXZ", archive),
        (b"\x28\xb5\x2f\xfd", archive), (b"Rar!", archive),
        (b"\x80\x02", tr("It seems to be a PyTorch checkpoint, which has to be converted to GGUF first.")),
        (b"\x89HDF", tr("It seems to be an HDF5 (Keras) file, which has to be converted to GGUF first.")),
        (b"%PDF", tr("It is a PDF document.")),
        (b"MZqFpD", llamafile), (b"\x7fELF", tr("It is a program.")), (b"MZ", tr("It is a program.")),
        (b"\x89PNG", tr("It is a picture.")), (b"\xff\xd8\xff", tr("It is a picture.")),
        (b"SQLite format 3", tr("It is a SQLite database.")),
    )  # fmt: skip


def _is_safetensors(head: bytes) -> bool:
    """Eight bytes of length, then JSON of that length."""
    return len(head) > 9 and int.from_bytes(head[:8], "little") < 1 << 32 and head[8:9] == b"{" and b'"' in head[9:12]


def _is_onnx(head: bytes) -> bool:
    """A protobuf that begins with its version and the name of the program that wrote it."""
    return (
        head[:1] == b"\x08"
        and head[2:3] == b"\x12"
        and any(name in head[:64] for name in (b"pytorch", b"onnx", b"tf2"))
    )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f" for character in text)


def cut_file_error(path: Path) -> EngineError | None:
    """Why the file at `path` is no model by itself; None where its name says nothing of others that belong to it."""
    if is_archive_volume(path.name):
        return EngineError(
            tr("{file} is one volume of an archive that lies in several files.").format(file=path.name),
            remedy=tr("Unpack it, from its first volume, with 7-Zip or a program like it; then import what it holds."),
        )
    pieces = pieces_of(path)
    return piece_error(path, pieces) if pieces is not None else None


def piece_error(path: Path, pieces: FilePieces) -> EngineError:
    """Why the piece at `path` is no model: which are missing, or how all of them become one."""
    if pieces.count > 1:
        title = tr("{file} is one of {count} pieces of a file that was cut, {whole}.")
    else:
        title = tr("{file} is a piece of a file that was cut, {whole}, and the other pieces are not here.")
    title = title.format(file=path.name, count=pieces.count, whole=pieces.name)
    if pieces.missing:
        named = ", ".join(pieces.missing[:_MOST_NAMED]) + ("…" if len(pieces.missing) > _MOST_NAMED else "")
        detail = tr("{count} of them are missing: {files}.").format(count=len(pieces.missing), files=named)
        return EngineError(title, detail, tr("Fetch them into the same folder, then import it again."))
    if pieces.count == 1:
        return EngineError(title, remedy=tr("Fetch them into the same folder, then import it again."))
    remedy = tr("Import it as a copy (--copy), and Latchkey joins them. Or join them yourself: {command}")
    return EngineError(title, remedy=remedy.format(command=joining_command(pieces)))


def joining_command(pieces: FilePieces) -> str:
    """What a person types in the pieces' folder to have the whole file."""
    names = [file.name for file in pieces.files]
    if os.name == "nt":
        return f"copy /b {'+'.join(_quoted(name) for name in names)} {_quoted(pieces.name)}"
    return f"cat {' '.join(map(shlex.quote, names))} > {shlex.quote(pieces.name)}"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN_ARCHITECTURES = _names(
    """
    afmoe apertus arcee arctic arwkv7 baichuan bailingmoe bailingmoe2 bailingmoe3 bert bitnet bloom chameleon
    chatglm clip codeshell cogvlm cohere2 cohere2moe command-r dbrx deci deepseek deepseek2 deepseek2-ocr deepseek32
    deepseek4 dflash dots1 dots3note dream eagle3 ernie4_5 ernie4_5-moe eurobert exaone exaone-moe exaone4 falcon
    falcon-h1 gemma gemma-embedding gemma2 gemma3 gemma3n gemma4 gemma4-assistant glm-dsa glm4 glm4moe glm5-next
    gpt-oss gpt2 gptj gptneox granite granite_swa granitehybrid granitemoe graniteswitch grok grovemoe hrm_text
    hunyuan-dense hunyuan-moe hunyuan_vl hy_v3 hy_v4 internlm2 jais jais2 jamba jina-bert-v2 jina-bert-v3 kimi-k3
    kimi-linear laguna lfm2 lfm2moe llada llada-moe llama llama-embed llama4 maincoder mamba mamba2 maple mellum
    mimo2 minicpm minicpm3 minimax-01 minimax-m2 minimax-m3 mistral3 mistral4 modern-bert mpt muse-glimmer nanbeige
    nemotron nemotron_h nemotron_h_moe neo-bert nomic-bert nomic-bert-moe olmo olmo2 olmoe openelm orion paddleocr
    pangu-embedded phi2 phi3 phimoe plamo plamo2 plamo3 plm pockettts qwen qwen2 qwen2moe qwen2vl qwen3 qwen35
    qwen35moe qwen3moe qwen3next qwen3tts qwen3vl qwen3vlmoe qwen4exp refact rnd1 rwkv6 rwkv6qwen2 rwkv7 seed_oss
    smallthinker smollm3 spark2_5 stablelm starcoder starcoder2 step35 t5 t5encoder talkie wavtokenizer-dec xverse
    """
)

# These read text or images into vectors, or are parts of other models: they cannot answer.
EMBEDDING_ARCHITECTURES = _names(
    """
    bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert gemma-embedding
    llama-embed t5encoder
    """
)
OTHER_PARTS = _names("clip wavtokenizer-dec eagle3 gemma4-assistant dflash pockettts qwen3tts")


def _key_names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Names that Ollama's own converters write, where llama.cpp writes another one or has none.
_OLLAMA = _key_names("mllama gptoss qwen25vl deepseekocr glmocr glm4moelite olmo3")
# What ComfyUI-GGUF and stable-diffusion.cpp write.
_PICTURES = _key_names(
    """
    flux flux2 sd1 sd2 sdxl sd3 aura hidream cosmos ltxv hyvid wan lumina2 qwen_image qwen_image21 ideogram ideogram4
    krea2 minimax_h3 z_image pig chroma pixart sana kolors omnigen mochi vae
    """
)
_SPEECH = _key_names(
    """
    kokoro parler-tts parler_tts dia outetts csm bark piper f5-tts cosyvoice cosyvoice2 chatterbox s3gen vits snac
    orpheus-tts melotts xtts zonos mimi encodec dac vocos speecht5
    """
)
_HEARING = _key_names("whisper moonshine parakeet canary wav2vec2 sensevoice paraformer conformer")
_VECTORS = _key_names("controlvector control_vector control-vector")


def unsupported_model_error(
    path: Path, metadata: Mapping[str, object], tensors: Iterable[str], *, embedding: bool = False
) -> EngineError | None:
    """Why a file with this metadata and tensors of these names cannot chat here, or with `embedding` is neither an
    embedding model nor a reranker; None where nothing speaks against it.

    A file that no list here knows is none of these: whether its architecture is known is asked elsewhere.
    """
    architecture = metadata.get("general.architecture")
    architecture = architecture if isinstance(architecture, str) else ""
    names = list(tensors)
    if embedding and model_kind(metadata) != "chat":
        return None
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
    return not_embedding_error(path) if embedding else None


def not_embedding_error(path: Path) -> EngineError:
    """The model at `path` was to give vectors of texts, and cannot."""
    return EngineError(
        tr("{file} is no embedding model: it does not turn a text into one vector.").format(file=path.name),
        remedy=tr("Choose an embedding model."),
    )


def not_reranker_error(path: Path) -> EngineError:
    """The model at `path` was to say how well texts answer a query, and cannot."""
    return EngineError(
        tr("{file} is no reranker: it does not put texts in order.").format(file=path.name),
        remedy=tr("Choose a reranker."),
    )


def model_kind(metadata: Mapping[str, object]) -> ModelKind:
    """What a model with this metadata is for, by its architecture and by how it pools a text's tokens (llama.cpp's key
    `pooling_type`; 0 none, 4 rank)."""
    architecture = metadata.get("general.architecture")
    architecture = architecture if isinstance(architecture, str) else ""
    if metadata.get(f"{architecture}.pooling_type") == _RANKING:
        return "reranker"
    return "embedding" if _is_embedding_model(metadata, architecture) else "chat"


def _is_embedding_model(metadata: Mapping[str, object], architecture: str) -> bool:
    pooling = metadata.get(f"{architecture}.pooling_type")
    return pooling != _RANKING and (
        architecture in EMBEDDING_ARCHITECTURES or (isinstance(pooling, int) and pooling > 0)
    )


def unsupported_tensor_error(path: Path, metadata: Mapping[str, object], kind: int, removed: str) -> EngineError:
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
        return tr("{file} is an adapter (LoRA), not a whole model."), tr(
            "Choose the model's own file; “latchkey ask --lora” puts an adapter on top of it."
        )
    if kind == "imatrix" or architecture == "imatrix" or any(name.endswith(".in_sum2") for name in names):
        return tr("{file} is an importance matrix for quantization, not a model."), own_file
    if kind == "mmproj" or architecture == "clip":
        return (
            tr("{file} is a projector (mmproj): it lets another model see or hear, and cannot chat by itself."),
            tr("Keep it in the folder of that model's file, and import that: the projector goes with it."),
        )
    if architecture in OTHER_PARTS:
        return tr("{file} is a part that belongs to another model; it cannot chat by itself."), own_file
    return None


def _other_kind(metadata: Mapping[str, object], architecture: str, names: list[str]) -> tuple[str, str] | None:
    """Whole models that do something else than chat: title, with a place for the file's name, and remedy."""
    pooling = metadata.get(f"{architecture}.pooling_type")
    chat = tr("Choose a chat model.")
    if pooling == _RANKING:
        return tr("{file} is a reranker: it puts texts in order and cannot chat."), chat
    if _is_embedding_model(metadata, architecture):
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
    """Whether it was converted for Ollama's own engine: vision and audio tensors in the same file, other tensor
    names."""
    if architecture in _OLLAMA:
        return True
    seeing = (f"{architecture}.vision.", f"{architecture}.audio.", f"{architecture}.mm.")
    return any(key.startswith(seeing) for key in metadata) or any(_OLLAMA_TENSORS.match(name) for name in names)
