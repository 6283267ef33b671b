"""The languages of code: which lexer colors one, in which shades, and how a file of it is called."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygments.lexer import Lexer

LONGEST_COLORED = 100_000
"""Code of more characters stays in one color."""
_LONGEST_LINE = 2_000
"""So does code with a longer line: a lexer takes a line at a time, some in time that grows with its square."""
_LONGEST_NAME = 40
_PATTERN = re.compile(r"\*(\.[a-z0-9+]{1,12})")
_FILES = {
    "dockerfile": "Dockerfile",
    "docker": "Dockerfile",
    "makefile": "Makefile",
    "make": "Makefile",
    "cmake": "CMakeLists.txt",
}
_SUFFIXES = {
    "": ".txt",
    "bash": ".sh",
    "c": ".c",
    "c++": ".cpp",
    "cpp": ".cpp",
    "csharp": ".cs",
    "cs": ".cs",
    "css": ".css",
    "csv": ".csv",
    "diff": ".diff",
    "go": ".go",
    "html": ".html",
    "java": ".java",
    "javascript": ".js",
    "js": ".js",
    "json": ".json",
    "jsx": ".jsx",
    "kotlin": ".kt",
    "latex": ".tex",
    "tex": ".tex",
    "lua": ".lua",
    "markdown": ".md",
    "md": ".md",
    "mermaid": ".mmd",
    "perl": ".pl",
    "php": ".php",
    "powershell": ".ps1",
    "py": ".py",
    "python": ".py",
    "r": ".R",
    "ruby": ".rb",
    "rust": ".rs",
    "rs": ".rs",
    "sh": ".sh",
    "shell": ".sh",
    "sql": ".sql",
    "svg": ".svg",
    "swift": ".swift",
    "text": ".txt",
    "toml": ".toml",
    "ts": ".ts",
    "tsx": ".tsx",
    "typescript": ".ts",
    "txt": ".txt",
    "xml": ".xml",
    "yaml": ".yaml",
    "yml": ".yaml",
    "zsh": ".zsh",
}
"""Those that models write most, mermaid among them, which Pygments does not know."""


@cache
def code_shades() -> dict[Any, str]:
    """Which token of the theme colors which kind of Pygments'; kinds that are not named go by the one above them."""
    from pygments.token import Token

    return {
        Token.Keyword: "keyword",
        Token.Operator.Word: "keyword",
        Token.Literal.String: "string",
        Token.Literal.Number: "number",
        Token.Comment: "comment",
        Token.Name.Function: "function",
        Token.Name.Class: "function",
        Token.Name.Decorator: "function",
        Token.Name.Tag: "keyword",
        Token.Name.Attribute: "function",
    }


def coloring_lexer(code: str, language: str) -> "Lexer | None":
    """The lexer that colors `code`, in a language as fences name it; None where it stays in one color."""
    if len(code) > LONGEST_COLORED or max(map(len, code.split("\n"))) > _LONGEST_LINE:
        return None
    return lexer_of(language.lower())


@lru_cache(maxsize=100)
def lexer_of(language: str) -> "Lexer | None":
    """The lexer of a language as fences name it; None where there is none."""
    if not language or len(language) > _LONGEST_NAME or language in ("text", "txt", "plain", "mermaid"):
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def file_name(language: str) -> str:
    """The name to propose for a file of code in `language`: "code.py". The language is a model's words: only names
    known here or to Pygments give a suffix, all others ".txt"."""
    wanted = language.lower()
    if wanted in _FILES:
        return _FILES[wanted]
    suffix = _SUFFIXES.get(wanted)
    if suffix is None:
        lexer = lexer_of(wanted)
        patterns = lexer.filenames if lexer is not None else ()
        found = (match[1] for pattern in patterns if (match := _PATTERN.fullmatch(pattern)))
        suffix = next(found, ".txt")
    return "code" + suffix
