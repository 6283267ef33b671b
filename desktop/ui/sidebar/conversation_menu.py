"""The menus of conversations and folders: what can be done with those that a menu is opened on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from desktop.conversation import Conversation, ConversationOrigin, Folder
from desktop.translation import tr
from desktop.ui.parts.menu import make_menu
from desktop.ui.parts.untrusted_text import add_entry
from desktop.ui.sidebar.order_request import OrderRequest
from desktop.ui.theme.theme import Theme

_MOST_TAGS = 40

Ask = Callable[[OrderRequest], None]


@dataclass(frozen=True)
class MenuContext:
    """What menus offer: the folders and tags there are; `ask` gets what is chosen, `rename` an id whose name is to be
    typed over, `name_tag` the ids of conversations that a new tag is for. `model` is the model in use: its id and
    name."""

    folders: Sequence[Folder]
    tags: Sequence[str]
    ask: Ask
    rename: Callable[[str], None]
    name_tag: Callable[[tuple[str, ...]], None]
    model: tuple[str, str] | None = None


def fill_conversation_menu(
    menu: QMenu, theme: Theme, conversations: Sequence[Conversation], context: MenuContext, *, renames: bool = True
) -> None:
    """Add what can be done with `conversations`, one or several. With `renames` False not what the list itself does."""
    if not conversations:
        return
    ids, ask = tuple(each.id for each in conversations), context.ask
    if any(each.deleted_at is not None for each in conversations):
        menu.addAction(tr("Restore"), lambda: ask(OrderRequest("restore", ids)))
        menu.addAction(tr("Erase for good…\tDel"), lambda: ask(OrderRequest("erase", ids)))
        return
    if len(ids) == 1 and renames:
        menu.addAction(tr("Rename\tF2"), lambda: context.rename(ids[0]))
    pinned = all(each.pinned for each in conversations)
    menu.addAction(tr("Unpin") if pinned else tr("Pin"), lambda: ask(OrderRequest("unpin" if pinned else "pin", ids)))
    add_folder_menu(menu, theme, conversations, context)
    add_tag_menu(menu, theme, conversations, context)
    archived = all(each.archived_at is not None for each in conversations)
    menu.addAction(
        tr("Back from the archive") if archived else tr("Archive"),
        lambda: ask(OrderRequest("unarchive" if archived else "archive", ids)),
    )
    menu.addSeparator()
    menu.addAction(tr("Export…"), lambda: ask(OrderRequest("export", ids)))
    menu.addAction(tr("Print…\tCtrl+P") if len(ids) == 1 else tr("Print…"), lambda: ask(OrderRequest("print", ids)))
    menu.addSeparator()
    menu.addAction(tr("Delete\tDel"), lambda: ask(OrderRequest("delete", ids)))
    if len(ids) == 1 and (origin := conversations[0].origin) is not None:
        menu.addSeparator()
        add_entry(menu, _origin_text(origin)).setEnabled(False)


def _origin_text(origin: ConversationOrigin) -> str:
    day = QLocale().toString(
        QDateTime.fromSecsSinceEpoch(int(origin.imported_at)).date(), QLocale.FormatType.ShortFormat
    )
    return tr("Imported from {app}, {day}").format(app=origin.app, day=day)


def add_folder_menu(menu: QMenu, theme: Theme, conversations: Sequence[Conversation], context: MenuContext) -> QMenu:
    """The menu "Move to folder"."""
    inner = _submenu(menu, theme, tr("Move to folder"))
    ids, ask = tuple(each.id for each in conversations), context.ask
    inside = {each.folder_id for each in conversations}
    for folder in context.folders:
        entry = add_entry(inner, folder.name)
        _check(entry, inside == {folder.id})
        entry.triggered.connect(lambda _=False, to=folder.id: ask(OrderRequest("move", ids, to)))
    if inside != {None}:
        if context.folders:
            inner.addSeparator()
        inner.addAction(tr("No folder"), lambda: ask(OrderRequest("move", ids, None)))
    if context.folders:
        inner.addSeparator()
    inner.addAction(tr("New folder"), lambda: ask(OrderRequest("new-folder", ids)))
    return inner


def add_tag_menu(menu: QMenu, theme: Theme, conversations: Sequence[Conversation], context: MenuContext) -> QMenu:
    """The menu "Tags": those that all of `conversations` have are ticked."""
    inner = _submenu(menu, theme, tr("Tags"))
    ids, ask = tuple(each.id for each in conversations), context.ask
    common = set(conversations[0].tags).intersection(*(each.tags for each in conversations[1:]))
    own = sorted(
        {tag for each in conversations for tag in each.tags} - set(context.tags[:_MOST_TAGS]), key=str.casefold
    )
    offered = [*context.tags[:_MOST_TAGS], *own]
    for tag in offered:
        entry = add_entry(inner, tag)
        _check(entry, tag in common)
        kind = "untag" if tag in common else "tag"
        entry.triggered.connect(lambda _=False, kind=kind, tag=tag: ask(OrderRequest(kind, ids, tag=tag)))
    if offered:
        inner.addSeparator()
    inner.addAction(tr("New tag…"), lambda: context.name_tag(ids))
    return inner


def fill_folder_menu(menu: QMenu, folder: Folder, context: MenuContext) -> None:
    """Add what can be done with a folder."""
    ask, count = context.ask, len(context.folders)
    at = next((at for at, each in enumerate(context.folders) if each.id == folder.id), 0)
    menu.addAction(tr("New chat in this folder"), lambda: ask(OrderRequest("new-chat", folder_id=folder.id)))
    _add_model(menu, folder, context)
    menu.addSeparator()
    menu.addAction(tr("Rename\tF2"), lambda: context.rename(folder.id))
    up = lambda: ask(OrderRequest("place-folder", folder_id=folder.id, position=at - 1))  # noqa: E731
    down = lambda: ask(OrderRequest("place-folder", folder_id=folder.id, position=at + 1))  # noqa: E731
    menu.addAction(tr("Move up\tAlt+Up"), up).setEnabled(at > 0)
    menu.addAction(tr("Move down\tAlt+Down"), down).setEnabled(at < count - 1)
    menu.addAction(tr("New folder"), lambda: ask(OrderRequest("new-folder")))
    menu.addSeparator()
    menu.addAction(tr("Delete folder\tDel"), lambda: ask(OrderRequest("delete-folder", folder_id=folder.id)))


def _add_model(menu: QMenu, folder: Folder, context: MenuContext) -> None:
    """Which model new conversations in `folder` begin with: the one in use now, or whichever is in use then."""

    def ask(model_id: str | None) -> None:
        context.ask(OrderRequest("folder-model", folder_id=folder.id, model_id=model_id))

    if context.model is not None:
        model_id, name = context.model
        entry = add_entry(menu, tr("Begin new chats with {model}").format(model=name))
        _check(entry, folder.model_id == model_id)
        entry.triggered.connect(lambda: ask(None if folder.model_id == model_id else model_id))
    if folder.model_id is not None and (context.model is None or folder.model_id != context.model[0]):
        menu.addAction(tr("Begin new chats with the model in use"), lambda: ask(None))


def _submenu(menu: QMenu, theme: Theme, title: str) -> QMenu:
    inner = make_menu(theme, menu)
    inner.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # it goes with the menu it belongs to
    inner.setTitle(title)
    menu.addMenu(inner)
    return inner


def _check(entry: QAction, checked: bool) -> None:
    if checked:
        entry.setCheckable(True)
        entry.setChecked(True)
