"""What a file that is no GGUF seems to be, so that a person knows what went wrong with it."""

from desktop.translation import tr


def what_it_seems_to_be(head: bytes, size: int) -> str:
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
