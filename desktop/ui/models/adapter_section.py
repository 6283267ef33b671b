"""Adapters (LoRA) on top of one model, on its page: those that fit it, whether each may be used, and its scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.settings import AdapterSettings
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.flow_box import FlowBox
from desktop.ui.parts.label import Label, breakable
from desktop.ui.parts.setting_controls import NumberField
from desktop.ui.theme.design_tokens import XS, S
from desktop.ui.theme.theme import Theme

_LARGEST = 100  # as AdapterSettings


@dataclass(frozen=True)
class AdapterItem:
    """An adapter that fits the model shown. `state` says its licenses and where a person stands with it; `waits` that
    one of them is to be accepted before it is `usable`."""

    id: str
    path: str
    name: str
    state: str
    usable: bool
    waits: bool = False


class AdapterSection(QWidget):
    """`changed` carries what is set now, for `ModelSettings.adapters`; `license_asked` the id of an adapter."""

    changed = Signal(tuple)
    license_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._items: tuple[AdapterItem, ...] | None = None
        self._set: tuple[AdapterSettings, ...] = ()
        self.rows: dict[str, AdapterRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(S)
        self._column.addWidget(Label(theme, tr("Adapters (LoRA)")))
        sentence = tr("Small files that are put on top of the model. The scale multiplies what they change: 1 as made.")
        self._column.addWidget(Label(theme, sentence, size="small", color="muted", wrap=True))
        none = tr("No adapter for this model was imported: “latchkey models import PATH” takes one in.")
        self.none = Label(theme, none, size="small", color="muted", wrap=True)
        self.none.hide()
        self._column.addWidget(self.none)

    def show_items(self, items: Sequence[AdapterItem]) -> None:
        """The adapters that fit the model."""
        self._items = tuple(items)
        self._show()

    def show_set(self, adapters: tuple[AdapterSettings, ...]) -> None:
        """What is set for the model."""
        self._set = adapters
        self._show()

    def commit(self) -> None:
        """Take a scale that is being typed."""
        for row in tuple(self.rows.values()):
            if not row.scale.isHidden():
                row.scale.commit()

    def _show(self) -> None:
        if self._items is None:  # they are being looked for
            return
        known = {item.path: item for item in self._items}
        gone = [_gone(each.path) for each in self._set if each.path not in known]
        scales = {each.path: each.scale for each in self._set}
        items = (*self._items, *gone)
        for path in self.rows.keys() - {item.path for item in items}:
            row = self.rows.pop(path)
            row.hide()
            row.deleteLater()
        for item in items:
            if item.path not in self.rows:
                row = self.rows[item.path] = AdapterRow(self._theme, item.name)
                row.scale_chosen.connect(lambda scale, path=item.path: self._put(path, scale))
                row.removed.connect(lambda path=item.path: self._put(path, None))
                row.license_asked.connect(self.license_asked)
                self._column.addWidget(row)
            self.rows[item.path].show_item(item, scales.get(item.path))
        self.none.setVisible(not items)

    def _put(self, path: str, scale: float | None) -> None:
        """Set one adapter's scale, None to take it off; the others stay in their order."""
        if scale is None:
            self.changed.emit(tuple(each for each in self._set if each.path != path))
        elif any(each.path == path for each in self._set):
            new = AdapterSettings(path, scale)
            self.changed.emit(tuple(new if each.path == path else each for each in self._set))
        else:
            self.changed.emit((*self._set, AdapterSettings(path, scale)))


class AdapterRow(QWidget):
    """One adapter: on the model with its scale, or to be added. `scale_chosen` carries a number."""

    scale_chosen = Signal(float)
    removed = Signal()
    license_asked = Signal(str)

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._item: AdapterItem | None = None
        self.state = Label(theme, "", size="small", color="muted", wrap=True)
        named = tr("Scale of the adapter {name}").format(name=name)
        self.scale = NumberField(theme, named, -_LARGEST, _LARGEST, 1.0, whole=False, automatic="1")
        self.scale.committed.connect(lambda value: self.scale_chosen.emit(1.0 if value is None else value))
        self.scale.refused.connect(lambda text: self.state.setText(breakable(text)))
        self.add = Button(theme, tr("Add"), name=tr("Add the adapter {name}").format(name=name))
        self.add.clicked.connect(self._add)
        self.remove = Button(theme, tr("Remove"), name=tr("Remove the adapter {name}").format(name=name))
        self.remove.clicked.connect(self._remove)
        self.license = Button(theme, tr("License…"), name=tr("License of the adapter {name}").format(name=name))
        self.license.clicked.connect(lambda: self._item and self.license_asked.emit(self._item.id))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(XS)
        column.addWidget(Label(theme, breakable(name), wrap=True))
        column.addWidget(self.state)
        flow = FlowBox(gap=S, line_gap=S)
        for widget in (self.scale, self.add, self.remove, self.license):
            flow.add(widget)
        column.addWidget(flow)

    def show_item(self, item: AdapterItem, scale: float | None) -> None:
        """Show how it stands; `scale` is None for one that is not on the model. What is being typed stays."""
        self._item = item
        self.state.setText(breakable(item.state))
        if scale is not None and not (self.scale.hasFocus() and self.scale.isModified()):
            self.scale.set_value(scale)
        self.scale.setVisible(scale is not None)
        self.remove.setVisible(scale is not None)
        self.add.setVisible(scale is None and item.usable)
        self.license.setVisible(item.waits)

    def _add(self) -> None:
        self.scale_chosen.emit(1.0)
        if not self.scale.isHidden():
            self.scale.setFocus(Qt.FocusReason.OtherFocusReason)  # the button went

    def _remove(self) -> None:
        self.removed.emit()
        if not self.add.isHidden():
            self.add.setFocus(Qt.FocusReason.OtherFocusReason)


def _gone(path: str) -> AdapterItem:
    state = tr("It is set, but is no adapter for this model on this computer: the model does not load with it.")
    return AdapterItem("", path, Path(path).name, state, usable=False)
