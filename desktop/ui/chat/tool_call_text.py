"""What is said of calls of tools, in words."""

import re
from collections.abc import Sequence

from desktop.byte_size import size_text
from desktop.chat.tool_call_words import permission_words
from desktop.safe_text import BIDI_MARKS, CONTROLS
from desktop.tools.tool_server import BUILT_IN
from desktop.translation import tr, trn
from desktop.ui.chat.answer_stretches import ShownToolCall
from desktop.ui.parts.untrusted_text import isolated, plain_line

LONGEST_NAME = 128
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+')
_STEERS = re.compile(f"[{CONTROLS}{BIDI_MARKS}\u00ad\u180e\u200b\u2060-\u2064\ufeff]")
_DEEPEST = 40


def tool_name(call: ShownToolCall) -> str:
    """The tool with its server before it; what comes with Latchkey has the tool's name alone."""
    tool = isolated(plain_line(call.tool[:LONGEST_NAME])) or tr("a tool without a name")
    if call.server in ("", BUILT_IN):
        return tool
    return f"{isolated(plain_line(call.server[:LONGEST_NAME]))} · {tool}"


def time_text(seconds: float) -> str:
    """How long a call took: "2 ms", "1.4 s", "3 min 5 s"."""
    if seconds < 1:
        return tr("{count} ms").format(count=max(round(seconds * 1000), 1))
    if seconds < 60:
        return tr("{count} s").format(count=f"{seconds:.1f}")
    return tr("{minutes} min {seconds} s").format(minutes=int(seconds // 60), seconds=int(seconds % 60))


def outcome_text(call: ShownToolCall) -> str:
    """What a call is at, or how it ended; "" where there is nothing to say."""
    words = {
        "asked": tr("asks you"),
        "waiting": tr("waiting"),
        "running": tr("running"),
        "failed": tr("failed"),
        "denied": tr("denied"),
        "cancelled": tr("stopped"),
    }
    return words.get(call.status or "", "")


def fold_title(calls: Sequence[ShownToolCall], elapsed: float = 0.0) -> str:
    """The line of calls of one tool that went alike: "calculator · 1 call · 2 ms · allowed for this chat"."""
    first = calls[0]
    parts = [tool_name(first), trn("1 call", "{count} calls", len(calls)).format(count=f"{len(calls):,}")]
    parts.append(outcome_text(first))
    seconds = sum(call.seconds for call in calls)
    if first.status == "running" and elapsed >= 1:
        parts.append(tr("{count} s").format(count=int(elapsed)))
    elif first.status in ("done", "failed") and seconds > 0:
        parts.append(time_text(seconds))
    parts.append(permission_words(first.by) if first.status in ("done", "running", "denied") else "")
    if first.written:
        parts.append(tr("arguments changed by you"))
    return " · ".join(filter(None, parts))


def facts_text(call: ShownToolCall) -> str:
    """Server, tool, outcome, permission, time and size of a call, each with its name."""
    servers = {"": tr("not known"), BUILT_IN: tr("none, it runs in Latchkey")}
    facts = [
        (tr("Server: {what}"), servers.get(call.server) or isolated(plain_line(call.server[:LONGEST_NAME]))),
        (tr("Tool: {what}"), isolated(plain_line(call.tool[:LONGEST_NAME]))),
        (tr("Outcome: {what}"), tr("done") if call.status == "done" else outcome_text(call)),
        (tr("Permission: {what}"), permission_words(call.by)),
        (tr("Time: {what}"), time_text(call.seconds) if call.seconds > 0 else ""),
        (tr("Result: {what}"), size_text(call.size) if call.size else ""),
    ]
    return " · ".join(words.format(what=said) for words, said in facts if said)


def indented_json(text: str) -> str:
    r"""JSON with a line for each value, token by token as it was written: no number, key or escape becomes another one.

    What steers or is unseen stands as its escape (`\u202e`), which in JSON means the same. Text that is no JSON, or is
    nested very deeply, stays as it was written.
    """
    if text.lstrip()[:1] not in ("{", "["):
        return escaped_json(text)
    lines: list[str] = []
    line, depth, before = "", 0, ""
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in "}]":
            depth = max(depth - 1, 0)
            if before in ("{", "["):
                line += token
            else:
                lines.append(line)
                line = "  " * depth + token
        else:
            if before in ("{", "[", ","):
                lines.append(line)
                line = "  " * depth
            elif before and token not in (",", ":") and before != ":":
                line += " "
            line += token + (" " if token == ":" else "")
            depth += token in "{["
            if depth > _DEEPEST:
                return escaped_json(text)
        before = token
    return escaped_json("\n".join([*lines, line]))


def escaped_json(text: str) -> str:
    """JSON text in which what steers or is unseen stands as its escape."""
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
