"""The scenes of documents for `screenshots`: collections of files made on the spot, read by the real reader."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Stage

    from desktop.ui.documents.documents_page import DocumentsPage

_TOP = Path(__file__).resolve().parents[1]
_CLAUSES = (
    ("Parties and flat", "The flat lies on the third floor, at the left, and has two rooms, a kitchen and a bath."),
    ("Term", "The lease begins on 1 May 2026. Either side may end it with three months' notice."),
    ("Rent", "The rent is 840 euros a month, to be paid by the third working day."),
    ("Heating and other costs", "The tenant pays for heating by what the meters show. The landlord pays for the roof."),
    ("Repairs", "The tenant reports damage at once. Small repairs up to 90 euros each are the tenant's."),
    (
        "Animals",
        "Small animals may be kept. Dogs need the landlord's consent, which may not be withheld for no reason.",
    ),
)
_NOTES = 240


def _lease(file: Path) -> None:
    """A PDF of some pages, with the clauses of a lease."""
    from PySide6.QtGui import QPageSize, QPdfWriter, QTextDocument

    document = QTextDocument()
    pages = []
    for number in range(1, 30):
        title, clause = _CLAUSES[(number - 1) % len(_CLAUSES)]
        more = " ".join(f"({part}) {clause}" for part in "abc")
        pages.append(f"§ {number} {title}\n\n{clause}\n\n{more}")
    writer = QPdfWriter(str(file))
    writer.setPageSize(QPageSize(QPageSize.PageSizeId.A5))
    from PySide6.QtGui import QPainter

    painter = QPainter(writer)
    for number, text in enumerate(pages):
        if number:
            writer.newPage()
        document.setPlainText(text)
        document.documentLayout().setPaintDevice(writer)
        document.setTextWidth(writer.width())
        document.drawContents(painter)
    painter.end()


def _papers() -> dict[str, list[Path]]:
    """Files for three collections, beside the home of the scene."""
    from tests.fakes.document_files import pdf

    folder = Path(os.environ["LATCHKEY_HOME"]) / "papers"
    licenses, notebooks, flat = folder / "Licenses", folder / "Lab notebooks", folder / "Flat"
    for each in (licenses, notebooks, flat):
        each.mkdir(parents=True)
    for name in ("apache-2.0.txt", "cc-by-nc-4.0.txt", "bigscience-openrail-m.txt"):
        shutil.copy(_TOP / "resources" / "licenses" / name, licenses / name)
    for number in range(_NOTES):
        text = f"Day {number}\n\nThe sample of batch {number % 17} was heated to {20 + number % 60} degrees.\n" * 30
        (notebooks / f"2025-{1 + number // 28:02}-{1 + number % 28:02}.md").write_text(text, encoding="utf-8")
    _lease(flat / "lease-2026.pdf")
    (flat / "side-letter.pdf").write_bytes(pdf(["The cellar belongs to the flat."], password="sesame"))
    return {
        "Gates and licenses": [licenses],
        "Lab notebooks": [notebooks],
        "Lease": [flat / "lease-2026.pdf", flat / "side-letter.pdf"],
    }


def _page(stage: "Stage") -> "DocumentsPage":
    stage.window.show_page("documents")
    return stage.window.pages.documents


def empty(stage: "Stage") -> None:
    _page(stage)
    stage.settle()


def _filled(stage: "Stage") -> "DocumentsPage":
    page = _page(stage)
    service = stage.backend.documents.shared.collections()
    papers = _papers()
    for name, paths in papers.items():
        service.create(name)
        if name == "Lab notebooks":
            continue
        service.add(name, paths)
    stage.wait(lambda: all(each.state == "ready" for each in service.collections()))
    service.add("Lab notebooks", papers["Lab notebooks"])
    half = 0.55
    stage.wait(lambda: any(each.state == "indexing" and each.fraction > half for each in service.collections()))
    service.pause("Lab notebooks")
    stage.wait(lambda: len(page.collections.table.rows.collections) == len(papers))
    page.collections.choose("Lease")
    stage.wait(lambda: len(page.collections.files.rows.files) == 2)
    stage.wait(lambda: page.collections.table.rows.collections[1].state == "paused")
    page.collections.table.setFocus()
    stage.settle()
    return page


def collections(stage: "Stage") -> None:
    _filled(stage)


def password(stage: "Stage") -> None:
    page = _filled(stage)
    files = page.collections.files
    files.choose_row(0)
    assert files.file is not None
    page.collections.password_entry.ask(files.file.id, files.file.name)
    page.collections.share_height()
    stage.settle()


def search(stage: "Stage") -> None:
    page = _filled(stage)
    page.search.setText("who pays for heating")
    stage.wait(lambda: bool(page.results.rows.found))
    stage.settle()


def passage(stage: "Stage") -> None:
    search(stage)
    page = stage.window.pages.documents
    page.passage_opened.emit(0)
    stage.wait(page.viewer.isVisible)
    stage.settle()


def settings(stage: "Stage") -> None:
    stage.backend.settings.open_documents()
    stage.settle()


def guide(stage: "Stage") -> None:
    _page(stage).show_guide()
    stage.settle()
