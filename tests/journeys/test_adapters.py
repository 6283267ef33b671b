"""Adapters by the command: taken in, listed by themselves, accepted, and what is said of their use."""

from pathlib import Path

from tests.fakes.tiny_adapter import lora_adapter
from tests.journeys.command import latchkey


def test_an_adapter_is_listed_apart_and_its_use_is_said(home: Path, tmp_path: Path) -> None:
    assert "No adapter" in latchkey("models", "list", "--adapters").err
    path = lora_adapter(tmp_path / "poet.gguf", license_="mit")
    adapter = latchkey("models", "import", str(path), "--json").json
    (listed,) = latchkey("models", "list", "--adapters", "--json").json
    assert (listed["id"], listed["adapter"], listed["state"]) == (adapter["id"], True, "to-accept")
    assert adapter["id"] not in [each["id"] for each in latchkey("models", "list", "--json").json]
    needed = adapter["licenses"][0]
    line = ["--text-sha256", needed["text_sha256"], "--as", "Ada Example", "--purpose", "personal"]
    accepted = latchkey("licenses", "accept", adapter["id"], *line)
    assert accepted.code == 0, accepted
    assert f"--model ID --lora {adapter['id']}" in accepted.out
    assert adapter["id"] in latchkey("models", "list", "--adapters").out
