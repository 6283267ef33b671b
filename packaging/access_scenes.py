"""What the pictures of the way to a model show. The Hub is a fake one on this machine with files said to be large;
downloads of gigabytes are scripted. `screenshots.py` takes the pictures."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from screenshots import Stage

    from desktop.library.download_item import DownloadItem
    from tests.fakes.hub import FakeHub, FakeRepository

_TOP = Path(__file__).resolve().parents[1]
_MODEL = "alpine-lab/Edelweiss-8B-Instruct-GGUF"
_PROMPT = """\
Alpine Lab gives Edelweiss to people who work on mountain safety, and to those who study language models.

By asking for access you agree to the Edelweiss terms: no use in avalanche warnings that nobody checks, and the name \
of the model beside whatever it wrote.

We read every request ourselves. It takes a day or two."""
_SIZES = {"Q3_K_M": 4.0, "Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5, "F16": 16.1, "F32": 32.1}


@contextmanager
def hub() -> Iterator["FakeHub"]:
    """A Hub with one gated model and some others, told to whatever starts while it is open."""
    from tests.fakes.hub import FakeHub

    with FakeHub() as running:
        _stock(running)
        os.environ["HF_ENDPOINT"] = running.endpoint
        _state["hub"] = running
        try:
            yield running
        finally:
            del os.environ["HF_ENDPOINT"]


_state: dict[str, Any] = {}


def _stock(running: "FakeHub") -> None:
    from tests.fakes.hub import FakeRepository

    card = {
        "license": "cc-by-nc-4.0",
        "base_model": "EleutherAI/pythia-6.9b",
        "extra_gated_prompt": _PROMPT,
        "extra_gated_fields": {"Name": "text", "Institution": "text", "What it is for": "text"},
    }
    made = running.add(FakeRepository(_MODEL, gated="manual", card=card, tags=["gguf"], downloads=48_211))
    for name in _SIZES:
        made.add_file(f"Edelweiss-8B-Instruct-{name}.gguf", b"GGUF")
    made.raw_info = json.dumps(_told(made)).encode()
    others = (
        ("alpine-lab/Edelweiss-8B-Base-GGUF", False, "cc-by-nc-4.0", 9_120),
        ("edelweiss-fans/edelweiss-merge-12B-GGUF", False, "other", 411),
        ("alpine-lab/Edelweiss-70B-Instruct-GGUF", "auto", "llama3.1", 2_734),
    )
    for name, gated, license_, downloads in others:
        other = FakeRepository(name, card={"license": license_}, tags=["gguf"], downloads=downloads)
        other.gated = gated  # type: ignore[assignment]
        running.add(other)


def _told(made: "FakeRepository") -> dict[str, object]:
    """What the Hub says of it: files of gigabytes, whose hashes it hides."""
    siblings = [
        {
            "rfilename": f"Edelweiss-8B-Instruct-{name}.gguf",
            "size": round(size * 10**9),
            "lfs": {"sha256": "*" * 64, "size": round(size * 10**9)},
        }
        for name, size in _SIZES.items()
    ]
    return {
        "id": made.id,
        "sha": made.head,
        "gated": "manual",
        "cardData": made.card,
        "tags": ["gguf", "base_model:quantized:EleutherAI/pythia-6.9b"],
        "siblings": siblings,
        "downloads": made.downloads,
        "lastModified": "2026-10-02T08:00:00.000Z",
    }


# --- acts ---


def _open(stage: "Stage") -> Any:
    stage.window.show_page("models")
    page = stage.window.pages.models
    stage.wait(lambda: bool(page.list.rows.ids))
    stage.settle()
    return page


def look(stage: "Stage") -> Any:
    """A gated model, looked up by its name."""
    page = _open(stage)
    page.field.setText(_MODEL)
    page.hub.submit()
    stage.wait(lambda: page.detail.chooser is not None)
    stage.settle()
    return page


def look_end(stage: "Stage") -> None:
    page = look(stage)
    page.detail.verticalScrollBar().setValue(page.detail.verticalScrollBar().maximum())
    stage.settle()


def search(stage: "Stage") -> None:
    page = _open(stage)
    page.field.setText("edelweiss")
    page.hub.submit()
    stage.wait(lambda: bool(page.list.rows.headings) and "·" in page.list.rows.headings[0])
    stage.settle()


def off_line(stage: "Stage") -> None:
    page = _open(stage)
    stage.window.settings_changed.emit({"offline": True})
    page.field.setText("edelweiss")
    page.hub.submit()
    stage.settle()


def token(stage: "Stage") -> Any:
    look(stage)
    stage.backend.access.open_token(_MODEL)
    stage.wait(lambda: stage.window.pages.shown == "token")
    stage.settle()
    return stage.window.pages.token


def _enter(stage: "Stage", value: str, place: str = "session") -> Any:
    step = token(stage)
    step.fields.token.edit.setText(value)
    option = step.fields._places[place]  # noqa: SLF001
    option.setChecked(True)
    stage.settle()
    return step


def token_vault(stage: "Stage") -> None:
    _enter(stage, "hf_ThisIsOnlyAPicture", "vault").fields.token.show_clear(True)
    stage.settle()


def token_bad(stage: "Stage") -> None:
    step = _enter(stage, "hf_ThisIsOnlyAPicture")
    step.saved.emit()
    stage.wait(lambda: step.fields.box is not None)
    stage.settle()


def token_lacks(stage: "Stage") -> None:
    step = _enter(stage, _state["hub"].add_token("ada", "fineGrained", may_read_gated=False))
    step.saved.emit()
    stage.wait(lambda: step.fields.box is not None)
    stage.settle()


def token_saved(stage: "Stage") -> Any:
    step = _enter(stage, _state["hub"].add_token("ada", "fineGrained"))
    step.saved.emit()
    stage.wait(lambda: step.fields.isHidden())
    stage.settle()
    return step


def standing(state: str, *, page: bool = False) -> "Callable[[Stage], None]":
    """The gate as it looks to somebody who stands there; with `page`, the model's own page."""

    def act(stage: "Stage") -> None:
        _state["hub"].set_gate_state(_MODEL, "ada", state)
        token_saved(stage).continued.emit()
        stage.wait(lambda: stage.window.pages.shown == "models")
        stage.wait(seconds=1)
        if page:
            stage.window.pages.models.choose(_MODEL)
            stage.wait(seconds=1)
            return
        stage.backend.access.open_gate(_MODEL)
        stage.wait(lambda: stage.window.pages.shown == "gate")
        stage.settle()

    return act


def news(stage: "Stage") -> None:
    standing("pending")(stage)
    stage.window.show_page("")
    _state["hub"].set_gate_state(_MODEL, "ada", "granted")
    stage.backend.access.check_access(_MODEL, quiet=True)
    stage.wait(seconds=1)


def _item(key: str, name: str, state: str, done: float, total: float, **more: Any) -> "DownloadItem":
    from desktop.hub.transfer.transfer_types import TransferProgress
    from desktop.library.download_item import DownloadItem

    figures = {each: more.pop(each) for each in ("rate", "seconds_left", "connections", "note") if each in more}
    progress = TransferProgress(state=state, done=round(done * 1e9), total=round(total * 1e9), **figures)  # type: ignore[arg-type]
    file = f"{name.replace(' ', '-')}-Q4_K_M.gguf"
    return DownloadItem(key, key, name, f"alpine-lab/{key}", "0" * 40, file, "Q4_K_M", progress, **more)


def downloads(stage: "Stage") -> None:
    """Several downloads at once, scripted: no picture waits for gigabytes."""
    from desktop.errors import NetworkError

    page = look(stage)
    error = NetworkError(
        "The connection to the server broke off.",
        "It did so 8 times in a row, and no byte came in between.",
        "Check the network, then try again: what is here is kept.",
    )
    slow = {"rate": 24.3e6, "seconds_left": 74.0, "connections": 4}
    note = "The server asks for patience; going on in 12 s."
    items = [
        _item(_MODEL, "Edelweiss 8B Instruct", "fetching", 3.1, 4.9, **slow),
        _item("second", "Qwen3 8B", "retrying", 1.2, 4.7, note=note),
        _item("third", "Gemma 3 4B", "failed", 0.4, 2.5, error=error),
        _item("fourth", "Llama 3.2 3B Instruct", "done", 2.0, 2.0, installed="fourth"),
    ]
    page.show_downloads(items)
    stage.window.sidebar.models.set_detail("2 · 45 %")
    stage.settle()


def adding(stage: "Stage") -> None:
    """A file was dropped: how is it taken in?"""
    stage.backend.imports.offer_files([Path("/home/ada/models/Edelweiss-8B-Q4_K_M.gguf")])
    stage.wait(lambda: bool(stage.window.pages.models.list.rows.ids))
    stage.settle()


def dropping(stage: "Stage") -> None:
    stage.backend.drop.overlay.show_kind("models")
    stage.backend.drop._cover(stage.window)  # noqa: SLF001
    stage.settle()


def elsewhere(stage: "Stage") -> None:
    """What other apps fetched."""
    from desktop.library.other_apps import DiscoveredModel, SkippedFile
    from desktop.ui.models.search_hits import other_app_hits

    page = _open(stage)
    path = Path("/home/ada/.lmstudio/models/alpine-lab/Edelweiss-8B-GGUF/Edelweiss-8B-Q4_K_M.gguf")
    blob = Path("/usr/share/ollama/.ollama/models/blobs/sha256-6a0746a1ec1a")
    found = [
        DiscoveredModel("LM Studio", path, (path,), "Edelweiss 8B", 4_900_000_000, "Q4_K_M", "llama", "cc-by-nc-4.0"),
        DiscoveredModel("Ollama", blob, (blob,), "llama3.2:3b", 2_019_000_000, "Q4_K_M", "llama", "llama3.2"),
    ]
    left = [SkippedFile("Ollama", blob, "llama3.2-vision:11b", "It is made for Ollama's own engine.")]
    page.show_hits("apps", other_app_hits(found, stage.backend.services.library.catalog, left))
    stage.settle()


def changed(stage: "Stage") -> None:
    """A model whose file is not what it was, about to be removed."""
    from desktop.library.library_services import build_library_services
    from desktop.paths import find_paths

    paths = find_paths()
    file = paths.data / "edelweiss.gguf"
    file.write_bytes((_TOP / "resources" / "builtin" / "latchkey-guide.gguf").read_bytes() + b"\0" * 32)
    assembly = build_library_services(paths)
    model = assembly.importer.add(file)
    file.write_bytes(file.read_bytes() + b"\0")
    page = _open(stage)
    stage.wait(lambda: page.list.rows.card(model.id) is not None)
    page.choose(model.id)
    stage.wait(seconds=1)
    from desktop.ui.models.model_files import ModelFileActions

    for manage in page.detail.findChildren(ModelFileActions):
        manage.remove.click()
    stage.settle()
