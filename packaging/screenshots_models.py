"""Writes pictures of the models page with models that no checkout holds: accepted, suspended, revoked, forbidden.

    python packaging/screenshots_models.py [FOLDER]

The cards are the catalog's, judged by the real door against a ledger made up here; nothing is read from or written to
a person's folders. Pictures go to build/screenshots/ unless FOLDER says otherwise. No display is needed.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

if TYPE_CHECKING:
    from desktop.catalog.catalog import Catalog, CatalogEntry
    from desktop.library.library_model import LibraryCard
    from desktop.licenses.ledger_state import Acknowledgement
    from desktop.licenses.policy import Policy
    from desktop.ui.models.models_page import ModelsPage

_HERE = {
    "latchkey-guide": 6_000_000,
    "llama-3.2-3b-instruct": 2_019_000_000,
    "gemma-3-4b-it": 2_490_000_000,
    "dolly-v2-3b": 1_720_000_000,
    "alpaca-7b": 3_920_000_000,
}
_ACCEPTED = ("latchkey-guide", "llama-3.2-3b-instruct", "dolly-v2-3b")


@dataclass(frozen=True)
class Scene:
    """One picture: the model chosen, how far its page is scrolled, what is searched, the size, theme and scale.

    With `memory` (GiB) it is what a person sees first on a machine with so much, and a GPU with `gpu` GiB.
    """

    name: str
    model: str
    theme: str = "light"
    scroll: int = 0
    words: str = ""
    width: int = 1028
    height: int = 800
    scale: int = 1
    text_scale: float = 1.0
    forbidden: bool = False
    memory: int = 0
    gpu: int = 0


def scenes() -> list[Scene]:
    found = []
    for theme in ("light", "dark"):
        found += [
            Scene(f"card-lineage-{theme}", "stablevicuna-13b", theme),
            Scene(f"card-lineage-{theme}-2x", "stablevicuna-13b", theme, scale=2),
            Scene(f"card-steps-{theme}", "stablevicuna-13b", theme, scroll=9_999),
            Scene(f"card-accepted-{theme}", "llama-3.2-3b-instruct", theme),
            Scene(f"card-suspended-{theme}", "gemma-3-4b-it", theme),
            Scene(f"card-revoked-{theme}", "dolly-v2-3b", theme, height=668),
            Scene(f"card-closed-{theme}", "gpt-4", theme, words="openai"),
            Scene(f"card-cannot-run-{theme}", "gpt-j-6b", theme, words="gpt-j"),
            Scene(f"card-forbidden-{theme}", "alpaca-7b", theme, forbidden=True),
            Scene(f"card-narrow-{theme}", "llama-3.2-3b-instruct", theme, width=548, height=600),
            Scene(f"card-large-{theme}", "alpaca-7b", theme, text_scale=1.5),
            Scene(f"first-narrow-{theme}", "", theme, width=548, height=720, memory=8),
            Scene(f"first-24gb-{theme}-2x", "", theme, scale=2, memory=24),
        ]
        found += [
            Scene(f"first-{memory}gb{f'-gpu{gpu}' if gpu else ''}-{theme}", "", theme, memory=memory, gpu=gpu)
            for memory in (8, 24, 64)
            for gpu in (0, 12)
        ]
    return found


def cards_for(scene: Scene) -> "list[LibraryCard]":
    """A card for each model of the catalog; some are here, some accepted, one with a text that changed since."""
    from desktop.catalog.catalog_file import read_catalog
    from desktop.licenses.policy import Policy, PolicyRules

    catalog = read_catalog(TOP / "models.toml", text_folders=(TOP / "resources",)).catalog
    policy = (
        Policy(contact="it@example.org", deny=PolicyRules(restriction=("research-only",)))
        if scene.forbidden
        else Policy()
    )
    here = {"latchkey-guide": _HERE["latchkey-guide"]} if scene.memory else _HERE
    cards = [_card(entry, catalog, policy, here) for entry in catalog.model]
    return sorted(cards, key=lambda card: card.listed.model is None)


def _card(entry: "CatalogEntry", catalog: "Catalog", policy: "Policy", here: Mapping[str, int]) -> "LibraryCard":
    from desktop.library.library_model import LibraryCard, LibraryModel, ListedModel
    from desktop.library.subject_builder import subject_of_entry
    from desktop.licenses.ledger_seal import LedgerCheck
    from desktop.licenses.ledger_state import LedgerState
    from desktop.licenses.license_verdict import decide

    subject = subject_of_entry(entry, catalog, lambda text: hashlib.sha256(text.encode()).hexdigest())
    standing = _standing(entry, {needed.id: needed.text_sha256 for needed in subject.needed})
    verdict = decide(subject, LedgerState(LedgerCheck(True, 9), standing), policy, lambda license_id: [license_id])
    if entry.id not in here:
        return LibraryCard(ListedModel(subject, entry, None), verdict)
    built_in = any(file.shipped for file in entry.file)
    model = LibraryModel(
        id=entry.id,
        name=entry.name,
        publisher=entry.publisher,
        quantization="Q8_0" if built_in else "Q4_K_M",
        path=Path("/home/ada/models") / f"{entry.id}.gguf",
        size=here[entry.id],
        license=entry.license,
        restrictions=subject.lineage.restrictions,
        built_in=built_in,
        imported=not built_in,
        attribution=subject.attribution,
    )
    return LibraryCard(ListedModel(subject, entry, model), verdict)


def _standing(entry: "CatalogEntry", texts: Mapping[str, str]) -> "dict[tuple[str, str], Acknowledgement]":
    from desktop.licenses.ledger_record import LedgerRecord
    from desktop.licenses.ledger_state import Acknowledgement

    found = {}
    for number, (license_id, sha256) in enumerate(texts.items(), 1):
        if entry.id not in (*_ACCEPTED, "gemma-3-4b-it"):
            continue
        record = LedgerRecord(
            event="acknowledged",
            model=entry.id,
            license=license_id,
            text_sha256="0" * 64 if entry.id == "gemma-3-4b-it" else sha256,
            person="Ada Lovelace",
            purpose="research",
            seq=number,
            time=f"2026-03-{10 + number}T10:00:00Z",
            os_user="ada",
            app_version="0.1.0",
            previous="0" * 64,
            hash="1" * 64,
        )
        revoked = entry.id == "dolly-v2-3b"
        found[entry.id, license_id] = Acknowledgement(record, "revoked" if revoked else "in-force", record)
    return found


def take(scene: Scene, file: Path) -> None:
    """Take one picture, in this process."""
    from PySide6.QtWidgets import QApplication

    from desktop.ui.models.models_page import ModelsPage
    from desktop.ui.theme.theme import Theme

    application = QApplication([])
    application.setStyle("Fusion")
    page = ModelsPage(Theme(TOP / "resources", scene.theme, scene.text_scale))
    page.resize(scene.width, scene.height)
    if scene.memory:
        _show_first(page, scene)
    else:
        page.show_cards(cards_for(scene), "latchkey-guide")
    page.show()
    page.setFocus()
    page.field.setText(scene.words)
    if scene.model:
        page.choose(scene.model)
    for _ in range(5):
        application.processEvents()
    page.detail.verticalScrollBar().setValue(scene.scroll)
    application.processEvents()
    if not page.grab().save(str(file)):
        raise OSError(f"cannot write {file}")


def _show_first(page: "ModelsPage", scene: Scene) -> None:
    """List the models as they are listed on a machine with that memory where only the built-in one is here."""
    from desktop.catalog.catalog_file import read_catalog
    from desktop.library.hardware_fit import GpuMemory, HardwareLimits
    from desktop.library.recommendations import recommend_by_task
    from desktop.ui.models.fit_text import fit_labels

    gib = 1 << 30
    devices = (GpuMemory("GPU", scene.gpu * gib, scene.gpu * gib),) if scene.gpu else ()
    machine = HardwareLimits(scene.memory * gib, scene.memory * gib, devices, 8)
    catalog = read_catalog(TOP / "models.toml", text_folders=(TOP / "resources",)).catalog
    cards = cards_for(scene)
    choices = {each.model_id: each for each in recommend_by_task(catalog, machine)}
    page.show_cards(cards, "latchkey-guide", notes=fit_labels(cards, machine), choices=choices)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write pictures of the models page.")
    parser.add_argument("folder", nargs="?", type=Path, default=TOP / "build" / "screenshots")
    parser.add_argument("--only", default="", help="only pictures whose name holds this")
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    table = {scene.name: scene for scene in scenes()}
    if options.one:
        take(table[options.one], options.folder)
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    for scene in table.values():
        if options.only not in scene.name:
            continue
        file = options.folder / f"{scene.name}.png"
        # A process each: the scale cannot change while Qt runs.
        environment = {**os.environ, "QT_SCALE_FACTOR": str(scene.scale)}
        command = [sys.executable, __file__, str(file), "--one", scene.name]
        ended = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if ended.returncode:
            print(f"{scene.name}: failed\n{ended.stderr}", file=sys.stderr)
            return 1
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
