"""The ledger as a report that a lawyer or an auditor reads and prints: one file, no scripts, nothing from elsewhere."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from desktop.licenses.export.export_document import ExportDocument, ExportedModel, printable
from desktop.licenses.ledger_chain import GENESIS
from desktop.licenses.ledger_record import LedgerRecord
from desktop.licenses.ledger_seal import segment_sentence
from desktop.licenses.license_texts import decode_text
from desktop.licenses.restored_records import original_of, restored_note, restored_ranges, restored_sentence
from desktop.translation import tr

STYLE = """
:root { color-scheme: light; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: #1c1c1e; background: #fff; }
main { max-width: 1200px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 20px; }
h2 { font-size: 21px; margin: 40px 0 12px; border-bottom: 1px solid #c9c9ce; padding-bottom: 6px; }
h3 { font-size: 17px; margin: 28px 0 8px; }
.facts { margin: 0 0 12px; }
.facts div { display: flex; gap: 16px; padding: 2px 0; }
.facts dt { flex: 0 0 210px; color: #5b5b62; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
.result { font-weight: 600; padding: 10px 14px; border-left: 4px solid; }
.good { border-color: #1b7a3d; background: #eef7f1; }
.bad { border-color: #b3261e; background: #fcefee; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin: 8px 0 16px; }
th, td { border: 1px solid #d7d7dc; padding: 6px 8px; text-align: start; vertical-align: top; overflow-wrap: anywhere; }
.history td:nth-child(-n+3), th { overflow-wrap: normal; }
th { background: #f3f3f5; }
tr:target, article:target { background: #fff7d6; }
code { font: 12px/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
small { color: #5b5b62; }
em { color: #b3261e; font-style: normal; }
bdi { white-space: pre-wrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; background: #f7f7f8;
  border: 1px solid #d7d7dc; padding: 14px; margin: 0 0 16px; }
a { color: #0b57d0; }
@page { size: A4 landscape; margin: 14mm; }
@media print {
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  table { font-size: 8pt; }
  code { font-size: 7pt; }
  thead { display: table-header-group; }
  tr, .facts div { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .text { break-before: page; }
  .wide { overflow: visible; }
  a { color: inherit; text-decoration: none; }
}
"""
_LINES = "\n\r\t\f"


def as_html(document: ExportDocument) -> bytes:
    """The report."""
    return "\n".join(_HtmlReport(document).lines()).encode("utf-8", "replace")


class _HtmlReport:
    def __init__(self, document: ExportDocument) -> None:
        self._document = document
        self._acknowledgements = document.acknowledgements
        self._names = document.license_names()
        self._counting = {record.seq for record in document.trusted}
        self._back = set(document.check.clock_back)
        self._unsealed = [range(each.first, each.last + 1) for each in document.check.segments if not each.sealed]
        self._anchors = {sha256: f"text-{at + 1}" for at, sha256 in enumerate(self._texts_in_order())}

    def lines(self) -> Iterator[str]:
        style = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
        title = tr("Record of model licenses")
        yield f'<!DOCTYPE html>\n<html lang="{_e(tr("en"))}">\n<head>\n<meta charset="utf-8">'
        yield (
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
            f"style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'\">"
        )
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{_e(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{_e(title)}</h1>"
        yield from self._summary()
        yield from self._verification()
        yield from self._models()
        yield from self._history()
        yield from self._texts()
        yield "</main>\n</body>\n</html>\n"

    def _summary(self) -> Iterator[str]:
        document = self._document
        head = document.records[-1] if document.records else None
        facts = (
            (tr("Machine"), document.machine),
            (tr("Account"), document.os_user),
            (tr("Written at"), document.time),
            (tr("Written by"), f"Latchkey {document.app_version}"),
            (tr("Records"), str(len(document.records))),
            (tr("Hash of the newest record"), head.hash if head is not None else GENESIS),
        )
        yield '<dl class="facts">'
        for name, value in facts:
            yield f"<div><dt>{_e(name)}</dt><dd>{_v(value)}</dd></div>"
        yield "</dl>"

    def _verification(self) -> Iterator[str]:
        check = self._document.check
        yield f"<section>\n<h2>{_e(tr('Verification'))}</h2>"
        if check.ok:
            holds = tr("The ledger holds: no record was changed, removed or put in since it was written.")
            yield f'<p class="result good">{_e(holds)}</p>'
        else:
            yield f'<p class="result bad">{_e(tr("The ledger does not hold, so nothing in it counts."))}</p>'
            yield f"<p>{_v(check.reason)}</p>"
            if check.first_bad is not None:
                yield f"<p>{_e(tr('First bad record: {seq}.').format(seq=check.first_bad))}</p>"
        yield f"<p>{_e(_sealed(check.sealed_by))}</p>"
        for segment in check.segments:
            yield f"<p>{_e(segment_sentence(segment))}</p>"
        for part in restored_ranges(self._document.records):
            yield f"<p>{_e(restored_sentence(part))}</p>"
        for mark in check.marked:
            sentence = (
                tr("Records {first} to {last} are kept, and have not counted since {time}:").format(
                    first=mark.first, last=mark.last, time=mark.time
                )
                if mark.last
                else tr("The ledger was begun anew at {time}:").format(time=mark.time)
            )
            yield f"<p>{_e(sentence)} {_v(mark.reason)}</p>"
        order = tr("The order of the records is that of their numbers. Each carries the hash of the one before.")
        yield f"<p>{_e(order)} "
        yield _e(
            tr("The clock went back before these records: {numbers}.").format(
                numbers=", ".join(map(str, check.clock_back))
            )
            if check.clock_back
            else tr("The clock never went back between two records.")
        )
        yield "</p>\n</section>"

    def _models(self) -> Iterator[str]:
        yield f"<section>\n<h2>{_e(tr('Models'))}</h2>"
        for model in self._document.known():
            yield from self._model(model, self._document.by_model[model.id])
        yield "</section>"

    def _model(self, model: ExportedModel, records: Sequence[LedgerRecord]) -> Iterator[str]:
        yield f'<article>\n<h3>{_v(model.name)}</h3>\n<dl class="facts">'
        facts = [(tr("Model"), _v(model.id)), (tr("Publisher"), _v(model.publisher))]
        sources = sorted({(each.repository, each.commit) for each in records if each.repository})
        facts += [(tr("Repository"), _v(f"{repository} {commit}".strip())) for repository, commit in sources]
        hashes = sorted({each.file_sha256 for each in records if each.file_sha256})
        facts += [(tr("SHA-256 of its file"), f"<code>{_v(sha256)}</code>") for sha256 in hashes]
        facts += [(tr("Built on"), _v(", ".join(each.name for each in model.ancestors)))]
        for license_ in model.licenses:
            facts.append((tr("License"), f"{_v(license_.name)} ({_v(license_.id)}) {self._link(license_.text_sha256)}"))
        for name, value in facts:
            if value:
                yield f"<div><dt>{_e(name)}</dt><dd>{value}</dd></div>"
        yield "</dl>"
        if model.restrictions:
            yield _table(
                (tr("Restriction"), tr("Comes from"), tr("Clause")),
                ((_v(each.restriction), _v(each.from_name), _v(each.clause)) for each in model.restrictions),
            )
        accepted = [each for each in records if each.event == "acknowledged"]
        if not accepted:
            yield f"<p>{_e(tr('No license of this model was ever accepted.'))}</p>\n</article>"
            return
        yield _table(
            (tr("No."), tr("Accepted at"), tr("By"), tr("For"), tr("Purpose"), tr("License"), tr("Text"), tr("Now")),
            (self._acceptance(record) for record in accepted),
        )
        yield "</article>"

    def _acceptance(self, record: LedgerRecord) -> tuple[str, ...]:
        person = f"{_v(record.person)}<br><small>{_e(tr('account'))} {_v(record.os_user)}</small>"
        return (
            f'<a href="#record-{record.seq}">{record.seq}</a>',
            _v(record.time),
            person,
            _v(record.organization),
            _v(record.purpose),
            _v(self._names.get(record.license, record.license)),
            self._link(record.text_sha256) + self._differs(record),
            _v(self._status(record)),
        )

    def _differs(self, record: LedgerRecord) -> str:
        differs = self._document.differing.get(record.seq)
        if differs is None:
            return ""
        sentence = (
            tr("differs from the text in force in white space alone")
            if differs == "white space"
            else tr("the text in force has other words")
        )
        return f"<br><small>{_e(sentence)}</small>"

    def _status(self, record: LedgerRecord) -> str:
        if record.seq not in self._counting:
            return tr("does not count")
        acknowledgement = self._acknowledgements.get(record.seq)
        if acknowledgement is None:
            return tr("replaced by a later one")
        if acknowledgement.status == "in-force":
            return tr("in force")
        sentence = (
            tr("revoked by record {seq}") if acknowledgement.status == "revoked" else tr("suspended by record {seq}")
        )
        return sentence.format(seq=acknowledgement.latest.seq)

    def _history(self) -> Iterator[str]:
        yield f"<section>\n<h2>{_e(tr('All records'))}</h2>"
        yield _table(
            (
                tr("No."),
                tr("Time"),
                tr("Event"),
                tr("Model"),
                tr("License"),
                tr("Person"),
                tr("Particulars"),
                tr("Hash"),
            ),
            (self._row(record) for record in self._document.records),
            ids=(f"record-{record.seq}" for record in self._document.records),
            kind="history",
        )
        yield "</section>"

    def _row(self, record: LedgerRecord) -> tuple[str, ...]:
        marks = []
        if record.seq not in self._counting:
            marks.append(tr("does not count"))
        if any(record.seq in each for each in self._unsealed):
            marks.append(tr("unsealed"))
        if record.seq in self._back:
            marks.append(tr("clock went back"))
        number = f"{record.seq}" + "".join(f"<br><em>{_e(mark)}</em>" for mark in marks)
        person = "<br>".join(_v(each) for each in (record.person, record.organization, record.purpose) if each)
        return (
            number,
            _v(record.time),
            _v(record.event) + self._original_event(record),
            "<br>".join(dict.fromkeys(_v(each) for each in (record.model_name, record.model) if each)),
            f"{_v(record.license)} {self._link(record.text_sha256)}",
            person,
            self._particulars(record),
            f"<code>{_v(record.hash)}</code><br><small>{_e(tr('after'))}</small> <code>{_v(record.previous)}</code>",
        )

    def _original_event(self, record: LedgerRecord) -> str:
        inner = original_of(record)
        return f"<br><small>{_v(inner.record.event)}</small>" if inner is not None else ""

    def _particulars(self, record: LedgerRecord) -> str:
        facts = (
            ("", _v(restored_note(record))),
            (tr("repository"), _v(f"{record.repository} {record.commit}".strip())),
            (tr("file"), _code(record.file_sha256)),
            (tr("text"), _code(record.text_sha256)),
            (tr("account"), _v(record.os_user)),
            ("Latchkey", _v(record.app_version)),
        )
        return "<br>".join(f"<small>{_e(name)}</small> {value}".strip() for name, value in facts if value)

    def _texts_in_order(self) -> list[str]:
        used = dict.fromkeys(record.text_sha256 for record in self._document.records)
        offered = (license_.text_sha256 for model in self._document.models for license_ in model.licenses)
        return [sha256 for sha256 in dict.fromkeys([*used, *offered]) if sha256 in self._document.texts]

    def _texts(self) -> Iterator[str]:
        yield f"<section>\n<h2>{_e(tr('License texts'))}</h2>"
        yield f"<p>{_e(tr('Each text is the one that was shown. Its SHA-256 is that of its exact bytes.'))}</p>"
        for sha256, anchor in self._anchors.items():
            data = self._document.texts[sha256]
            ids = dict.fromkeys(each.license for each in self._document.records if each.text_sha256 == sha256)
            names = ", ".join(self._names.get(each, each) for each in ids if each) or tr("License text")
            size = tr("{count} bytes, SHA-256 {sha256}").format(count=len(data), sha256=sha256)
            yield f'<article class="text" id="{anchor}">\n<h3>{_v(names)}</h3>\n<p><code>{_e(size)}</code></p>'
            yield f"<pre>\n{_e(printable(decode_text(data), keep=_LINES))}</pre>\n</article>"
        yield "</section>"

    def _link(self, sha256: str) -> str:
        if not sha256:
            return ""
        anchor = self._anchors.get(sha256)
        if anchor is None:
            return f"<small>{_e(tr('text not kept'))}</small>"
        return f'<a href="#{anchor}">{_e(tr("text"))} {_e(sha256[:12])}…</a>'


def _sealed(place: str) -> str:
    if place == "keyring":
        return tr("Its newest record is sealed with a key in the system's keyring.")
    if place == "file":
        return tr("Its newest record is sealed with a key in a file of the same account, not in a keyring.")
    return tr("Nothing in it is sealed.")


def _table(
    heads: Iterable[str], rows: Iterable[tuple[str, ...]], ids: Iterable[str] | None = None, kind: str = "table"
) -> str:
    head = "".join(f'<th scope="col">{_e(name)}</th>' for name in heads)
    names = iter(ids) if ids is not None else None
    body = []
    for row in rows:
        name = f' id="{next(names)}"' if names is not None else ""
        body.append(f"<tr{name}>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>")
    lines = "\n".join(body)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"
    return f'<div class="wide {kind}">{table}</div>'


def _code(text: str) -> str:
    return f"<code>{_v(text)}</code>" if text else ""


def _v(value: str) -> str:
    """A value from elsewhere: it can neither be markup, nor turn around what stands beside it."""
    return f"<bdi>{escape(printable(value, keep=_LINES))}</bdi>" if value else ""


def _e(text: str) -> str:
    return escape(text)
