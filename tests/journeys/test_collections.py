"""`latchkey collections` as a person uses it, with documents that the confined reader reads."""

from pathlib import Path

from tests.journeys.command import latchkey


def test_a_folder_of_documents_is_searched(home: Path, tmp_path: Path) -> None:
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "lease.md").write_text("# Lease\n\nNotice has to be given three months before.", encoding="utf-8")
    (papers / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    assert latchkey("collections", "create", "Papers").code == 0
    added = latchkey("collections", "add", "Papers", str(papers), "--json")
    assert added.code == 0, added
    assert "broken.pdf" in added.err
    assert added.json["read"] == 1
    (best,) = latchkey("collections", "search", "Papers", "When is notice given?", "--json").json
    assert (best["file"], best["page"]) == (str(papers / "lease.md"), None)
    latchkey("collections", "search", "Nothing", "notice").failed_with(3)
    assert latchkey("collections", "add", "Papers", str(papers / "broken.pdf")).code == 7
