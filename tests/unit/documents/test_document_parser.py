"""What is read of each format, what is refused, and what is told; parsed in this process."""

import datetime
import io
import zipfile
from dataclasses import dataclass
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import parse_xml

from desktop.documents.reader import page_writer
from desktop.documents.reader.document_parser import parse_document
from desktop.documents.reader.refused_file import RefusedFileError
from desktop.documents.reader_messages import PageText
from desktop.documents.reading_words import note_text
from tests.fakes.document_files import odt, pdf, with_member, zipped

BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
ODT_KIND = "application/vnd.oasis.opendocument.text"
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
OLD_OFFICE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)


@dataclass
class Parsed:
    """Pages by number, their labels, and the rest."""

    pages: dict[int, str]
    labels: dict[int, str]
    media_type: str
    paged: bool
    notes: list[str]

    @property
    def text(self) -> str:
        return self.pages[1]


def parsed(data: bytes, suffix: str = "", password: str = "") -> Parsed:
    sent: list[PageText] = []
    read = parse_document(data, suffix, password, sent.append)
    pages: dict[int, str] = {}
    for page in sent:
        pages[page.number] = pages.get(page.number, "") + page.text
    labels = {page.number: page.label for page in sent if page.label}
    return Parsed(pages, labels, read.media_type, read.paged, [note_text(note) for note in read.notes])


def problem(data: bytes, suffix: str = "", password: str = "") -> str:
    with pytest.raises(RefusedFileError) as caught:
        parsed(data, suffix, password)
    return caught.value.problem


def saved(document: Any) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


# --- text ---

RUSSIAN = "Это русский текст, который написан в старой кодировке. Проверим, что он читается."
JAPANESE = "これは日本語の文章です。文字コードを調べています。"
GERMAN = "Grüße aus Köln, schöne Straße. “Der Fluß” führt übermäßig viel Wasser — café, naïve."
HEBREW = "זה טקסט בעברית שנכתב בקידוד ישן מאוד"


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("a\r\nb\rc ä 字", "utf-8", ""),
        ("a\r\nb\rc ä 字", "utf-8-sig", ""),
        ("a\r\nb\rc ä 字", "utf-16", ""),
        ("a\r\nb\rc ä 字", "utf-32", ""),
        ("Some words, ä and ö.", "utf-16-le", "utf-16-le"),
        ("Some words, ä and ö.", "utf-16-be", "utf-16-be"),
        (GERMAN, "cp1252", "cp1252"),
        (RUSSIAN, "koi8_r", "koi8-r"),
        (RUSSIAN, "cp1251", "cp1251"),
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (HEBREW, "cp1255", "cp1255"),
    ],
)
def test_text_is_read_in_its_encoding_and_a_guess_is_told(text: str, encoding: str, told: str) -> None:
    read = parsed(text.encode(encoding), ".txt")
    assert read.text == text.replace("\r\n", "\n").replace("\r", "\n")
    assert (told in " ".join(read.notes)) if told else read.notes == []


def test_a_wrong_byte_costs_itself_alone() -> None:
    read = parsed("ä".encode() * 50 + b"\xff" + "ö".encode() * 50)
    assert read.text == "ä" * 50 + "\ufffd" + "ö" * 50
    assert "no characters" in read.notes[0]


def test_what_is_not_seen_or_acts_is_left_out() -> None:
    hidden = "".join(chr(0xE0000 + ord(sign)) for sign in "obey")
    read = parsed(f"\x1b[2Jwords{hidden}\x00\ufeff \xadin\fa\vrow".encode().replace(b"\0", b""))
    assert read.text == "[2Jwords in\na\nrow"


def test_no_text_and_no_file() -> None:
    assert problem(bytes(5000), ".txt") == "binary"
    assert problem(bytes(range(1, 32)) * 30, ".txt") == "binary"
    empty = parsed(b"", ".pdf")
    assert (empty.pages, empty.notes) == ({1: ""}, ["The file is empty."])


def test_more_than_is_taken_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_writer, "MOST_CHARACTERS", 10)
    read = parsed(b"0123456789abc")
    assert (read.text, read.notes) == ("0123456789", ["It has more than 10 characters; what comes after is left out."])
    assert parsed(b"0123456789").notes == []
    monkeypatch.setattr(page_writer, "MOST_PAGES", 2)
    read = parsed(pdf(["a", "b", "c"]))
    assert (read.pages, read.notes) == ({1: "a", 2: "b"}, ["It has more than 2 pages; what comes after is left out."])


# --- tables as text, HTML, e-mail ---


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        ('name;amount\n"a; b";3\n"two\nlines";4\n', ".csv"),
        ('name,amount\n"a; b",3\n"two\nlines",4\n', ".csv"),
        ('name\tamount\na; b\t3\n"two\nlines"\t4\n', ".tsv"),
    ],
)
def test_a_table_is_read_row_by_row(data: str, suffix: str) -> None:
    assert parsed(data.encode(), suffix).text == "name\tamount\na; b\t3\ntwo lines\t4\n"


def test_html_gives_its_text_alone() -> None:
    page = """<!DOCTYPE html><html><head><title>T</title><meta charset=windows-1252><style>p{}</style>
        <script>if (a < b) { "</p>" }</script></head><body><h2>Head</h2><p>One &amp; two<br>th\xefrd
        line</p><ul><li>x<li>y</ul><noscript>no</noscript><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>
        <pre>  code\n    x</pre><svg><text>no</text></svg><img src="file:///etc/passwd" alt="pic"></body></html>"""
    read = parsed(page.encode("cp1252"))
    assert read.media_type == "text/html"
    assert read.text == "T\n\n## Head\n\nOne & two\nthïrd line\n\n- x\n- y\n\na\tb\nc\n\n  code\n    x\n\n[pic]"


def test_mail_gives_its_headers_and_text_and_names_what_is_attached() -> None:
    mail = (
        b"Received: by x\r\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x>\r\nTo: a@b\r\nSubject: =?utf-8?b?SGVsbG8=?=\r\n"
        b"Content-Type: multipart/mixed; boundary=B\r\n\r\n"
        b"--B\r\nContent-Type: multipart/alternative; boundary=C\r\n\r\n"
        b"--C\r\nContent-Type: text/plain; charset=no-such\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Gr=FC=DFe aus K=F6ln\r\n--C\r\nContent-Type: text/html\r\n\r\n<p>other form</p>\r\n--C--\r\n"
        b"--B\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\nContent-Type: text/html\r\n\r\n<b>old</b> one\r\n"
        b"--B\r\nContent-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="\xe2\x80\xaex.pdf"\r\n\r\nz\r\n'
        b"--B--\r\n"
    )
    read = parsed(mail)
    assert read.media_type == "message/rfc822"
    assert read.text == "From: Jörg <j@x>\nTo: a@b\nSubject: Hello\n\nGrüße aus Köln\n\nSubject: inner\n\nold one\n\n"
    assert read.notes[0].startswith("1 attachment is not read: ")
    assert "\u202e" not in read.notes[0]


# --- PDF ---


def test_pages_of_a_pdf_with_their_labels_and_those_without_text() -> None:
    labels = "/PageLabels << /Nums [0 << /S /r >> 2 << /S /D /St 1 >>] >>"
    read = parsed(pdf(["Hello (world) \xe4\nsecond line", "", "third", "", ""], labels=labels))
    assert read.pages == {1: "Hello (world) ä\nsecond line", 2: "", 3: "third", 4: "", 5: ""}
    assert read.labels == {1: "i", 2: "ii", 3: "1", 4: "2", 5: "3"}
    assert (read.media_type, read.paged) == ("application/pdf", True)
    assert read.notes == ["3 pages hold no text, as scanned pages do: 2, 4–5."]
    assert parsed(pdf(["", ""])).notes == ["None of its pages holds text: it seems to be scanned."]


def test_a_pdf_with_a_password_asks_for_it() -> None:
    data = pdf(["Secret"], password="pässword")
    assert problem(data) == "password-needed"
    assert problem(data, password="other") == "password-wrong"
    assert parsed(data, password="pässword").text == "Secret"


@pytest.mark.parametrize("data", [b"%PDF-1.7 and no more", pdf(["x"] * 5)[:300], b"%PDF-" + bytes(2000)])
def test_a_broken_pdf_is_damaged(data: bytes) -> None:
    assert problem(data) == "damaged"


def test_a_broken_page_is_told_and_the_others_are_read() -> None:
    data = pdf(["one", "two", "three"]).replace(b"/Kids [4 0 R 6 0 R", b"/Kids [4 0 R 3 0 R")
    read = parsed(data)
    assert (read.pages[1], read.pages[3]) == ("one", "three")
    assert read.notes == ["1 page is damaged and could not be read: 2."]


# --- documents of office programs ---


def word_document() -> bytes:
    document = docx.Document()
    document.add_heading("Report", 1)
    document.add_paragraph("item", style="List Bullet")
    table = document.add_table(2, 2)
    for index, text in enumerate(("a", "b", "c", "d\ne")):
        table.cell(index // 2, index % 2).text = text
    section = document.sections[0]
    section.header.paragraphs[0].text, section.footer.paragraphs[0].text = "Head", "Foot"
    changed = (
        f'<w:p {WORD}><w:r><w:t xml:space="preserve">kept </w:t></w:r>'
        '<w:ins w:id="1"><w:r><w:t>new</w:t></w:r></w:ins>'
        '<w:del w:id="2"><w:r><w:delText>old</w:delText></w:r></w:del><w:r><w:tab/><w:t>x</w:t>'
        '<w:footnoteReference w:id="2"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>'
    )
    document.element.body.insert(0, parse_xml(changed))
    data = saved(document)
    notes = (
        f'<w:footnotes {WORD}><w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>-</w:t></w:r></w:p></w:footnote>'
    )
    notes += '<w:footnote w:id="2"><w:p><w:r><w:t>the note</w:t></w:r></w:p></w:footnote></w:footnotes>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    links = docx.Document(io.BytesIO(data)).part.rels
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    listed = "".join(
        f'<Relationship Id="{each.rId}" Type="{each.reltype}" Target="{each.target_ref}"/>' for each in links.values()
    )
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    data = with_member(
        data,
        "word/_rels/document.xml.rels",
        f'<Relationships xmlns="{rels}">{listed}<Relationship Id="rId99" Type="{relation}" Target="footnotes.xml"/>'
        "</Relationships>",
    )
    data = with_member(data, "word/footnotes.xml", notes)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        declared = archive.read("[Content_Types].xml").decode()
    override = f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/></Types>'
    return with_member(data, "[Content_Types].xml", declared.replace("</Types>", override))


def test_a_word_document_is_read_as_if_its_changes_were_accepted() -> None:
    read = parsed(word_document(), ".docx")
    assert read.text == ("kept new\tx[^2]\n\n# Report\n\n- item\n\na\tb\nc\td e\n\nHead\n\nFoot\n\n[^2]: the note\n\n")
    assert read.notes == ["It has tracked changes; it was read as if all of them were accepted."]


def test_an_open_document_is_read_as_if_its_changes_were_accepted() -> None:
    body = (
        "<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>"
        '<text:h text:outline-level="2">Head</text:h><text:p>One<text:s text:c="3"/>two<text:tab/>x<office:annotation>'
        "<text:p>no</text:p></office:annotation><text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>the note</text:p></text:note-body></text:note></text:p>"
        "<text:list><text:list-item><text:p>item</text:p>"
        "</text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>a</text:p>"
        "</table:table-cell><table:table-cell><text:p>b</text:p><text:p>c</text:p></table:table-cell></table:table-row>"
        "</table:table>"
    )
    styles = (
        "<style:master-page><style:header><text:p>Above</text:p></style:header></style:master-page><text:p>no</text:p>"
    )
    read = parsed(odt(body, styles=styles), ".odt")
    assert read.text == "## Head\n\nOne   two\tx [the note]\n\n- item\n\na\tb c\n\nAbove\n\n"
    assert read.notes == ["It has tracked changes; it was read as if all of them were accepted."]


def test_sheets_are_pages_called_by_their_names() -> None:
    book = openpyxl.Workbook()
    first = book.active
    first.title = "Ausgaben"
    for row in (["Name", "Amount"], ["x", 3.0], [None], [datetime.date(2024, 1, 2), True, 0.1]):
        first.append(row)
    hidden = book.create_sheet("Other")
    hidden.sheet_state = "hidden"
    hidden["XFD1000"] = "far"
    read = parsed(saved(book), ".xlsx")
    assert read.pages == {1: "Name\tAmount\nx\t3\n2024-01-02\tTRUE\t0.1\n", 2: "\tfar\n"}
    assert read.labels == {1: "Ausgaben", 2: "Other"}
    assert (read.paged, read.notes) == (True, ["1 sheet is hidden: Other."])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (OLD_OFFICE, "old-office"),
        (OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), "office-encrypted"),
        (b"{\\rtf1 text}", "rich-text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image"),
        (b"II*\0\x08\0\0\0", "image"),
        (b"\x1f\x8b\x08\0", "archive"),
        (bytes(257) + b"ustar" + bytes(300), "archive"),
        (b"\x7fELF\2\1", "binary"),
        (zipped({"a.txt": "x"}), "archive"),
        (zipped({"mimetype": "application/epub+zip"}), "other-office"),
        (zipped({"mimetype": "application/vnd.oasis.opendocument.presentation"}), "presentation"),
        (zipped({"[Content_Types].xml": "presentationml.presentation.main+xml"}), "presentation"),
        (zipped({"[Content_Types].xml": "application/vnd.ms-excel.sheet.binary.macroEnabled.main"}), "other-office"),
        (zipped({"[Content_Types].xml": "<Types>spreadsheetml.sheet.main+xml</Types>"}), "damaged"),
        (zipped({"mimetype": ODT_KIND}), "damaged"),
        (b"PK\3\4" + bytes(100), "damaged"),
        (odt("x", manifest="<encryption-data/>"), "office-encrypted"),
        (odt("<text:p>&b;</text:p>", declaration=BOMB), "bomb"),
        (with_member(odt("x"), "Pictures/a.bin", bytes(40 << 20)), "bomb"),
        (zipped({"mimetype": ODT_KIND} | dict.fromkeys(map(str, range(20_001)), "")), "bomb"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_told_by_what_it_is(data: bytes, expected: str) -> None:
    assert problem(data, ".docx") == expected


def test_entities_of_a_word_document_do_not_grow() -> None:
    data = with_member(
        word_document(),
        "word/footnotes.xml",
        f'{BOMB}<w:footnotes {WORD}><w:footnote w:id="2">'
        "<w:p><w:r><w:t>a&b;c</w:t></w:r></w:p></w:footnote></w:footnotes>",
    )
    assert "aaaa" not in parsed(data, ".docx").text


def test_words_that_begin_like_a_picture_are_text() -> None:
    assert parsed(b"BMW builds cars.").text == "BMW builds cars."
