"""One model at the right of the page: what it is built on, what stands before chatting with it, its files, facts."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QApplication, QLayout, QWidget

from desktop.translation import tr
from desktop.ui.models.lineage_tree import LineageTree
from desktop.ui.models.step_row import StepRow
from desktop.ui.models.steps import StepButton, steps_of
from desktop.ui.models.tables import facts_of, facts_table, files_table, terms_table
from desktop.ui.models.terms_said import beginning_said, terms_said
from desktop.ui.models.words import is_built_in, is_closed
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox, Note
from desktop.ui.parts.flow import Flow
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.page import Column, heading, title
from desktop.ui.theme.theme import Theme
from desktop.ui.theme.tokens import XS, M, S

if TYPE_CHECKING:
    from desktop.library.models import Card


class Detail(Column):
    """Shows one card. Its signals carry the model's id, and the license's where one is meant."""

    use_asked = Signal(str)
    license_asked = Signal(str, str)
    difference_asked = Signal(str, str)
    revoke_asked = Signal(str)
    import_asked = Signal()
    link_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Model"), 600, parent)
        self._theme = theme
        self._card: Card | None = None
        self._drawn: object = None
        self.steps: list[StepRow] = []
        self.tree: LineageTree | None = None
        self._buttons: list[Button] = []
        self.rows.setSpacing(S)

    @property
    def card(self) -> "Card | None":
        return self._card

    def show_card(self, card: "Card | None", *, in_use: bool) -> None:
        """Show `card`. Where it is the one shown already, what is seen and the focus stay where they are."""
        drawn = (_drawn_of(card), in_use) if card is not None else None
        if drawn == self._drawn:
            self._card = card
            return
        same = self._card is not None and card is not None and self._card.listed.subject.id == card.listed.subject.id
        focused = self._focused_name() if same else ""
        value = self.verticalScrollBar().value() if same else 0
        self.inside.hide()  # or each widget would be shown by an event of its own, later
        self._card, self._drawn = card, drawn
        self.clear()
        if card is not None:
            self._build(card, in_use=in_use)
            self.rows.addStretch(1)
        self.inside.show()
        self.rows.activate()
        self.verticalScrollBar().setValue(value)
        if value:
            QTimer.singleShot(0, self, lambda: self.verticalScrollBar().setValue(value))
        if focused:
            self._focus_named(focused)

    def show_widget(self, widget: QWidget) -> None:
        """Show something in place of a model."""
        self._card = self._drawn = None
        self.clear()
        self.rows.addWidget(widget)
        self.rows.addStretch(1)

    def clear(self) -> None:
        """Show nothing."""
        self.steps, self._buttons, self.tree = [], [], None
        _take_all(self.rows)

    @property
    def first_button(self) -> Button | None:
        """The button for what comes next: to chat, or the first step that is not done."""
        in_steps = [button for step in self.steps if step.step.progress != "done" for button in step.buttons]
        return next(iter([*self._buttons, *in_steps]), None)

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self, card: "Card", *, in_use: bool) -> None:
        theme, rows = self._theme, self.rows
        name = title(theme, breakable(card.listed.subject.name))
        name.setWordWrap(True)
        rows.addWidget(name)
        rows.addWidget(Label(theme, breakable(_summary(card)), size="reading", color="muted", wrap=True))
        self._add_uses(card, in_use=in_use)
        self._heading(tr("Built on"))
        self._add_lineage(card)
        self._add_steps(card)
        self._add_tables(card)

    def _heading(self, text: str) -> None:
        self.rows.addSpacing(M - XS)
        self.rows.addWidget(heading(self._theme, text))

    def _add_uses(self, card: "Card", *, in_use: bool) -> None:
        """Where all is done: to chat, and to take the acceptance back."""
        model_id = card.listed.subject.id
        flow = Flow(gap=S, line_gap=S)
        if card.listed.model is not None and card.verdict.allowed:
            if in_use:
                flow.add(Badge(self._theme, tr("Answers now"), "chosen"))
            else:
                use = Button(self._theme, tr("Chat with it"), kind="accent")
                use.clicked.connect(lambda: self.use_asked.emit(model_id))
                flow.add(use)
                self._buttons.append(use)
        if any(each.status == "in-force" for each in card.verdict.standings):
            revoke = Button(self._theme, tr("Revoke…"), name=tr("Revoke acceptance"))
            revoke.setToolTip(tr("Take back the acceptance of its licenses; the model is then unloaded."))
            revoke.clicked.connect(lambda: self.revoke_asked.emit(model_id))
            flow.add(revoke)
            self._buttons.append(revoke)
        if flow.widgets:
            self.rows.addSpacing(XS)
            self.rows.addWidget(flow)
        else:
            flow.deleteLater()

    def _add_lineage(self, card: "Card") -> None:
        theme, rows, lineage = self._theme, self.rows, card.listed.subject.lineage
        beginning = beginning_said(lineage)
        if beginning:
            rows.addWidget(Label(theme, breakable(beginning), color="muted", wrap=True))
        else:
            self.tree = LineageTree(theme, lineage)
            rows.addWidget(self.tree)
        for flag in lineage.flags:
            rows.addWidget(Note(theme, breakable(flag.sentence)))
        said = terms_said(lineage)
        if said is not None:
            rows.addWidget(Label(theme, breakable(said.sentence), size="small", color="muted", wrap=True))
            if said.lines:
                rows.addWidget(terms_table(theme, said.lines))
        elif not lineage.unknown:
            text = tr("No restriction on what it is used for is known in its license or in those of its ancestors.")
            rows.addWidget(Label(theme, text, size="small", color="muted", wrap=True))

    def _add_steps(self, card: "Card") -> None:
        steps = steps_of(card)
        error = card.verdict.error
        blocked = error if card.verdict.refusal not in ("", "license", "not-runnable") else None
        if is_closed(card) and card.listed.model is None:
            self._heading(tr("Closed"))
            text = tr(
                "Its weights were never published, so nobody can download it. It is listed because other models were "
                "trained on what it wrote, or are compared with it."
            )
            self.rows.addWidget(Label(self._theme, text, color="muted", wrap=True))
            return
        if card.listed.subject.not_runnable:
            self._heading(tr("Cannot run in Latchkey"))
            text = card.listed.subject.not_runnable
            self.rows.addWidget(Label(self._theme, breakable(text), color="muted", wrap=True))
        if not steps and blocked is None:
            return
        done = all(step.progress == "done" for step in steps) and blocked is None
        self._heading(tr("Accepted licenses") if done else tr("Before you can chat"))
        if blocked is not None:
            self.rows.addWidget(ErrorBox(self._theme, blocked))
        for number, step in enumerate(steps, 1):
            row = StepRow(self._theme, number, step, self._ask)
            self.rows.addSpacing(XS)
            self.rows.addWidget(row)
            self.steps.append(row)

    def _add_tables(self, card: "Card") -> None:
        theme, rows = self._theme, self.rows
        files = files_table(theme, card)
        if files is not None:
            self._heading(tr("Files"))
            rows.addWidget(files)
        self._heading(tr("Facts"))
        rows.addWidget(facts_table(theme, facts_of(card), self.link_asked.emit))
        entry = card.listed.entry
        if entry is not None and entry.unchecked:
            self._heading(tr("Could not be checked"))
            for sentence in entry.unchecked:
                rows.addWidget(Label(theme, f"·  {breakable(sentence)}", size="small", color="muted", wrap=True))

    # --- asking --------------------------------------------------------------------------------------------------

    def _ask(self, button: StepButton) -> None:
        assert self._card is not None
        model_id = self._card.listed.subject.id
        match button.act:
            case "license":
                self.license_asked.emit(model_id, button.of)
            case "difference":
                self.difference_asked.emit(model_id, button.of)
            case "link":
                self.link_asked.emit(button.of)
            case "import":
                self.import_asked.emit()

    def _focused_name(self) -> str:
        focus = QApplication.focusWidget()
        return focus.accessibleName() if focus is not None and self.isAncestorOf(focus) else ""

    def _focus_named(self, name: str) -> None:
        """Give the focus to what is called `name`, or to what comes next: not wherever Qt finds the next widget."""
        found = next((each for each in self.findChildren(QWidget) if each.accessibleName() == name), None)
        target = found if found is not None else self.first_button
        if target is not None:
            target.setFocus()


def _summary(card: "Card") -> str:
    if is_built_in(card):
        return tr("Came with Latchkey. It answers questions about Latchkey and knows nothing else.")
    if card.listed.entry is not None:
        return card.listed.entry.summary
    return tr("A model file on this computer that the catalog does not know.")


def _drawn_of(card: "Card") -> object:
    """Everything of a card that is drawn. Errors are compared by what they say."""
    verdict = card.verdict
    return card.listed, verdict.standings, verdict.refusal, str(verdict.error), verdict.purpose


def _take_all(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            _take_all(inner)
