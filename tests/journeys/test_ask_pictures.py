"""Pictures by the command: asked about with a model that sees, alone and in a conversation, and refused clearly."""

import struct
import zlib
from pathlib import Path

from tests.accepting import import_and_accept
from tests.fakes.tiny_gguf import random_model
from tests.fakes.tiny_projector import tiny_projector
from tests.journeys.command import latchkey


def png(path: Path, shade: int, width: int = 48, height: int = 32) -> Path:
    """A picture of one color, written by hand."""
    rows = (b"\0" + bytes([shade, 90, 255 - shade]) * width) * height
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    made = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        made += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(made)
    return path


def test_a_model_with_a_projector_is_asked_about_pictures(home: Path, tmp_path: Path) -> None:
    model = random_model(tmp_path / "tiny.gguf")
    projector = tiny_projector(tmp_path / "mmproj-tiny.gguf")
    model_id = import_and_accept(home, model)
    shown = latchkey("models", "show", model_id, "--json").json
    assert shown["projector"]["path"] == str(projector)
    assert shown["projector"]["sha256"] in latchkey("models", "show", model_id).out
    red, blue = str(png(tmp_path / "red.png", 250)), str(png(tmp_path / "blue.png", 5))
    plain = ("--model", model_id, "--temperature", "0", "--max-tokens", "12", "--json")
    asked = {name: latchkey("ask", "What is it?", "--image", name, *plain).json for name in (red, blue)}
    assert asked[red]["text"] != asked[blue]["text"]
    both = latchkey("ask", "What is it?", "--image", red, "--image", blue, *plain).json
    assert both["prompt_tokens"] == asked[red]["prompt_tokens"] + 16
    kept = latchkey("ask", "What is it?", "--image", red, "--conversation", "new", *plain).json
    assert kept["text"] == asked[red]["text"]
    again = latchkey("ask", "And now?", "--conversation", kept["conversation"], *plain)
    assert again.code == 0, again
    assert again.json["prompt_tokens"] > kept["prompt_tokens"]


def test_pictures_that_cannot_be_shown_are_refused_in_one_sentence(home: Path, tmp_path: Path) -> None:
    picture = str(png(tmp_path / "red.png", 250))
    blind = latchkey("ask", "What is it?", "--image", picture)
    assert (blind.code, "cannot see pictures" in blind.err) == (6, True), blind
    model_id = import_and_accept(home, random_model(tmp_path / "tiny.gguf"))
    blind = latchkey("ask", "What is it?", "--image", picture, "--model", model_id, "--conversation", "new")
    assert (blind.code, "cannot see pictures" in blind.err) == (6, True), blind
    text = tmp_path / "text.txt"
    text.write_text("no picture")
    assert "is no picture" in latchkey("ask", "What is it?", "--image", str(text)).err
    tiny_projector(tmp_path / "mmproj-tiny.gguf")
    assert latchkey("models", "import", str(tmp_path / "tiny.gguf")).code == 0
    (tmp_path / "broken.png").write_bytes(Path(picture).read_bytes()[:40])
    broken = latchkey("ask", "What is it?", "--image", str(tmp_path / "broken.png"), "--model", model_id)
    assert broken.code != 0
    assert "broken.png" in broken.err
    alone = latchkey("models", "import", str(tmp_path / "mmproj-tiny.gguf"))
    assert "is a projector" in alone.err
