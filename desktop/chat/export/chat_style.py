"""The style sheet of exported chats: the window's look, in the colors of both themes."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_NAMES = (
    *("page", "line", "line_strong", "text", "muted", "faint", "link", "soft", "code", "inline_code", "find"),
    *("warn_text", "keyword", "string", "number", "comment", "function"),
)

_RULES = """
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 768px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 1.6em; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere; }
h2 { font-size: 1.4em; line-height: 1.25; margin: 0 0 6px; overflow-wrap: anywhere; }
.quiet, time, footer, .ending, .missing { color: var(--muted); font-size: .85em; }
.quiet { margin: 0 0 4px; }
nav { margin: 24px 0; } nav li { margin: 2px 0; }
.chat > header { border-bottom: 1px solid var(--line); padding-bottom: 12px; margin-bottom: 20px; }
.chat + .chat, nav + .chat { margin-top: 56px; }
a { color: var(--link); overflow-wrap: anywhere; }
.turn { margin: 0 0 26px; }
.turn > header { display: flex; gap: 12px; align-items: baseline; margin-bottom: 4px; }
.turn h3:first-child { font-size: .9em; margin: 0; font-weight: 600; }
.turn.user { width: fit-content; max-width: 88%; margin-inline-start: auto; background: var(--soft);
  border-radius: 12px; padding: 10px 16px 12px; }
.turn.system { border-inline-start: 3px solid var(--line_strong); padding-inline-start: 14px; color: var(--muted); }
.turn > footer { margin-top: 8px; overflow-wrap: anywhere; }
.ending { margin: 6px 0 0; color: var(--warn_text); }
.plain { white-space: pre-wrap; overflow-wrap: anywhere; }
.words { overflow-wrap: anywhere; }
.words > :first-child { margin-top: 0; } .words > :last-child { margin-bottom: 0; }
.words p, .words ul, .words ol, .words blockquote, .words pre { margin: 0 0 .75em; }
.words h3, .words h4, .words h5, .words h6 { margin: 1.1em 0 .4em; line-height: 1.3; }
.words h3 { font-size: 1.2em; } .words h4 { font-size: 1.08em; } .words h5, .words h6 { font-size: 1em; }
.words li > p { margin-bottom: .3em; }
li.task, li.footnote { list-style: none; } li.footnote > p { display: inline; }
li.footnote .marker { vertical-align: super; font-size: .75em; } .back { text-decoration: none; }
blockquote { border-inline-start: 3px solid var(--line_strong); padding-inline-start: 14px; color: var(--muted);
  margin-inline: 0; }
pre, code, kbd { font-family: "JetBrains Mono", ui-monospace, "Cascadia Code", Menlo, Consolas, monospace; }
code, kbd { font-size: .9em; background: var(--inline_code); border-radius: 4px; padding: .1em .3em; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 7px; padding: 12px 14px; overflow-x: auto;
  line-height: 1.45; text-align: left; }
pre code { background: none; padding: 0; font-size: .86em; }
mark { background: var(--find); color: inherit; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.4em 0; }
.wide { overflow-x: auto; margin: 0 0 .75em; }
table { border-collapse: collapse; font-size: .94em; }
th, td { border: 1px solid var(--line); padding: 5px 10px; text-align: start; vertical-align: top; }
th { background: var(--soft); font-weight: 600; }
td.left, th.left { text-align: left; } td.center, th.center { text-align: center; }
td.right, th.right { text-align: right; }
.display { text-align: center; overflow-x: auto; overflow-y: hidden; padding: 4px 0; }
svg.formula { max-width: 100%; }
.words > .image { margin-top: 10px; }
.image img { max-width: 100%; height: auto; border-radius: 7px; background: #fff; }
details { margin: 0 0 .75em; border: 1px solid var(--line); border-radius: 7px; padding: 6px 12px; }
details > summary { cursor: pointer; color: var(--muted); font-size: .88em; }
details[open] > summary { margin-bottom: 8px; }
details.thinking { color: var(--muted); }
details.others { margin: -14px 0 26px; }
.branch { border-top: 1px solid var(--line); padding-top: 14px; margin-top: 10px; }
.keyword { color: var(--keyword); } .string { color: var(--string); } .number { color: var(--number); }
.comment { color: var(--comment); } .function { color: var(--function); }
@page { margin: 18mm 16mm; }
@media print {
  body { font-size: 10.5pt; background: none; }
  main { max-width: none; padding: 0; }
  .chat + .chat, nav + .chat { break-before: page; margin-top: 0; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  pre, .wide, .display { overflow: visible; }
  .turn > header, h3, h4, h5 { break-after: avoid; }
  tr, img, .formula { break-inside: avoid; }
  thead { display: table-header-group; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
"""


def read_colors(folder: Path) -> dict[str, dict[str, str]]:
    """The colors of the themes "light" and "dark" by name, from `resources/style`. Raises OSError or DecodeError where
    the installation is broken."""
    return {name: _colors((folder / f"{name}.json").read_bytes()) for name in ("light", "dark")}


def style_sheet(colors: Mapping[str, Mapping[str, str]]) -> str:
    """The rules, for a screen in either theme and for paper, which is light."""
    light, dark = _variables(colors["light"]), _variables(colors["dark"])
    return (
        f"\n:root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}{_RULES}"
    )


def _colors(data: bytes) -> dict[str, str]:
    values = msgspec.json.decode(data, type=dict[str, object])
    return {name: value for name, value in values.items() if isinstance(value, str) and _COLOR.fullmatch(value)}


def _variables(colors: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {colors[name]};" for name in _NAMES)
