"""Chats as PDF, drawn by Qt. Needs a QGuiApplication, and no screen; any thread may draw, one file each."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO
from xml.sax.saxutils import escape

import msgspec
from PySide6.QtCore import QByteArray, QEventLoop, QFile, QIODevice, QLocale, QMarginsF
from PySide6.QtGui import QPagedPaintDevice, QPageLayout, QPageSize, QPdfWriter

from desktop.chat.export.conversation_document import GENERATED
from desktop.chat.export.message_words import (
    ExportSource,
    general_notice,
    model_mark,
    rfc3339_or_none,
    title_of_export,
)
from desktop.conversation import Conversation
from desktop.errors import ResourceError
from desktop.safe_text import escape_controls
from desktop.storage.whole_conversation import WholeConversation
from desktop.translation import tr, trn
from desktop.ui.export.page_flow import PageFlow
from desktop.ui.export.printed_chat import PrintedChats, font_families

_RESOLUTION = 600
_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{notice}</rdf:li></rdf:Alt></dc:description>
<dc:contributor><rdf:Bag>{models}</rdf:Bag></dc:contributor>
<xmp:CreatorTool>{generator}</xmp:CreatorTool>
<xmp:CreateDate>{time}</xmp:CreateDate>
<Iptc4xmpExt:DigitalSourceType>{kind}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""
"""The metadata of the file (ISO 16684-1): what the whole of it is, and as contributors the models, each as JSON."""


def draw_pdf(
    heads: Sequence[Conversation],
    conversations: Iterable[WholeConversation],
    source: ExportSource,
    file: BinaryIO,
) -> None:
    """Draw `conversations`, whose heads are `heads`, into `file`, which is open on the disk. Raises OSError where it
    cannot be written."""
    device = QFile()
    if not device.open(file.fileno(), QIODevice.OpenModeFlag.WriteOnly, QFile.FileHandleFlag.DontCloseHandle):
        raise OSError(device.errorString())
    writer = QPdfWriter(device)
    writer.setPdfVersion(QPdfWriter.PdfVersion.PdfVersion_1_6)
    writer.setResolution(_RESOLUTION)
    writer.setPageLayout(QPageLayout(QPageSize(_paper()), QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0)))
    title = _title(heads)
    writer.setTitle(title)
    writer.setCreator(source.generator)
    writer.setDocumentXmpMetadata(QByteArray(_metadata(title, source).encode()))
    try:
        ended = _draw(writer, heads, conversations, source)
        flushed = device.flush()
    finally:
        device.close()
    if not (ended and flushed) or device.error() != QFile.FileError.NoError:
        raise OSError(device.errorString())


def draw_on_paper(
    device: QPagedPaintDevice,
    heads: Sequence[Conversation],
    conversations: Iterable[WholeConversation],
    source: ExportSource,
) -> None:
    """Draw them on the pages of a printer whose origin is the corner of the paper. Raises ResourceError where it takes
    nothing."""
    if not _draw(device, heads, conversations, source):
        raise ResourceError(
            tr("The chat could not be printed."),
            tr("The printer takes nothing."),
            tr("See to the printer, or export the chat as PDF."),
        )


def _draw(
    device: QPagedPaintDevice,
    heads: Sequence[Conversation],
    conversations: Iterable[WholeConversation],
    source: ExportSource,
) -> bool:
    """Whether all of it was taken."""
    loop = QEventLoop()  # Qt's documents set timers, which a thread of Python's has no place for otherwise
    families, fixed = font_families()
    flow = PageFlow(device, families, general_notice())
    if not flow.active:
        return False
    try:
        PrintedChats(flow, source, families, fixed).draw(heads, conversations)
    finally:
        ended = flow.finish()
        del loop
    return ended


def _title(heads: Sequence[Conversation]) -> str:
    if len(heads) == 1:
        return title_of_export(heads[0])
    return trn("{count} chat", "{count} chats", len(heads)).format(count=f"{len(heads):,}")


def _metadata(title: str, source: ExportSource) -> str:
    models = "".join(
        f"<rdf:li>{_xml(msgspec.json.encode(model_mark(each)).decode())}</rdf:li>" for each in source.models
    )
    return _XMP.format(
        title=_xml(title),
        notice=_xml(general_notice()),
        models=models,
        generator=_xml(source.generator),
        time=_xml(rfc3339_or_none(source.exported) or ""),
        kind=GENERATED,
    )


def _xml(text: str) -> str:
    return escape(escape_controls(text)).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _paper() -> QPageSize.PageSizeId:
    """The paper that is usual where the person is."""
    american = QLocale.system().measurementSystem() == QLocale.MeasurementSystem.ImperialUSSystem
    return QPageSize.PageSizeId.Letter if american else QPageSize.PageSizeId.A4
