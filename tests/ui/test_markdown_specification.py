"""The count of the specifications' examples: it reads what is drawn, and it does not let a difference pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from desktop.ui.theme.theme import Theme

TOP = Path(__file__).resolve().parents[2]
Differs = Callable[[str, str], str]

ALIKE = {
    "looks": ("a *b* **c** `d` ~~e~~", "<p>a <em>b</em> <strong>c</strong> <code>d</code> <del>e</del></p>"),
    "link": ("[*to*](/here?a=1&b=2)", '<p><a href="/here?a=1&amp;b=2"><em>to</em></a></p>'),
    "image": ("![seen](/picture.png)", '<p><img src="/picture.png" alt="seen" /></p>'),
    "list": ("- a\n- b\n\nc", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<p>c</p>"),
    "nested list": ("- a\n  - b\n- c", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n<li>c</li>\n</ul>"),
    "numbers": ("7. a\n8. b", '<ol start="7">\n<li>a</li>\n<li>b</li>\n</ol>'),
    "quotes": ("> a\n> > b", "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>"),
    "code": ("```py\nx = 1\n```", '<pre><code class="language-py">x = 1\n</code></pre>'),
    "rule": ("a\n\n---", "<p>a</p>\n<hr />"),
    "tag in words": ("a <span>c</span>", "<p>a <span>c</span></p>"),
    "table": (
        "|a|b|\n|-|-|\n|c|`d`|",
        "<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td><code>d</code></td></tr></table>",
    ),
}

UNLIKE = {
    "look": ("*a*", "<p><strong>a</strong></p>"),
    "target": ("[a](/b)", '<p><a href="/c">a</a></p>'),
    "number": ("2. a", '<ol start="3">\n<li>a</li>\n</ol>'),
    "depth": ("- a\n- b", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
    "no list": ("- a", "<p>- a</p>"),
    "no quote": ("> a", "<p>a</p>"),
    "after the list": ("- a\n\n  b", "<ul>\n<li>a</li>\n</ul>\n<p>b</p>"),
    "language": ("```py\nx\n```", '<pre><code class="language-c">x\n</code></pre>'),
    "cell": ("|a|\n|-|\n|b|", "<table><tr><th>a</th></tr><tr><td>c</td></tr></table>"),
    "more": ("a\n\nb", "<p>a</p>"),
    "less": ("a", "<p>a</p>\n<p>b</p>"),
    "no rule": ("a", "<p>a</p>\n<hr />"),
}


@pytest.fixture
def differs(qapp: QApplication, monkeypatch: pytest.MonkeyPatch) -> Differs:
    """How Markdown as it is drawn differs from an HTML; "" where it does not."""
    monkeypatch.syspath_prepend(str(TOP / "packaging"))
    from markdown_specification import Example, compare

    theme = Theme(TOP / "resources", "light")
    return lambda markdown, page: compare(theme, Example("own", 1, "Own", markdown, page), 0)


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_drawn_as_it_should_be_agrees(differs: Differs, name: str) -> None:
    assert not differs(*ALIKE[name])


@pytest.mark.parametrize("name", UNLIKE)
def test_what_is_drawn_otherwise_differs(differs: Differs, name: str) -> None:
    assert differs(*UNLIKE[name])


def test_examples_are_found_in_a_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOP / "packaging"))
    from markdown_specification import examples

    fence = "`" * 32
    text = f"## Plain\n\n{fence} example\na→b\n.\n<p>a→b</p>\n{fence}\n\n"
    text += (
        f"## More (extension)\n\n{fence} example table\nc\n.\n<p>c</p>\n{fence}\n<!-- END TESTS -->\n{fence} example\n"
    )
    both, added = list(examples("own", text)), list(examples("own", text, extensions=True))
    assert [(each.number, each.section, each.markdown, each.html) for each in both] == [
        (1, "Plain", "a\tb\n", "<p>a\tb</p>\n"),
        (2, "More (extension)", "c\n", "<p>c</p>\n"),
    ]
    assert added == both[1:]
