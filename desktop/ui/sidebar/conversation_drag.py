"""Dragging conversations into folders, and folders to another place in the list."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QMimeData, QPoint, QRectF, Qt
from PySide6.QtGui import QDrag, QDropEvent, QPainter, QPixmap
from PySide6.QtWidgets import QListView

from desktop.translation import trn
from desktop.ui.parts.untrusted_text import plain_line
from desktop.ui.sidebar.conversation_item_model import ConversationItemModel, FolderHeading, GroupHeading, title_of
from desktop.ui.sidebar.order_request import OrderRequest

if TYPE_CHECKING:
    from desktop.ui.sidebar.conversation_delegate import ConversationDelegate

CONVERSATIONS_TYPE = "application/x-latchkey-conversations"
"""The type of dragged conversations: a JSON list of their ids."""
FOLDER_TYPE = "application/x-latchkey-folder"
"""The type of a dragged folder: its id."""

_LABEL_WIDTH = 200


@dataclass(frozen=True)
class DropTarget:
    """What dropping does, and how the list shows it: the rows of a section, or a line above (True) or below a row."""

    request: OrderRequest
    rows: range = range(0)
    line: tuple[int, bool] | None = None


def dragged_data(model: ConversationItemModel, ids: tuple[str, ...], folder_id: str | None) -> tuple[QMimeData, str]:
    """What is dragged, and what is written on it: a folder, else conversations."""
    data = QMimeData()
    if folder_id is not None:
        data.setData(FOLDER_TYPE, folder_id.encode())
        name = next((folder.name for folder in model.folders if folder.id == folder_id), "")
        return data, plain_line(name)
    data.setData(CONVERSATIONS_TYPE, msgspec.json.encode(ids))
    if len(ids) > 1:
        return data, trn("{count} chat", "{count} chats", len(ids)).format(count=len(ids))
    return data, plain_line(next((title_of(each) for each in model.find(ids)), ""))


def begin_drag(
    view: QListView, model: ConversationItemModel, delegate: "ConversationDelegate", ids: tuple[str, ...]
) -> None:
    """Drag the folder of the current row, or the conversations `ids`, until they are dropped."""
    folder = model.folder_at(view.currentIndex())
    if folder is None and not ids:
        return
    data, label = dragged_data(model, ids, folder.id if folder is not None else None)
    drag = QDrag(view)
    drag.setMimeData(data)
    ratio = view.devicePixelRatioF()
    height = view.sizeHintForRow(0)
    pixmap = QPixmap(round(_LABEL_WIDTH * ratio), round(height * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    delegate.paint_drag_label(painter, QRectF(0, 0, _LABEL_WIDTH, height), label)
    painter.end()
    drag.setPixmap(pixmap)
    drag.setHotSpot(QPoint(-8, height // 2))
    drag.exec(Qt.DropAction.MoveAction)


def drop_target(view: QListView, model: ConversationItemModel, event: QDropEvent) -> DropTarget | None:
    """What dropping here would do; None where nothing can be dropped."""
    data, at = event.mimeData(), event.position().toPoint()
    index = view.indexAt(at)
    row = index.row() if index.isValid() else model.rowCount() - 1
    rows, heading = model.section_of(row)
    if data.hasFormat(FOLDER_TYPE):
        folder_id = bytes(data.data(FOLDER_TYPE).data()).decode("utf-8", "replace")
        top = index.isValid() and at.y() < view.visualRect(index).center().y() and row == rows.start
        return _folder_target(model, folder_id, heading, rows, above=top)
    if not data.hasFormat(CONVERSATIONS_TYPE):
        return None
    try:
        ids = msgspec.json.decode(bytes(data.data(CONVERSATIONS_TYPE).data()), type=tuple[str, ...])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if isinstance(heading, FolderHeading):
        return DropTarget(OrderRequest("move", ids, heading.folder.id), rows)
    if isinstance(heading, GroupHeading) and heading.loose:
        return DropTarget(OrderRequest("move", ids, None), range(rows.start, rows.start + 1))
    return None


def _folder_target(
    model: ConversationItemModel, folder_id: str, heading: object, rows: range, *, above: bool
) -> DropTarget | None:
    ids = [folder.id for folder in model.folders]
    if not isinstance(heading, FolderHeading) or folder_id not in ids or heading.folder.id == folder_id:
        return None
    others = [each for each in ids if each != folder_id]
    position = others.index(heading.folder.id) + (0 if above else 1)
    request = OrderRequest("place-folder", folder_id=folder_id, position=position)
    return DropTarget(request, line=(rows.start, True) if above else (rows.stop - 1, False))
