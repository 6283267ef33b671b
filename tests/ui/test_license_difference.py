"""What changed in a license is shown within a bound on the work, however its text was made."""

import pytest

from desktop.licenses import license_diff as module
from desktop.licenses.license_diff import diff_paragraphs
from desktop.ui.licenses.text_changes import difference_paragraphs, word_runs

HOSTILE = [
    ("a " * 3000, "a b " * 1500),
    ("a b " * 1500, "b a a " * 1000),
    ("a\n\n" * 3000, "a\n\nb\n\n" * 1500),
    ("\n\n".join(f"x{n} y" for n in range(700)), "\n\n".join(f"y z{n}" for n in range(700))),
    ("\n\n".join("a b " * n for n in range(120)), "\n\n".join("b a " * n for n in range(120))),
    (
        "\n\n".join(f"k{n}\n\n" + "a b " * 300 for n in range(200)),
        "\n\n".join(f"k{n}\n\n" + "b a a " * 200 for n in range(200)),
    ),
    ("x" * 400_000, "x" * 399_999 + "y"),
    ("\n\n".join(["p"] * 60_000), "\n\n".join(["q"] * 60_000)),
]


@pytest.mark.parametrize(("old", "new"), HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_makes_a_comparison_long(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: words and paragraphs are compared a bounded number of times."""
    counted = {"comparisons": 0}

    class Counting(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            counted["comparisons"] += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    plain = module.edit_script

    def counting(before: list[str], after: list[str], *more: int) -> list[module.SequenceEdit]:
        return plain(list(map(Counting, before)), list(map(Counting, after)), *more)

    monkeypatch.setattr("desktop.licenses.license_diff.edit_script", counting)
    monkeypatch.setattr("desktop.ui.licenses.text_changes.edit_script", counting)
    shown = difference_paragraphs(diff_paragraphs(old, new))
    assert counted["comparisons"] < 6_000_000
    gone = "".join(each.text for each in shown if each.kind in ("removed", "same")) + "".join(
        line for each in shown for line in each.lines
    )
    assert len(gone.replace("\n", "").replace(" ", "")) == len(old.replace("\n", "").replace(" ", ""))


def test_both_texts_are_shown_whole_where_too_much_differs() -> None:
    old = "\n\n".join(f"old {n}" for n in range(3000))
    new = "\n\n".join(f"new {n}" for n in range(3000))
    shown = difference_paragraphs(diff_paragraphs(old, new))
    assert [each.kind for each in shown] == ["removed", "added"]
    assert (shown[0].text, shown[1].text) == (old.replace("\n\n", "\n"), new.replace("\n\n", "\n"))


def test_a_small_change_in_a_long_paragraph_is_found() -> None:
    old = " ".join(f"word{n}" for n in range(20_000))
    before, after = word_runs(old, old.replace("word7777", "other"))
    assert [piece.text for piece in before if piece.changed] == ["word7777"]
    assert [piece.text for piece in after if piece.changed] == ["other"]
