"""Looks which model to propose to a person who has none but the built-in one, and shows it on the empty page."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from desktop.background import Background

if TYPE_CHECKING:
    from desktop.library.assembly import Assembly
    from desktop.library.suggestion import Suggestion
    from desktop.ui.licenses.choice import ModelChoice
    from desktop.ui.window import MainWindow


class SuggestionFlow(QObject):
    """Between the empty page of `window` and `assembly`. Nothing is looked for before `choice` has judged the models
    that are here, and nothing is asked of anybody."""

    def __init__(
        self, window: "MainWindow", background: Background, assembly: "Assembly", choice: "ModelChoice"
    ) -> None:
        super().__init__()
        self._window, self._background, self._assembly, self._choice = window, background, assembly, choice
        self._looks = 0
        self._closed = False
        choice.judged.connect(self._look)
        for changed in (window.settings_changed, window.activated, window.pages.page_shown):
            changed.connect(lambda *_: self._look())

    def close(self) -> None:
        """Show nothing any more."""
        self._closed = True

    def _look(self) -> None:
        if self._closed or self._choice.model is None:
            return
        self._looks += 1
        mine = self._looks

        def show(suggestion: "Suggestion | None") -> None:
            if mine == self._looks and not self._closed:
                self._window.chat_page.empty.show_suggestion(suggestion)

        self._background.pool(self._assembly.getting.suggestion, show, lambda _: show(None))
