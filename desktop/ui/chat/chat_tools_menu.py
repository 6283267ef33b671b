"""The composer's button for the tools of this chat, and its menu: which servers the model may call."""

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QWidget

from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.offered_tool_server import ChatToolChoice, OfferedToolServer, no_tools_sentence
from desktop.ui.parts.untrusted_text import add_entry, plain_line, set_tool_tip
from desktop.ui.theme.theme import Theme

_LONGEST_NAME = 28
_MOST = 40


class ChatToolsButton(Button):
    """`list_asked` where the menu is wanted: `open_menu` opens it with what there is by then. `turned` carries a
    server's name and whether the model may call it from now on; `page_asked` where servers are to be added."""

    list_asked = Signal()
    turned = Signal(str, bool)
    page_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, tr("Tools"), kind="quiet", name=tr("Tools of this chat"), parent=parent)
        self._choice = ChatToolChoice()
        self.menu: QMenu | None = None
        self.clicked.connect(self.list_asked)
        self.show_choice(self._choice)

    def show_choice(self, choice: ChatToolChoice) -> None:
        """The model may call what `choice` says."""
        self._choice = choice
        titles = [plain_line(title) for title in choice.titles()]
        said = ""
        if titles and choice.can_call is not False:
            one = titles[0] if len(titles[0]) <= _LONGEST_NAME else f"{titles[0][:_LONGEST_NAME]}…"
            said = one if len(titles) == 1 else tr("{count} servers").format(count=len(titles))
        self.set_detail(said)
        listed = ", ".join(titles)
        name = tr("Tools of this chat: {names}").format(names=listed) if titles else tr("Tools of this chat")
        self.setAccessibleName(name)
        if choice.can_call is False:
            what = no_tools_sentence()
        elif titles:
            what = name
        else:
            what = tr("Choose what the model may call in this chat. You are asked before anything runs.")
        set_tool_tip(self, what)
        self.setAccessibleDescription(what)

    def open_menu(self, choice: ChatToolChoice) -> None:
        """Offer the servers, each with a mark where it is on."""
        self.show_choice(choice)
        menu = self.menu = make_menu(self._theme, self)
        menu.destroyed.connect(self._forget_menu)
        if choice.can_call is False:
            add_entry(menu, no_tools_sentence()).setEnabled(False)
            menu.addSeparator()
        for server in choice.all[:_MOST]:
            self._add(menu, server, on=server.name in choice.chosen)
        if not choice.own and choice.inherited:
            add_entry(menu, tr("As the folder says, until you choose here")).setEnabled(False)
        menu.addSeparator()
        add_entry(menu, tr("Tool servers…")).triggered.connect(self.page_asked)
        menu.popup(self.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _add(self, menu: QMenu, server: OfferedToolServer, *, on: bool) -> None:
        said = f"{server.title} ({server.detail})" if server.detail else server.title
        entry = add_entry(menu, said)
        entry.setCheckable(True)
        entry.setChecked(on)
        entry.triggered.connect(lambda checked: self.turned.emit(server.name, checked))

    def _forget_menu(self) -> None:
        self.menu = None
