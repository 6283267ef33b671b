"""One tool: what its server says of it, its arguments, whether it may be called, and a call by hand."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.translation import tr
from desktop.ui.parts.label import Badge, Label, breakable
from desktop.ui.parts.option_button import OptionButton
from desktop.ui.parts.page import ScrollColumn, page_title, section_heading
from desktop.ui.parts.paint import paint_box
from desktop.ui.theme.design_tokens import RADIUS, XS, L, M, S
from desktop.ui.theme.theme import Theme
from desktop.ui.tools.tool_trial import ToolTrial
from desktop.ui.tools.tool_words import tool_arguments, tool_note
from desktop.ui.tools.tools_page_values import ToolFacts

_WIDTH = 860


class _StrangersWords(QWidget):
    """A box around what a server says, which says so."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        says = tr("In the words of the server's maker. A model that is offered the tool reads them too.")
        self.text = Label(theme, "", wrap=True, selectable=True)
        self.arguments = QWidget()
        self._grid: QGridLayout | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(L, M, L, M)
        self._column.setSpacing(S)
        self._column.addWidget(Label(theme, says, size="small", color="muted", wrap=True))
        self._column.addWidget(self.text)
        self._column.addWidget(self.arguments)

    def show_tool(self, facts: ToolFacts) -> None:
        tool = facts.tool
        self.text.setText(breakable(tool.description) or tr("It says nothing."))
        if not facts.listed:
            self.text.setText(tr("What it does is said once its server runs."))
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, XS, 0, 0)
        grid.setHorizontalSpacing(L)
        grid.setVerticalSpacing(S)
        grid.setColumnStretch(2, 1)
        theme, top = self._theme, Qt.AlignmentFlag.AlignTop
        for row, each in enumerate(tool_arguments(tool)):
            needed = tr("{kind}, needed").format(kind=each.kind) if each.kind else tr("needed")
            grid.addWidget(Label(theme, breakable(each.name), bold=True, wrap=True), row, 0, top)
            kind = Label(theme, breakable(needed if each.required else each.kind), color="muted", wrap=True)
            grid.addWidget(kind, row, 1, top)
            grid.addWidget(Label(theme, breakable(each.said), wrap=True), row, 2, top)
        self._column.replaceWidget(self.arguments, holder)
        self.arguments.hide()
        self.arguments.deleteLater()
        self.arguments = holder
        holder.setVisible(grid.count() > 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme = self._theme
        paint_box(QPainter(self), QRectF(self.rect()), theme.color("soft"), None, RADIUS)


class ToolView(ScrollColumn):
    """`standing_asked` carries what is decided for the tool: "ask", "always" or "never"."""

    standing_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Tool"), _WIDTH, parent)
        self.facts: ToolFacts | None = None
        self._title = page_title(theme, "")
        self._title.setWordWrap(True)
        self._badge = Badge(theme, "")
        self._words = _StrangersWords(theme)
        self.choices = {
            "ask": OptionButton(
                theme, tr("Ask every time"), tr("You see the arguments before each call, and can change or deny it.")
            ),
            "always": OptionButton(theme, tr("Always"), ""),
            "never": OptionButton(theme, tr("Never"), tr("It is not called, whoever asks for it.")),
        }
        self.trial = ToolTrial(theme)
        self._build(theme)
        for key, button in self.choices.items():
            button.clicked.connect(lambda _=False, wanted=key: self.standing_asked.emit(wanted))

    def _build(self, theme: Theme) -> None:
        head = QHBoxLayout()
        head.setSpacing(M)
        head.addWidget(self._title)
        head.addWidget(self._badge)
        head.addStretch(1)
        choices = QVBoxLayout()
        choices.setSpacing(XS)
        choices.addWidget(section_heading(theme, tr("When a model wants to call it")))
        choices.addSpacing(XS)
        for button in self.choices.values():
            choices.addWidget(button)
        rows = self.rows
        rows.setSpacing(L)
        rows.addLayout(head)
        rows.addWidget(self._words)
        rows.addLayout(choices)
        rows.addWidget(self.trial)
        rows.addStretch(1)

    def show_tool(self, facts: ToolFacts, *, network: bool) -> None:
        """Show a tool. `network`: its server has the network, so that what it is given can leave this computer."""
        if facts == self.facts:
            self.trial.show_tool(facts)
            return
        self.facts = facts
        tool = facts.tool
        titled = f"{tool.title} ({tool.name})" if tool.title and tool.title != tool.name else tool.name
        self._title.setText(breakable(titled))
        note = tool_note(facts)
        self._badge.setVisible(note is not None)
        if note is not None:
            self._badge.set(*note)
        self._words.show_tool(facts)
        always = tr(
            "It is called without a question, with whatever arguments a model writes, as long as its server says the "
            "same of it."
        )
        if network:
            always = f"{always} {tr('Its server has the network: what is in your chat can leave this computer by it.')}"
        self.choices["always"].set_description(always)
        self.choices["always"].setEnabled(facts.listed and not facts.tool.problem)
        chosen = "ask" if facts.standing == "changed" else facts.standing
        for key, button in self.choices.items():
            button.setChecked(key == chosen)
        self.trial.show_tool(facts)

    def panes(self) -> list[QWidget]:
        """Where F6 goes."""
        return [self.choices["ask"], self.trial.arguments.edit]
