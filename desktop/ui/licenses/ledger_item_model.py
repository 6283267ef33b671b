"""The ledger's records as rows of a table, newest first, filtered by words, ten thousand without a hitch; times."""

from collections.abc import Mapping
from datetime import UTC, datetime

from PySide6.QtCore import QAbstractTableModel, QDate, QLocale, QObject, Qt

from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.restored_records import original_of, restored_note
from desktop.translation import tr
from desktop.ui.licenses.license_page_values import LedgerContent, short_hash
from desktop.ui.parts.data_table import Index
from desktop.ui.parts.terms_text import purpose_name
from desktop.ui.parts.untrusted_text import plain_line, tool_tip

MARKED = Qt.ItemDataRole.UserRole + 1
"""Whether a row's record counts for nothing since a restart."""
NOTE = 8


class LedgerItemModel(QAbstractTableModel):
    """Rows of records. `records` as they were given, `rows` those that the filter leaves, newest first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.titles = (
            "#",
            tr("Time (UTC)"),
            tr("Event"),
            tr("Model"),
            tr("License"),
            tr("Text"),
            tr("Person"),
            tr("Purpose"),
            tr("Note"),
        )
        self._all: list[LedgerRecord] = []
        self._haystacks: list[str] = []
        self._cells: dict[int, tuple[str, ...]] = {}
        self._names: Mapping[str, str] = {}
        self._marked: tuple[range, ...] = ()
        self._unsealed: tuple[range, ...] = ()
        self._back: frozenset[int] = frozenset()
        self._words: list[str] = []
        self.rows: list[LedgerRecord] = []

    @property
    def total(self) -> int:
        """How many records there are, whether the filter leaves them or not."""
        return len(self._all)

    def show(self, view: LedgerContent) -> bool:
        """Show the records of `view`. Whether anything is new."""
        check = view.check
        newest = list(reversed(view.records))
        marked = tuple(range(part.first, part.last + 1) for part in check.marked)
        unsealed = tuple(range(each.first, each.last + 1) for each in check.segments if not each.counts)
        back = frozenset(check.clock_back)
        if (newest, marked, unsealed, back) == (self._all, self._marked, self._unsealed, self._back):
            return False
        self.beginResetModel()
        self._all, self._marked, self._unsealed, self._back = newest, marked, unsealed, back
        self._names = view.names
        self._cells, self._haystacks = {}, list(reversed(view.search_texts))
        self._apply()
        self.endResetModel()
        return True

    def filter(self, text: str) -> None:
        """Leave only records that hold every word of `text`."""
        words = text.casefold().split()
        if words == self._words:
            return
        self.beginResetModel()
        self._words = words
        self._apply()
        self.endResetModel()

    def _apply(self) -> None:
        if not self._words:
            self.rows = self._all
            return
        words = self._words
        self.rows = [
            record
            for record, text in zip(self._all, self._haystacks, strict=True)
            if all(word in text for word in words)
        ]

    def is_marked(self, record: LedgerRecord) -> bool:
        """Whether a record counts for nothing: somebody accepted afresh since, or its segment does not count."""
        return any(record.seq in part for part in self._marked) or self._is_unsealed(record)

    def _is_unsealed(self, record: LedgerRecord) -> bool:
        """Whether it is an acceptance in a segment where none counts now."""
        return record.event == "acknowledged" and any(record.seq in part for part in self._unsealed)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def texts(self, count: int) -> list[tuple[str, ...]]:
        """The cells of the first `count` rows."""
        return [self._row(record) for record in self.rows[:count]]

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        record = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return plain_line(self._row(record)[index.column()])
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.titles[index.column()]}: {self._row(record)[index.column()]}"
        if role == Qt.ItemDataRole.ToolTipRole:
            full = record.text_sha256 if index.column() == 5 else self._row(record)[index.column()]
            return tool_tip(full) if full not in ("", "–") else None
        return self.is_marked(record) if role == MARKED else None

    def _row(self, record: LedgerRecord) -> tuple[str, ...]:
        cells = self._cells.get(record.seq)
        if cells is None:
            cells = self._cells[record.seq] = self._make_row(record)
        return cells

    def _make_row(self, record: LedgerRecord) -> tuple[str, ...]:
        notes = []
        if self._is_unsealed(record):
            notes.append(tr("Does not count: from a segment of the ledger that is unsealed here."))
        elif self.is_marked(record):
            notes.append(tr("Counts no longer: from before the ledger was begun anew."))
        if record.seq in self._back:
            notes.append(tr("The clock had been set back."))
        notes.append(restored_note(record))
        if (inner := original_of(record)) is not None and inner.record.event == "acknowledged":
            notes.append(tr("It counts here only once it is accepted again."))
        person = f"{record.person} ({record.organization})" if record.organization else record.person
        return (
            str(record.seq),
            utc_text(str(record.time)),
            _record_event(record),
            record.model_name or record.model or "–",
            self._names.get(record.license, record.license) or "–",
            short_hash(record.text_sha256) or "–",
            person or record.os_user or "–",
            purpose_name(record.purpose) or "–",
            " ".join(note for note in notes if note) or "–",
        )

    def details(self, record: LedgerRecord, between: str = "\n") -> str:
        """Everything that a record holds, one fact after the other."""
        facts = (
            (tr("Record"), str(record.seq)),
            (tr("Time"), str(record.time)),
            (tr("Event"), _record_event(record)),
            (tr("Model"), " · ".join(part for part in (record.model_name, record.model) if part)),
            (tr("Repository"), " ".join(part for part in (record.repository, record.commit) if part)),
            (tr("File sha256"), record.file_sha256),
            (tr("License"), record.license),
            (tr("Text sha256"), record.text_sha256),
            (tr("Person"), record.person),
            (tr("Organization"), record.organization),
            (tr("Signed in as"), record.os_user),
            (tr("Purpose"), record.purpose),
            (tr("Note"), record.note),
            (tr("Latchkey"), record.app_version),
            (tr("Hash"), record.hash),
            (tr("Hash before"), record.previous),
        )
        return between.join(f"{name}: {value}" for name, value in facts if value)


def event_name(event: str) -> str:
    """An event of the ledger as people read it."""
    names = {
        "acknowledged": tr("accepted"),
        "revoked": tr("revoked"),
        "suspended": tr("suspended"),
        "downloaded": tr("downloaded"),
        "imported": tr("imported"),
        "loaded": tr("loaded"),
        "served": tr("served"),
        "refused": tr("refused"),
        "removed": tr("removed"),
        "restarted": tr("ledger begun anew"),
        "segment-begun": tr("new segment begun"),
        "restored": tr("restored"),
    }
    return names.get(event, event)


def _record_event(record: LedgerRecord) -> str:
    """The event of a record; of one that was restored, also what it tells of."""
    inner = original_of(record)
    name = event_name(record.event)
    return (
        name if inner is None else tr("{restored}: {event}").format(restored=name, event=event_name(inner.record.event))
    )


def ledger_search_text(record: LedgerRecord, names: Mapping[str, str]) -> str:
    """All words by which a record is found."""
    parts = (
        str(record.seq),
        utc_text(str(record.time)),
        _record_event(record),
        record.event,
        record.model_name,
        record.model,
        names.get(record.license, ""),
        record.license,
        record.text_sha256,
        record.file_sha256,
        record.person,
        record.organization,
        record.os_user,
        record.purpose,
        record.note,
    )
    return "\n".join(map(str, parts)).casefold()


def moment(time: str) -> datetime | None:
    """A time of the ledger (RFC 3339, UTC); None for what is none."""
    try:
        found = datetime.fromisoformat(time)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def short_day_of(time: str) -> str:
    """The person's own day of a time, "14 Nov 2026"; the time as it is written where it cannot be read."""
    found = moment(time)
    if found is None:
        return time
    day = found.astimezone()
    return QLocale().toString(QDate(day.year, day.month, day.day), "d MMM yyyy")


def utc_text(time: str) -> str:
    """A time in UTC to the second, "2026-11-22 18:02:11"."""
    found = moment(time)
    return found.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if found is not None else time
