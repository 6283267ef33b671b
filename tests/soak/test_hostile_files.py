"""Model files with random damage: refused in words or run, but never a crash, a hang or a bug."""

import random
from pathlib import Path

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.engine_client import EngineClient
from desktop.engine.generation_options import GenerationOptions
from desktop.engine.gguf_header import read_header
from desktop.engine.load_params import LoadParams
from desktop.engine.worker_messages import Delta, GenerateRequest
from desktop.errors import UserError
from desktop.paths import find_paths
from tests.fakes.load_checks import OpenLoadCheck

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

READ = 3000
LOADED = 60
HEADER_BYTES = 60_000


def damaged(sound: bytes, chance: random.Random) -> bytes:
    """`sound` with one to eight places of its header changed, and sometimes its end cut off."""
    data = bytearray(sound)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(chance.choice((64, 2000, HEADER_BYTES)))
        kind = chance.random()
        if kind < 0.4:
            data[at] ^= 1 << chance.randrange(8)
        elif kind < 0.7:
            data[at : at + 8] = chance.choice((b"\xff" * 8, b"\0" * 8, b"\0\0\0\0\0\0\0\x80", chance.randbytes(8)))
        elif kind < 0.85:
            del data[at : at + chance.randint(1, 64)]
        else:
            data[at:at] = chance.randbytes(chance.randint(1, 64))
    if chance.random() < 0.2:
        del data[chance.randrange(len(data)) :]
    return bytes(data)


def test_every_damaged_header_is_read_or_refused_in_words(tmp_path: Path) -> None:
    sound = find_paths().builtin_model.read_bytes()
    chance = random.Random(2026)
    file = tmp_path / "damaged.gguf"

    said: list[str] = []
    for _ in range(READ):
        file.write_bytes(damaged(sound, chance))
        try:
            read_header(file)
        except UserError as error:
            said.append(error.title)

    assert 0 < len(said) < READ
    assert all(said)


def test_what_passes_the_header_check_never_takes_the_app_down(tmp_path: Path) -> None:
    sound = find_paths().builtin_model.read_bytes()
    chance = random.Random(7)
    engine = EngineClient(license_check=OpenLoadCheck(), logs=tmp_path / "logs", cache=tmp_path / "cache")
    answered = 0
    said: list[str] = []
    try:
        for number in range(LOADED):
            file = tmp_path / f"damaged-{number}.gguf"
            file.write_bytes(damaged(sound, chance))
            try:
                engine.load_and_wait(LoadParams(str(file)))
                request = GenerateRequest(
                    engine.next_id(), (ChatMessage.from_text("user", "Hello"),), GenerationOptions(max_tokens=16)
                )
                answered += any(isinstance(event, Delta) for event in engine.answer(request))
            except UserError as error:
                said.append(error.title)
            file.unlink()
        engine.load_and_wait(LoadParams(str(find_paths().builtin_model)))
        request = GenerateRequest(
            engine.next_id(), (ChatMessage.from_text("user", "Hello"),), GenerationOptions(max_tokens=16)
        )
        assert any(isinstance(event, Delta) for event in engine.answer(request))
    finally:
        engine.close()
    assert answered
    assert all(said)
