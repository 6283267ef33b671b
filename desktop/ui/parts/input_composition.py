"""Commits an input method's preedit text before a button, shortcut or focus change uses the field's text.

A syllable of Korean or a word of Japanese stands in the field while it is composed, and is no part of its text until
the input method commits it. A press on "Send", a shortcut or the focus going elsewhere does not make it commit on every
platform: the last syllable would be left out of what is sent, or recorded.
"""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

_LATE_MS = 500
"""How long an input method on the other side of a message bus may take to deliver what was taken here already."""

_ACTING = (QEvent.Type.MouseButtonPress, QEvent.Type.Close, QEvent.Type.Drop)
_LEAVING = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
_MODIFIERS = (Qt.Key.Key_Control, Qt.Key.Key_Meta, Qt.Key.Key_Alt, Qt.Key.Key_Shift, Qt.Key.Key_AltGr)


def finish_composition() -> None:
    """End the composition in the field that has the focus, where there is one: its text is about to be read."""
    composition = getattr(QApplication.focusWidget(), "composition", None)
    if isinstance(composition, InputComposition):
        composition.finish()


class InputComposition(QObject):
    """The composition in `field`. While there is one, every event of the application is looked at before its receiver.

    It ends, and its text stays, when the focus leaves the field, the mouse is pressed on any widget, a shortcut acts, a
    key with Ctrl arrives, something is dropped, or the window is closed.
    """

    changed = Signal()

    def __init__(self, field: QWidget) -> None:
        super().__init__(field)
        self._field = field
        self._late = ""
        self._watching = False
        self.text = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LATE_MS)
        self._timer.timeout.connect(self._expect_nothing)

    def update_from_event(self, event: QInputMethodEvent) -> None:
        """The field has taken `event`."""
        if event.preeditString() != self.text:
            self.text = event.preeditString()
            self._watch()
            self.changed.emit()

    def finish(self) -> None:
        """Make what is composed the field's text now; nothing where nothing is composed."""
        text = self.text
        if text and QApplication.focusWidget() is self._field:
            QGuiApplication.inputMethod().commit()
        if self.text:
            self._take()
        elif text:
            self._expect(text)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QInputMethodEvent):
            return self._is_late(event)
        if not self.text:
            return False
        if kind == QEvent.Type.FocusOut and watched is self._field:
            self._take()  # from now on the input method would commit to where the focus went
        elif (
            (kind in _ACTING and isinstance(watched, QWidget))
            or kind == QEvent.Type.Shortcut
            or (isinstance(event, QKeyEvent) and self._acts(watched, event))
        ):
            self.finish()
        return False

    def _acts(self, watched: QObject, event: QKeyEvent) -> bool:
        if event.type() != QEvent.Type.KeyPress or watched is not self._field or event.key() in _MODIFIERS:
            return False
        held = event.modifiers()
        control = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier
        return event.key() in _LEAVING or bool(held & control and not held & Qt.KeyboardModifier.AltModifier)

    def _take(self) -> None:
        """Commit in the input method's place, and have it forget what it holds."""
        text = self.text
        event = QInputMethodEvent("", [])
        event.setCommitString(text)
        QCoreApplication.sendEvent(self._field, event)
        self._expect(text)
        QGuiApplication.inputMethod().reset()

    def _expect(self, text: str) -> None:
        self._late = text
        self._timer.start()
        self._watch()

    def _is_late(self, event: QInputMethodEvent) -> bool:
        """Whether `event` delivers, to whatever widget, what is part of the text already."""
        if event.preeditString():
            self._expect_nothing()
        elif self._late and event.commitString() == self._late:
            self._expect_nothing()
            return True
        return False

    def _expect_nothing(self) -> None:
        self._late = ""
        self._timer.stop()
        self._watch()

    def _watch(self) -> None:
        application, needed = QCoreApplication.instance(), bool(self.text or self._late)
        if application is not None and needed != self._watching:
            self._watching = needed
            if needed:
                application.installEventFilter(self)
            else:
                application.removeEventFilter(self)
