"""The sources of one answer: its citations are looked for once it is over, drawn in its text, and listed under it."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from desktop.conversation import Message, PassagePart
from desktop.ui.chat.answer_content import AnswerContent
from desktop.ui.chat.citation_marks import source_of_link
from desktop.ui.chat.cited_sources import cited_sources, sources_not_cited
from desktop.ui.chat.message_documents import MessageDocuments
from desktop.ui.chat.source_list import SourceList
from desktop.ui.parts.button import Button

if TYPE_CHECKING:
    from desktop.chat.citations import Citation
    from desktop.ui.theme.theme import Theme

_MAY_CITE = re.compile(r"[\[【［]\s*\d")


def passages_in(message: Message) -> tuple[PassagePart, ...]:
    """The passages that stand in a message."""
    return tuple(part for part in message.parts if isinstance(part, PassagePart))


class AnswerSources(QObject):
    """`before` gives the passages of the turns before the answer with this `content`. `changed`: the list takes another
    height; `grown` where that came by itself. `link_clicked` carries a link of the answer that leads to no source."""

    changed = Signal()
    grown = Signal()
    link_clicked = Signal(str)

    def __init__(
        self,
        theme: "Theme",
        content: AnswerContent,
        documents: MessageDocuments | None,
        before: Callable[[], Sequence[PassagePart]],
    ) -> None:
        super().__init__(content)
        self._theme, self._content, self._documents, self._before = theme, content, documents, before
        self._focus = Qt.FocusPolicy.NoFocus
        self._to_unfold: Sequence[str] = ()
        self.list: SourceList | None = None
        content.link_clicked.connect(self._open_link)

    @property
    def buttons(self) -> list[Button]:
        """The buttons of the list."""
        return self.list.buttons if self.list is not None else []

    def unfolded(self) -> tuple[str, ...]:
        """The names of what is unfolded in the list, or will be once it is there."""
        return self.list.unfolded() if self.list is not None else tuple(self._to_unfold)

    def unfold(self, names: Sequence[str]) -> None:
        """Unfold what `unfolded` named, as soon as there is a list."""
        self._to_unfold = [name for name in names if name in ("sources", "given")]
        if self.list is not None and self._to_unfold:
            self.list.unfold(self._to_unfold)

    def find(self, message: Message) -> None:
        """The answer is over: look for its citations."""
        given = passages_in(message)
        may_cite = _MAY_CITE.search(message.text) is not None
        if self._documents is not None and (given or may_cite):
            passages = (*self._before(), *given)
            if passages:
                self._documents.find_citations(message.text, passages, lambda found: self._show(found, given))

    def set_button_focus(self, policy: Qt.FocusPolicy) -> None:
        """The focus policy of the list's buttons."""
        self._focus = policy
        if self.list is not None:
            self.list.set_button_focus(policy)

    def _show(self, citations: "Sequence[Citation]", given: Sequence[PassagePart]) -> None:
        if not isValid(self):
            return
        self._content.set_citations(citations)
        if (cited := cited_sources(citations)) or given:
            shown = self._made()
            shown.show_sources(cited, sources_not_cited(citations, given))
            if self._to_unfold:
                shown.unfold(self._to_unfold)
                self._to_unfold = ()
        self.grown.emit()

    def _made(self) -> SourceList:
        if self.list is None:
            self.list = SourceList(self._theme, self._content.turn)
            self.list.set_button_focus(self._focus)
            self.list.resized.connect(self.changed)
            if self._documents is not None:
                self.list.opened.connect(self._documents.show_source)
            self.list.show()
        return self.list

    def _open_link(self, link: str) -> None:
        number = source_of_link(link)
        if number is None:
            self.link_clicked.emit(link)
        elif self.list is not None:
            self.list.choose(number)
