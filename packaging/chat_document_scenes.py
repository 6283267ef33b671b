"""Scenes of a chat about documents for `screenshots`: files attached, an answer with its sources, one of them read."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from screenshots import Stage

_PAGES = (
    "Chapter 1. Gates of language models\n\nA gate asks who wants the weights, and what for. It closes nothing: it "
    "keeps a record of who came in.",
    "Chapter 2. Revoking access\n\nPublishers may withdraw access at any time; files already downloaded are not "
    "affected. Copies already made stay where they are.",
    "Chapter 3. What a client can do\n\nA client can stop loading a model whose terms were withdrawn. The record of "
    "who accepted what is the missing half of a gate.",
)
CITED_ANSWER = """\
Publishers may withdraw access at any time, and files already downloaded are not affected [2]. Copies already made \
stay where they are [2].

A client can stop loading a model whose terms were withdrawn [3]: the record of who accepted what is “the missing \
half of a gate” [3]. Most weights are kept by elephants [1], as the last chapter says [7].
"""
_QUESTION = "What does the survey say about revoking access?"


def _files() -> list[Path]:
    """A PDF, a text, a picture, and a locked file, beside the home of the scene."""
    from PySide6.QtGui import QColor, QImage

    from tests.fakes.document_files import pdf

    folder = Path(os.environ["LATCHKEY_HOME"]) / "given"
    folder.mkdir(parents=True)
    survey = folder / "gates-survey.pdf"
    survey.write_bytes(pdf(_PAGES))
    notes = folder / "notes of the reading group on gates and licenses, second version (copy).md"
    notes.write_text("# Notes\n\n" + "A gate closes nothing. " * 900, encoding="utf-8")
    picture = folder / "whiteboard.png"
    image = QImage(1920, 1080, QImage.Format.Format_RGB32)
    image.fill(QColor("#7d9bb5"))
    image.save(str(picture))
    locked = folder / "contract.pdf"
    locked.write_bytes(pdf(("Nobody reads this.",), password="secret"))
    return [survey, notes, picture, locked]


def _attach(stage: "Stage", paths: list[Path]) -> None:
    composer = stage.window.chat_page.composer
    stage.backend.files.attachments.add_files(paths)
    stage.wait(
        lambda: bool(composer.attachments.items) and all(each.state != "reading" for each in composer.attachments.items)
    )
    stage.settle()


def attached(stage: "Stage") -> None:
    _attach(stage, _files())
    stage.window.chat_page.composer.set_text(_QUESTION)
    stage.settle()


def cited(stage: "Stage") -> None:
    _attach(stage, _files()[:1])
    stage.ask(_QUESTION)
    stage.settle()


def source(stage: "Stage") -> None:
    from desktop.ui.chat.source_row import SourceRow

    cited(stage)
    stage.window.chat_page.transcript.findChildren(SourceRow)[0].click()
    stage.settle()
    stage.settle()


def asked(stage: "Stage") -> None:
    """What a folder dropped on the chat is meant for."""
    folder = _files()[0].parent
    attachments = stage.backend.files.attachments
    attachments.drops.take([folder], stage.window.chat_page.files_key)
    stage.settle()
    stage.settle()
