"""The presets in the panel: which one a place names, and keeping, renaming and deleting a person's own."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.chat.preset_file import Preset
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.line_edit import Field
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.setting_controls import ChoiceButton
from desktop.ui.parts.shortcut_override import overrides_escape
from desktop.ui.parts.untrusted_text import isolated
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_LONGEST = 60


class NameField(Field):
    """A field for a name. Escape gives up, and does nothing else in the window."""

    given_up = Signal()

    def event(self, event: QEvent) -> bool:
        return overrides_escape(event) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class PresetSection(QWidget):
    """`chosen` carries the name of a preset, or None; `save_asked` a new name for what counts now, `rename_asked` and
    `delete_asked` the preset that is named, `switch_asked` the model that it is for."""

    chosen = Signal(object)
    save_asked = Signal(str)
    rename_asked = Signal(str, str)
    delete_asked = Signal(str)
    switch_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name: str | None = None
        self._own: frozenset[str] = frozenset()
        self._renamed = ""
        self._model = ""
        self.choice = ChoiceButton(theme, tr("Preset"), ((None, tr("None")),), None)
        self.choice.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.choice.chosen.connect(self.chosen)
        self.more = Button(theme, icon="more", name=tr("More about presets"))
        self.more.clicked.connect(self._open_menu)
        self.field = NameField(theme, tr("Name of the preset"))
        self.field.setMaxLength(_LONGEST)
        self.field.returnPressed.connect(self._commit)
        self.field.given_up.connect(self._give_up)
        self.keep = Button(theme, tr("Save"), name=tr("Save the preset"))
        self.keep.clicked.connect(self._commit)
        self.drop = Button(theme, tr("Cancel"), name=tr("Do not save the preset"))
        self.drop.clicked.connect(self._give_up)
        self.sentence = Label(theme, "", size="small", color="muted", wrap=True)
        self.switch = Button(theme, tr("Switch to it"), size="small", name=tr("Switch to the model of the preset"))
        self.switch.clicked.connect(lambda: self.switch_asked.emit(self._model))
        self._build()

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(S)
        row.addWidget(self.choice)
        row.addStretch(1)
        row.addWidget(self.more)
        self._editor = QWidget()
        edits = QVBoxLayout(self._editor)
        edits.setContentsMargins(0, 0, 0, 0)
        edits.setSpacing(XS)
        edits.addWidget(self.field)
        buttons = QHBoxLayout()
        buttons.setSpacing(S)
        buttons.addWidget(self.keep)
        buttons.addWidget(self.drop)
        buttons.addStretch(1)
        edits.addLayout(buttons)
        self._editor.hide()
        self.switch.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addLayout(row)
        column.addWidget(self._editor)
        column.addWidget(self.sentence)
        column.addWidget(self.switch, 0, Qt.AlignmentFlag.AlignLeft)

    def show_presets(
        self, presets: dict[str, Preset], own: frozenset[str], chosen: str | None, *, missing: bool, model: str = ""
    ) -> None:
        """Offer `presets`, of which `own` are a person's, with `chosen` as the one named here; `model` is the one it is
        for, where another one is loaded."""
        self._name, self._own, self._model = chosen, own, model
        named = [(name, name) for name in presets]
        if chosen is not None and missing:
            named.append((chosen, tr("{name} (missing)").format(name=isolated(chosen))))
        self.choice.set_options(((None, tr("None")), *named), chosen)
        sentence = tr("A set of values under one name; what is set below comes before it.")
        if missing:
            sentence = tr("There is no preset of this name any more, so it says nothing.")
        if model:
            sentence = tr("It is for the model {model}; another one answers now.").format(model=isolated(model))
        self.sentence.setText(breakable(sentence))
        self.switch.setVisible(bool(model))

    @property
    def is_naming(self) -> bool:
        """Whether a name is being typed."""
        return not self._editor.isHidden()

    def _open_menu(self) -> None:
        menu = make_menu(self._theme, self)
        menu.addAction(tr("Save these values as a preset…"), lambda: self._begin("", ""))
        own = self._name is not None and self._name in self._own
        rename = menu.addAction(tr("Rename…"), lambda: self._begin(self._name or "", self._name or ""))
        delete = menu.addAction(tr("Delete"), lambda: self.delete_asked.emit(self._name or ""))
        for action in (rename, delete):
            action.setEnabled(own)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _begin(self, renamed: str, text: str) -> None:
        """Let a name be typed: for the preset `renamed`, or for a new one."""
        self._renamed = renamed
        self.field.setText(text)
        self._editor.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.field.selectAll()

    def _commit(self) -> None:
        name = self.field.text().strip()
        if not name:
            return
        if self._renamed:
            self.rename_asked.emit(self._renamed, name)
        else:
            self.save_asked.emit(name)

    def finish_naming(self) -> None:
        """The name was taken."""
        if self.is_naming:
            self.choice.setFocus(Qt.FocusReason.OtherFocusReason)
            self._editor.hide()

    def _give_up(self) -> None:
        self.finish_naming()
