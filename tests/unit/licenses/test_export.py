"""What leaves the ledger: four forms of one content, each safe to open, none half written."""

import base64
import csv
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from desktop.errors import NotFoundError, ResourceError, UserError
from desktop.licenses.export import (
    ExportedAncestor,
    ExportedLicense,
    ExportedModel,
    ExportedRestriction,
    UnknownExportFormatError,
    write_export,
)
from desktop.licenses.ledger import Ledger, LedgerSnapshot
from desktop.licenses.ledger_record import LedgerEvent, LedgerRecord
from tests.fakes.ledgers import RECORDS, TEXTS, OpenLedger, acknowledged, edit, fill

EVIL = "\u202e</td><script>alert(1)</script>\"'& \x1b[31m\x00 👩‍💻 שרה\r\nnext\ud83d"
MODELS = (
    ExportedModel(
        "llama-2-7b",
        "Llama 2 7B",
        "Meta",
        "meta/llama",
        (ExportedLicense("LicenseRef-Llama-2", "Llama 2 Community License"),),
        (ExportedRestriction("user-cap", "Llama 2 7B", "more than 700 million monthly users"),),
    ),
    ExportedModel(
        "alpaca",
        "Alpaca",
        "Stanford",
        "tatsu-lab/alpaca",
        (
            ExportedLicense("CC-BY-NC-4.0", "CC BY-NC 4.0", "CC-BY-NC-4.0", hashlib.sha256(TEXTS[2]).hexdigest()),
            ExportedLicense("LicenseRef-LLaMA", "LLaMA License"),
        ),
        (ExportedRestriction("non-commercial", "LLaMA", "§ 2"), ExportedRestriction("research-only", "LLaMA")),
        (ExportedAncestor("llama-7b", "LLaMA 7B"), ExportedAncestor("davinci", "text-davinci-003 outputs")),
    ),
)


@pytest.fixture
def ledger(home: Path, open_ledger: OpenLedger) -> Ledger:
    ledger = open_ledger(home)
    fill(ledger)
    ledger.append(
        acknowledged(
            ledger, "evil", "=EVIL()", b"<b>\x00 text</b>\r\n", person=EVIL, organization="+1", note="@SUM(A1)"
        )
    )
    return ledger


def write(path: Path, found: LedgerSnapshot, models: tuple[ExportedModel, ...] = MODELS) -> str:
    write_export(
        path, found.records, found.texts, found.check, models=models, app_version="0.1.0", machine="box", os_user="ada"
    )
    return path.read_bytes().decode()


# --- JSON ------------------------------------------------------------------------------------------------------------


def test_json_holds_everything(tmp_path: Path, ledger: Ledger) -> None:
    whole = json.loads(write(tmp_path / "ledger.json", ledger.snapshot()))
    records = ledger.records()
    assert [LedgerRecord(**record) for record in whole["records"]] == records
    texts = {
        sha256: base64.b64decode(text["base64"]) if "base64" in text else text["text"].encode()
        for sha256, text in whole["texts"].items()
    }
    assert set(TEXTS) < set(texts.values())
    assert all(hashlib.sha256(data).hexdigest() == sha256 for sha256, data in texts.items())
    assert whole["head"] == {"seq": RECORDS + 1, "hash": records[-1].hash}
    assert whole["check"]["ok"] is True
    assert (whole["machine"], whole["os_user"], whole["app_version"]) == ("box", "ada", "0.1.0")
    assert "cannot" not in whole["check"]["reason"]
    assert "key that never leaves" in whole["about"]


def test_json_can_be_checked_by_other_means(tmp_path: Path, ledger: Ledger) -> None:
    """As `about` in it tells: with nothing but a JSON library and SHA-256."""
    whole = json.loads(write(tmp_path / "ledger.json", ledger.snapshot()))
    previous = "0" * 64
    for record in whole["records"]:
        rest = {name: value for name, value in record.items() if name != "hash"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert record["previous"] == previous
        assert record["hash"] == hashlib.sha256(text.encode()).hexdigest()
        previous = record["hash"]


# --- CSV -------------------------------------------------------------------------------------------------------------


def test_csv_is_a_table_that_no_spreadsheet_computes(tmp_path: Path, ledger: Ledger) -> None:
    text = write(tmp_path / "ledger.csv", ledger.snapshot())
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == RECORDS + 1
    assert list(rows[0])[:3] == ["seq", "time", "event"]
    assert set(rows[0]) == {*LedgerRecord.__struct_fields__, "text_differs"}
    assert [int(row["seq"]) for row in rows] == list(range(1, RECORDS + 2))
    last = rows[-1]
    assert (last["license"], last["organization"], last["note"]) == ("'=EVIL()", "'+1", "'@SUM(A1)")
    assert all(not value.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for value in row.values())
    assert "\x1b" not in text
    assert "\x00" not in text
    assert text.endswith("\r\n")
    assert rows[4]["hash"] == ledger.records()[4].hash


def test_csv_of_nothing_has_its_head(tmp_path: Path, home: Path, open_ledger: OpenLedger) -> None:
    text = write(tmp_path / "ledger.csv", open_ledger(home).snapshot())
    assert text.startswith("seq,time,event,model,")
    assert text.count("\r\n") == 1


# --- HTML ------------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser would make of the report."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def test_the_report_is_one_file_that_does_nothing(tmp_path: Path, ledger: Ledger) -> None:
    text = write(tmp_path / "ledger.html", ledger.snapshot())
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "img", "iframe", "link", "object", "form", "b"})
    for _, attributes in page.tags:
        assert "style" not in attributes
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    policy = next(attributes for _, attributes in page.tags if attributes.get("http-equiv"))["content"] or ""
    style = text[text.index("<style>") + 7 : text.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "</td><script>alert(1)</script>\"'&" in page.text


def test_the_report_links_each_acceptance_to_its_text(tmp_path: Path, ledger: Ledger) -> None:
    page = Page(write(tmp_path / "ledger.html", ledger.snapshot()))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [(attributes["href"] or "")[1:] for tag, attributes in page.tags if tag == "a"]
    assert links
    assert set(links) <= set(ids)
    for text in ("You may use it for research.", "Nur für Forschung.", "<b>␀ text</b>"):
        assert text in page.text


@pytest.mark.parametrize(
    "expected",
    [
        "Record of model licenses",
        "box",
        "The ledger holds",
        "Llama 2 Community License",
        "more than 700 million monthly users",
        "Stanford",
        "LLaMA 7B, text-davinci-003 outputs",
        "non-commercial",
        "Engines Ltd",
        "revoked by record 10",
        "in force",
        "replaced by a later one",
        "The order of the records is that of their numbers.",
        "The clock never went back between two records.",
        "with a key in a file of the same account",
    ],
)
def test_the_report_says(tmp_path: Path, ledger: Ledger, expected: str) -> None:
    assert expected in Page(write(tmp_path / "ledger.html", ledger.snapshot())).text


def test_the_report_says_where_the_clock_went_back(tmp_path: Path, home: Path, open_ledger: OpenLedger) -> None:
    times = iter([3e9, 1e9, 2e9])
    ledger = open_ledger(home, lambda: next(times))
    for _ in range(3):
        ledger.append(LedgerEvent(event="loaded", model="a"))
    page = Page(write(tmp_path / "ledger.html", ledger.snapshot(), ()))
    assert "The clock went back before these records: 2." in page.text
    assert "No license of this model was ever accepted." in page.text


def test_the_report_of_a_broken_ledger_says_so_and_counts_nothing(
    tmp_path: Path, home: Path, ledger: Ledger, open_ledger: OpenLedger
) -> None:
    edit(home, "UPDATE ledger SET person = 'Eve' WHERE seq = 5")
    page = Page(write(tmp_path / "ledger.html", open_ledger(home).snapshot()))
    assert "The ledger does not hold, so nothing in it counts." in page.text
    assert "First bad record: 5." in page.text
    assert "in force" not in page.text


def test_the_report_tells_marked_records_from_those_that_count(tmp_path: Path, home: Path, ledger: Ledger) -> None:
    edit(home, "UPDATE ledger SET person = 'Eve' WHERE seq = 5")
    ledger.append(acknowledged(ledger, "alpaca", "CC-BY-NC-4.0", TEXTS[2]), afresh=True)
    page = Page(write(tmp_path / "ledger.html", ledger.snapshot()))
    assert "Records 1 to 13 are kept, and have not counted since" in page.text
    assert "Record 5 was changed after it was written." in page.text
    assert page.text.count("in force") == 1


# --- CycloneDX -------------------------------------------------------------------------------------------------------


@cache
def strict_validator() -> Callable[[str], object]:
    """The schema's own check of a text. Imported here: its grammars take seconds, in every process that reads this."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str


def bill(path: Path, found: LedgerSnapshot, models: tuple[ExportedModel, ...] = MODELS) -> dict[str, Any]:
    text = write(path, found, models)
    error = strict_validator()(text)
    assert error is None, error
    whole: dict[str, Any] = json.loads(text)
    return whole


def test_the_bill_of_materials_names_each_model_with_its_terms(tmp_path: Path, ledger: Ledger) -> None:
    whole = bill(tmp_path / "ledger.cdx.json", ledger.snapshot())
    components = {component["bom-ref"]: component for component in whole["components"]}
    assert set(components) == {"model:alpaca", "model:dolly", "model:evil", "model:llama-2-7b", "model:vicuna"}
    assert {component["type"] for component in components.values()} == {"machine-learning-model"}
    alpaca = components["model:alpaca"]
    assert (alpaca["name"], alpaca["publisher"], alpaca["supplier"]) == ("Alpaca", "Stanford", {"name": "Stanford"})
    assert alpaca["hashes"] == [{"alg": "SHA-256", "content": "f" * 64}]
    first, second = (each["license"] for each in alpaca["licenses"])
    assert first["id"] == "CC-BY-NC-4.0"
    assert base64.b64decode(first["text"]["content"]) == TEXTS[2]
    assert second["name"] == "LLaMA License"
    considerations = alpaca["modelCard"]["considerations"]
    assert considerations["useCases"] == ["research"]
    assert considerations["ethicalConsiderations"][0] == {
        "name": "non-commercial (LLaMA)",
        "mitigationStrategy": "§ 2",
    }
    assert [each["name"] for each in alpaca["pedigree"]["ancestors"]] == ["LLaMA 7B", "text-davinci-003 outputs"]
    properties = {each["name"]: each["value"] for each in alpaca["properties"]}
    assert properties["latchkey:acknowledgement:CC-BY-NC-4.0:status"] == "in-force"
    llama = components["model:llama-2-7b"]
    assert llama["version"] == "c" * 40
    assert llama["purl"] == f"pkg:huggingface/meta/llama@{'c' * 40}"
    dolly = {each["name"]: each["value"] for each in components["model:dolly"]["properties"]}
    assert dolly["latchkey:acknowledgement:MIT:status"] == "revoked"


def test_the_bill_is_valid_whatever_the_ledger_says(
    tmp_path: Path, home: Path, ledger: Ledger, open_ledger: OpenLedger
) -> None:
    assert len(bill(tmp_path / "a.cdx.json", ledger.snapshot(), ())["components"]) == 5
    serials = {bill(tmp_path / "a.cdx.json", ledger.snapshot())["serialNumber"] for _ in range(2)}
    assert len(serials) == 2
    edit(home, "UPDATE ledger SET person = 'Eve' WHERE seq = 5")
    broken = bill(tmp_path / "a.cdx.json", open_ledger(home).snapshot())
    assert broken["components"] == []
    said = {each["name"]: each["value"] for each in broken["metadata"]["properties"]}
    assert said["latchkey:ledger:holds"] == "false"
    assert said["latchkey:ledger:reason"]
    assert bill(tmp_path / "a.cdx.json", open_ledger(home / "none").snapshot())["components"] == []


# --- written ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ledger", "ledger.txt", "ledger.json.bak", ".json", ".csv", "json", "ledger.cdx"])
def test_an_unknown_form_is_refused(tmp_path: Path, ledger: Ledger, name: str) -> None:
    with pytest.raises(UnknownExportFormatError, match="does not say"):
        write(tmp_path / name, ledger.snapshot())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.json", "a.CSV", "a.Html", "a.cdx.JSON"])
def test_a_file_is_this_persons_alone_and_replaced_whole(tmp_path: Path, ledger: Ledger, name: str) -> None:
    (tmp_path / name).write_text("old " * 100_000)
    write(tmp_path / name, ledger.snapshot())
    assert "old old" not in (tmp_path / name).read_text(encoding="utf-8")
    assert [each.name for each in tmp_path.iterdir()] == [name]
    if sys.platform != "win32":
        assert oct((tmp_path / name).stat().st_mode & 0o777) == "0o600"


def test_a_folder_is_never_replaced(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(ResourceError):
        write(tmp_path / "a.json", ledger.snapshot())
    with pytest.raises(NotFoundError):
        write(tmp_path / "none" / "a.json", ledger.snapshot())
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_link_is_followed_and_stays(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "a.json").symlink_to(tmp_path / "there" / "b.json")
    write(tmp_path / "a.json", ledger.snapshot())
    assert (tmp_path / "a.json").is_symlink()
    assert (tmp_path / "there" / "b.json").is_file()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_what_is_no_file_is_left_alone(tmp_path: Path, ledger: Ledger) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(ResourceError):
        write(tmp_path / "a.json", ledger.snapshot())
    assert (tmp_path / "a.json").is_fifo()


def test_what_cannot_be_written_leaves_the_old_file(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="could not be exported"):
        write(tmp_path / "a.html", ledger.snapshot())
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("a.html", "old")]
