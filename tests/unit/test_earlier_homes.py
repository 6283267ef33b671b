"""Small files of a home as earlier versions wrote them: read to the letter, and nothing of them lost when written.

`tests/data/homes` has a folder for each form that files of this kind ever had. A version that changes a form adds one.
"""

import json
import shutil
from pathlib import Path

import pytest

from desktop.chat.preset_file import Preset, PresetFile
from desktop.chat.prompt_library import Prompt, PromptLibrary
from desktop.engine.generation_options import SamplingParams, ThinkingOptions
from desktop.hub.repository_files import FilePart
from desktop.hub.transfer.sidecar import RemoteIdentity, ServedVersion, SidecarContents, read_sidecar
from desktop.library.download_records import DownloadRecord, DownloadRecords
from desktop.settings import (
    AcceptanceSettings,
    AdapterSettings,
    ModelSettings,
    SamplingSettings,
    Settings,
    SettingsFile,
)

HOMES = sorted((Path(__file__).parents[1] / "data" / "homes").iterdir())
SHA256 = "91b5ddd940b2d4833070ee8404fd5b60e4c53d81b78563a34bc13126a7013173"
COMMIT = "f49efef8f7572dc555ab12eb07a9d909be3abd43"
MODEL = "acme/tiny-GGUF"


@pytest.fixture(params=HOMES, ids=lambda each: f"home {each.name}")
def earlier(request: pytest.FixtureRequest, home: Path) -> Path:
    """A copy of a home as an earlier version left it."""
    shutil.copytree(request.param, home, dirs_exist_ok=True)
    return home


def test_settings(earlier: Path) -> None:
    path = earlier / "config" / "settings.json"
    written = path.read_bytes()
    settings = SettingsFile(path)
    tiny = ModelSettings(
        context_length=2048,
        key_type="q8_0",
        stops=("END",),
        sampling={"top_k": 5},
        adapters=(AdapterSettings("/a/b.gguf", 0.5),),
    )
    assert settings.problem == ""
    assert settings.current == Settings(
        theme="dark",
        text_scale=1.25,
        language="en",
        threads=3,
        parallel_answers=2,
        system_prompt="Be brief.",
        wrap_code=True,
        window_geometry=json.loads(written)["window_geometry"],
        sidebar_width=251,
        sampling=SamplingSettings(temperature=0.3, seed=7),
        context_full="summarize",
        acceptance=AcceptanceSettings("Ada Example", "Example Works", "research"),
        unload_after=5,
        answer_notifications="off",
        model_settings={"tiny": tiny},
    )
    assert path.read_bytes() == written
    settings.change(theme="light")
    found = json.loads(path.read_bytes())
    assert found | json.loads(written) == found | {"theme": "dark"}  # with settings that came later beside them


def test_presets(earlier: Path) -> None:
    path = earlier / "config" / "presets.json"
    written = json.loads(path.read_bytes())
    presets = PresetFile(path)
    short = Preset(
        system_prompt="Antworte kurz.",
        model="built-in",
        sampling=SamplingParams(temperature=0.1, top_k=3),
        max_tokens=50,
        thinking=ThinkingOptions(enabled=False),
        stop=("ENDE",),
    )
    assert presets.find("Kurz") == short
    assert presets.followed("old") == presets.find("new") == Preset(max_tokens=5)
    presets.set("another", Preset())
    found = json.loads(path.read_bytes())
    assert found["presets"].pop("another") == {}
    assert found == written
    assert presets.problem == ""


def test_prompts(earlier: Path) -> None:
    path = earlier / "config" / "prompts.json"
    written = json.loads(path.read_bytes())
    prompts = PromptLibrary(path)
    assert prompts.find("greet") == Prompt("Greet {{name|me}}.", "A greeting")
    assert prompts.removed_names() == {"reply"}
    prompts.set("another", Prompt("text"))
    found = json.loads(path.read_bytes())
    assert found["prompts"].pop("another") == {"text": "text"}
    assert found == written
    assert prompts.problem == ""


def test_a_download_and_what_is_here_of_it(earlier: Path) -> None:
    file = FilePart("tiny-Q8_0.gguf", 162_624, SHA256)
    (record,) = DownloadRecords(earlier / "data" / "downloads").all()
    assert record == DownloadRecord(
        id="53d05e14d733d660b22e",
        model_id=MODEL,
        name="tiny-GGUF",
        repository=MODEL,
        commit=COMMIT,
        file=file.name,
        quantization="Q8_0",
        parts=(file,),
        begun=1796113858.5065343,
        endpoint="http://hub.invalid",
    )
    identity = RemoteIdentity(MODEL, COMMIT, file.name, file.size or 0, SHA256, etag=SHA256)
    (part,) = (earlier / "models").rglob("*.part")
    served = ServedVersion("http://cdn.invalid", f'"{SHA256[:32]}"')
    found = read_sidecar(part.with_name(f"{part.name}.state"), identity, part.stat().st_size)
    assert found == SidecarContents(((0, 16_000),), served)
