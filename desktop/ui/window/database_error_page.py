"""The page that says, in place of the conversations, why they could not be opened."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.errors import UserError
from desktop.paths import Paths
from desktop.translation import tr
from desktop.ui.parts.button import Button
from desktop.ui.parts.error_box import ErrorBox
from desktop.ui.parts.label import Label
from desktop.ui.parts.link import open_folder
from desktop.ui.parts.page import Page, page_title
from desktop.ui.theme.design_tokens import XL, L, M, S
from desktop.ui.theme.theme import Theme


class DatabaseErrorPage(Page):
    """What happened, why, and the one thing to do; then `retry`."""

    def __init__(
        self, theme: Theme, error: UserError, paths: Paths, retry: Callable[[], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self.setAccessibleName(error.title)
        self.box = ErrorBox(theme, error, action=(tr("Try again"), retry), log=str(paths.log_file))
        inner = QVBoxLayout()
        inner.setSpacing(M)
        inner.addWidget(page_title(theme, tr("Your conversations could not be opened")))
        inner.addWidget(self.box)
        nothing = tr("Nothing was changed or overwritten. What you do here until this is settled is not kept.")
        inner.addWidget(Label(theme, nothing, color="muted", wrap=True))
        folder = Button(theme, tr("Open the folder"))
        folder.clicked.connect(lambda: open_folder(paths.data))
        inner.addWidget(folder)
        holder = QWidget()
        holder.setLayout(inner)
        holder.setMaximumWidth(640)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(holder, 6)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(XL, XL, XL, L + S)
        column.addStretch(2)
        column.addLayout(row)
        column.addStretch(3)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
