"""The switch at the top of the panel: for the chat, its folder, or the model."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.panel.panel_values import PanelScope, scope_name
from desktop.ui.parts.button import Button
from desktop.ui.parts.untrusted_text import set_tool_tip
from desktop.ui.theme.design_tokens import XS
from desktop.ui.theme.theme import Theme

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class ScopeSwitch(QWidget):
    """`chosen` carries the place that is to be shown. The arrow keys go from one to the next."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("What the panel is for"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(XS)
        self.buttons: dict[PanelScope, Button] = {}
        scopes: tuple[PanelScope, ...] = ("chat", "folder", "model")
        for scope in scopes:
            button = Button(theme, scope_name(scope), kind="row")
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, chosen=scope: self._choose(chosen))
            row.addWidget(button)
            self.buttons[scope] = button

    def show_scopes(self, scopes: tuple[PanelScope, ...], shown: PanelScope, names: dict[PanelScope, str]) -> None:
        """Offer `scopes`, with `shown` as the one that is shown; `names` are those of the folder and the model."""
        for scope, button in self.buttons.items():
            button.setVisible(scope in scopes)
            button.setChecked(scope == shown)
            button.setAccessibleDescription(names.get(scope, ""))
            set_tool_tip(button, names.get(scope, ""))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        shown = [scope for scope, button in self.buttons.items() if not button.isHidden()]
        here = next((at for at, scope in enumerate(shown) if self.buttons[scope].hasFocus()), None)
        if step is None or here is None:
            super().keyPressEvent(event)
            return
        target = shown[(here + step) % len(shown)]
        self.buttons[target].setFocus(Qt.FocusReason.OtherFocusReason)
        self._choose(target)

    def _choose(self, scope: PanelScope) -> None:
        for each, button in self.buttons.items():
            button.setChecked(each == scope)
        self.chosen.emit(scope)
