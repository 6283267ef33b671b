"""Above the conversation: which model answers, under which terms, how far it is loaded; the conversation's menu."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.label import Badge, Label, Tone, badge_size
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.page import PageBar
from desktop.ui.parts.place_text import away_badge
from desktop.ui.parts.terms_text import SEVERE, license_label, restrictions_badge
from desktop.ui.parts.untrusted_text import add_entry, set_tool_tip
from desktop.ui.theme.design_tokens import COLUMN, S
from desktop.ui.theme.theme import Theme

if TYPE_CHECKING:
    from desktop.library.library_model import LibraryModel

_GAP = S + 2


class TermsBadges(QWidget):
    """What rules a purpose out, other restrictions (the license where there are none), whether it is a part of
    Latchkey, and the declared purpose."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restrictions: tuple[str, ...] = ()
        self._license_text = self._part_text = self._purpose_text = self._away_text = ""
        self._severe, self._others = Badge(theme, "", "bad", self), Badge(theme, "", "warn", self)
        self._license, self._purpose = Badge(theme, "", "quiet", self), Badge(theme, "", "quiet", self)
        self._part, self._away = Badge(theme, "", "quiet", self), Badge(theme, "", "warn", self)
        self._badges = (self._away, self._severe, self._others, self._license, self._part, self._purpose)
        for badge in self._badges:
            badge.hide()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._changed)

    def show_terms(
        self, license_id: str, restrictions: tuple[str, ...], *, part: bool = False, away: bool = False
    ) -> None:
        """Show the license and the effective restrictions of a model; "" and () for none. `part`: it is a part of
        Latchkey; `away`: it is not on this machine."""
        self._restrictions = restrictions
        self._license_text = license_label(license_id) if license_id else ""
        self._part_text = tr("Part of Latchkey") if part else ""
        self._away_text = away_badge() if away else ""
        self._changed()

    def show_purpose(self, purpose: str) -> None:
        """Show for what the model's use was declared, as people read it."""
        self._purpose_text = purpose
        self._changed()

    def sizeHint(self) -> QSize:
        return QSize(self._width(self._words(apart=True)), self._severe.sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        least = self._severe.fontMetrics().averageCharWidth() * 8 if self._words(apart=False) else 0
        return QSize(least, self._severe.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _changed(self) -> None:
        self.updateGeometry()
        self._arrange()

    def _words(self, *, apart: bool) -> list[tuple[Badge, str, Tone]]:
        """What each badge that is shown says."""
        severe = tuple(each for each in self._restrictions if each in SEVERE)
        others = tuple(each for each in self._restrictions if each not in SEVERE)
        if not apart and severe:
            severe, others = self._restrictions, ()
        license_text = "" if self._restrictions else self._license_text
        words: tuple[tuple[Badge, str, Tone], ...] = (
            (self._away, self._away_text, "warn"),
            (self._severe, *restrictions_badge(severe)),
            (self._others, *restrictions_badge(others)),
            (self._license, license_text, "quiet"),
            (self._part, self._part_text, "quiet"),
            (self._purpose, self._purpose_text, "quiet"),
        )
        return [each for each in words if each[1]]

    def _width(self, words: Sequence[tuple[Badge, str, Tone]]) -> int:
        widths = [badge_size(badge.fontMetrics(), text).width() for badge, text, _ in words]
        return sum(widths) + _GAP * max(len(widths) - 1, 0)

    def _arrange(self) -> None:
        """Where they have no room apart, one badge names all restrictions, and is cut: the purpose stays whole. Where
        that is too much still, the last words to go are those that restrict."""
        words = self._words(apart=self.width() >= self.sizeHint().width())
        for badge, text, tone in words:
            badge.set(text, tone)
        for given_up in (self._part, self._license, self._purpose, self._others):
            first = words[0][0] if words else given_up
            over = self._width(words) - first.sizeHint().width() + first.minimumSizeHint().width() > self.width()
            if over and len(words) > 1:
                words = [each for each in words if each[0] is not given_up]
        left = max(self._width(words) - self.width(), 0)
        x = 0
        for place, (badge, _, _) in enumerate(words):
            width = badge.sizeHint().width()
            if place == 0:
                width = max(width - left, badge.minimumSizeHint().width())
            badge.setGeometry(x, 0, width, badge.sizeHint().height())
            x += width + _GAP
        shown = [badge for badge, _, _ in words]
        for badge in self._badges:
            badge.setVisible(badge in shown)
        self._purpose.setAccessibleName(tr("Purpose: {purpose}").format(purpose=self._purpose_text))


class ChatTopBar(PageBar):
    """The conversation page's strip. `model_chosen` carries a model's id."""

    model_chosen = Signal(str)
    models_asked = Signal()
    compare_asked = Signal()

    def __init__(self, theme: Theme, fill_menu: Callable[[QMenu], None], parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._models: list[LibraryModel] = []
        self._model: LibraryModel | None = None
        self._fill_menu = fill_menu
        self.model_button = Button(theme, tr("Choose a model"), menu_arrow=True, name=tr("Model"))
        self.model_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.model_button.clicked.connect(self._open_models)
        self.compare_button = Button(theme, icon="compare", name=tr("Compare"))
        set_tool_tip(self.compare_button, tr("Compare two models or settings"))
        self.compare_button.clicked.connect(self.compare_asked)
        self._waiting: Mapping[str, str] = {}
        self._terms = TermsBadges(theme)
        self._state = Label(theme, "", color="faint")
        self.panel_button = Button(theme, icon="panel", name=tr("Panel"))
        self.show_panel_open(False)
        self.menu_button = Button(theme, icon="more", name=tr("Conversation menu"))
        self.menu_button.clicked.connect(self._open_menu)
        self.row.addWidget(self.model_button)
        self.row.addWidget(self.compare_button)
        self.row.addWidget(self._terms)
        self.row.addWidget(self._state)
        self.row.addStretch(1)
        self.row.addWidget(self.panel_button)
        self.row.addWidget(self.menu_button)

    @property
    def model(self) -> "LibraryModel | None":
        return self._model

    @property
    def model_in_use(self) -> tuple[str, str] | None:
        """The id and the name of the model that answers; None where there is none."""
        return (self._model.id, self._model.name) if self._model is not None else None

    def show_models(self, models: "list[LibraryModel]") -> None:
        """What the picker offers."""
        self._models = models

    def show_model(self, model: "LibraryModel | None", name: str = "") -> None:
        """Show which model answers."""
        self._model = model
        self.model_button.setText(model.name if model is not None else name or tr("Choose a model"))
        self.model_button.set_detail(model.quantization if model is not None else "")
        self.model_button.setAccessibleDescription(self.model_button.text())
        if model is not None:
            self._terms.show_terms(
                model.license, model.restrictions, part=model.built_in, away=model.served is not None
            )
        else:
            self._terms.show_terms("", ())
        self._fit()

    def show_purpose(self, purpose: str) -> None:
        """Show for what the model's use was declared ("Research"); "" where nothing was declared."""
        self._terms.show_purpose(purpose)
        self._fit()

    def show_blocked(self, waiting: Mapping[str, str]) -> None:
        """Mark models in the picker: what stands in the way of each, by its id."""
        self._waiting = waiting

    def show_loading(self, fraction: float | None, text: str = "") -> None:
        """Show how far the model is loaded; None where nothing is loading. `text` is said beside it."""
        self.progress = fraction
        self._state.setText(self._state.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, 6 * COLUMN // 10))
        set_tool_tip(self._state, text)
        self._fit()
        self.update()

    def show_panel_open(self, shown: bool) -> None:
        """The panel at the right is shown, or not."""
        self.panel_button.setAccessibleDescription(tr("Hide the panel") if shown else tr("Show the panel"))
        set_tool_tip(self.panel_button, tr("Settings of this chat"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The badges give way before the model's name does."""
        margins, gaps = self.row.contentsMargins(), self.row.spacing() * (self.row.count() - 1)
        others = [self._state, self.compare_button, self.panel_button, self.menu_button]
        others += [each for each in (self.sidebar_button,) if not each.isHidden()]
        room = self.width() - margins.left() - margins.right() - gaps - sum(each.sizeHint().width() for each in others)
        name = min(self.model_button.sizeHint().width(), room * 3 // 5)
        self._terms.setMaximumWidth(max(room - name, self._terms.minimumSizeHint().width()))

    def _open_models(self) -> None:
        menu = make_menu(self.theme, self)
        for model in self._models:
            action = add_entry(menu, self._entry(model))
            action.setCheckable(True)
            action.setChecked(self._model is not None and model.id == self._model.id)
            action.triggered.connect(lambda _=False, chosen=model.id: self.model_chosen.emit(chosen))
        menu.addSeparator()
        menu.addAction(tr("Models…"), self.models_asked.emit)
        menu.popup(self.model_button.mapToGlobal(self.model_button.rect().bottomLeft()))

    def _entry(self, model: "LibraryModel") -> str:
        """A model in the picker. Names come from files: a long one is cut."""
        metrics = self.fontMetrics()
        name = metrics.elidedText(model.name, Qt.TextElideMode.ElideRight, COLUMN // 2)
        waits = self._waiting.get(model.id, "")
        away = away_badge() if model.served is not None else ""
        parts = [name, model.quantization, away, f"({waits})" if waits else ""]
        return "   ".join(part for part in parts if part)

    def _open_menu(self) -> None:
        menu = make_menu(self.theme, self)
        self._fill_menu(menu)
        corner = self.menu_button.mapToGlobal(self.menu_button.rect().bottomRight())
        corner.setX(corner.x() - menu.sizeHint().width())
        menu.popup(corner)
