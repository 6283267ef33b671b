"""What the pictures of the license desk show: a home in which licenses were accepted, revoked and changed, and the acts
that lead to each page. `screenshots.py` takes the pictures."""

import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from desktop.settings import SettingsFile

if TYPE_CHECKING:
    from screenshots import Stage

    from desktop.library.library_services import LibraryServices

_HELD = (
    ("llama-3.2-3b-instruct", "research"),
    ("dolly-v2-3b", "personal"),
    ("qwen3-8b", "personal"),
    ("alpaca-7b", "research"),
)
_LAB = """\
version = 1
[[license]]
id = "LicenseRef-Reading-Lab"
name = "Reading Lab License"
text = "licenses/reading-lab.txt"
[[license.restriction]]
restriction = "non-commercial"
clause = "2"
says = "Not for commercial purposes."
quote = "commercial purposes"
[[license.restriction]]
restriction = "attribution"
clause = "3"
says = "Answers that are published name the Reading Lab."
quote = "names the Reading Lab"
[[model]]
id = "reading-lab-2b"
name = "Reading Lab 2B"
family = "Reading Lab"
publisher = "Reading Lab"
license = "LicenseRef-Reading-Lab"
gate = "open"
summary = "A model of a lab's own, in a catalog of its own."
architecture = "llama"
"""
_OPEN = """\
version = 1
[[model]]
id = "tiny-open"
name = "Tiny Open"
family = "Tiny"
publisher = "Reading Lab"
license = "Apache-2.0"
gate = "open"
summary = "A model of random weights, free for every use."
architecture = "llama"
gguf = "tiny/open-gguf"
[[model.file]]
name = "tiny-open.gguf"
quantization = "F32"
size = {size}
sha256 = "{sha256}"
"""
_OLD = """\
READING LAB LICENSE

1. You may run the model on your own computers, and change it.

2. You may not use it for commercial purposes.

3. Whoever publishes an answer of the model names the Reading Lab.

4. The model comes as it is. The Reading Lab answers for nothing.

5. This license ends when its terms are broken.
"""
_NEW = _OLD.replace(
    "2. You may not use it for commercial purposes.",
    "2. You may not use it for commercial purposes, nor to train another model on what it writes.",
).replace("5. This", "5. The Reading Lab may be told, on request, which version of the model is in use.\n\n6. This")


def accept(assembly: "LibraryServices", model_id: str, purpose: Any, person: str = "Ada Lovelace") -> None:
    """Accept every license of a model."""
    from desktop.licenses.acknowledgements import Acceptance

    subject = assembly.library.find_listed(model_id).subject
    for needed in subject.needed:
        assembly.acknowledgements.accept(
            subject, needed.id, needed.text_sha256, Acceptance(person, purpose, "Analytical Society")
        )


def furnish(home: Path, *, desk: bool, broken: bool) -> None:
    """Accept the built-in model's license in `home`, and with `desk` those of others; `broken` damages the ledger."""
    from desktop.library.library_services import build_library_services
    from desktop.licenses.ledger_record import LedgerEvent
    from desktop.paths import find_paths

    paths = find_paths()
    if desk:
        (home / "config" / "licenses").mkdir(parents=True, exist_ok=True)
        paths.own_catalog.write_text(_LAB, encoding="utf-8")
        (home / "config" / "licenses" / "reading-lab.txt").write_text(_OLD, encoding="utf-8")
    assembly = build_library_services(paths)
    accept(assembly, "latchkey-guide", "personal")
    if desk:
        for model_id, purpose in _HELD:
            accept(assembly, model_id, purpose)
        accept(assembly, "reading-lab-2b", "research")
        held = [assembly.library.find_listed(model_id).subject for model_id, _ in _HELD[:2]]
        facts = [
            LedgerEvent(event="loaded", model=each.id, model_name=each.name, file_sha256="0" * 64) for each in held
        ]
        assembly.ledger.append_all(facts)
        assembly.acknowledgements.revoke("qwen3-8b")
        (home / "config" / "licenses" / "reading-lab.txt").write_text(_NEW, encoding="utf-8")
    assembly.ledger.close()
    if broken:
        connection = sqlite3.connect(paths.ledger_file)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{name}"')
        connection.execute("UPDATE ledger SET purpose = 'commercial' WHERE seq = 3")
        connection.commit()
        connection.close()


def wait(home: Path) -> None:
    """Have a model answer in `home` whose license nobody accepted yet: one that restricts nothing, to be accepted the
    first time."""
    from desktop.library.library_services import build_library_services
    from desktop.paths import find_paths
    from tests.fakes.tiny_gguf import random_model

    paths = find_paths()
    file = random_model(home / "tiny-open.gguf")
    entry = _OPEN.format(size=file.stat().st_size, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    paths.own_catalog.parent.mkdir(parents=True, exist_ok=True)
    paths.own_catalog.write_text(entry, encoding="utf-8")
    assembly = build_library_services(paths)
    assembly.importer.add(file)
    assembly.ledger.close()
    SettingsFile(paths.settings_file).change(model="tiny-open")


# --- acts ---


def step(stage: "Stage") -> None:
    _open_step(stage, "stablevicuna-13b")


def step_filled(stage: "Stage") -> None:
    from desktop.ui.licenses.license_page_values import AcceptanceInput

    _open_step(stage, "stablevicuna-13b")
    page = stage.window.pages.license
    assert page.content is not None
    page.form.show_form(AcceptanceInput("Ada Lovelace", "", "research"), page.content.refused)
    stage.settle()


def permissive(stage: "Stage") -> None:
    stage.window.chat_page.empty.license_asked.emit("tiny-open", "Apache-2.0")
    stage.wait(lambda: stage.window.pages.shown == "license")
    stage.settle()


def difference(stage: "Stage") -> None:
    stage.window.models_page.difference_asked.emit("reading-lab-2b", "LicenseRef-Reading-Lab")
    stage.wait(lambda: stage.window.pages.shown == "difference")
    stage.settle()


def ledger(stage: "Stage") -> None:
    stage.window.show_page("licenses")
    stage.wait(seconds=1.5)


def refused(stage: "Stage") -> None:
    stage.window.chat_page.composer.set_text("How do I add a model?")
    stage.window.chat_page.composer.button.click()
    stage.settle()


def _open_step(stage: "Stage", model_id: str) -> None:
    stage.window.models_page.license_asked.emit(model_id, "")
    stage.wait(lambda: stage.window.pages.shown == "license")
    stage.settle()
