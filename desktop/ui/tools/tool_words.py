"""What the page of tools says of a tool, of its arguments, and of what a server did, in words."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QDate, QLocale

from desktop.byte_size import size_text
from desktop.safe_text import escape_controls, one_line
from desktop.tools.server_tool import ServerTool
from desktop.tools.tool_log import ToolLogEntry
from desktop.translation import tr, trn
from desktop.ui.parts.label import Tone
from desktop.ui.tools.tools_page_values import ToolFacts, ToolStanding

_MOST_ARGUMENTS = 60
_MOST_VALUES = 12
_LONGEST_TYPE = 80
_LONGEST_SAID = 500


@dataclass(frozen=True)
class ToolArgument:
    """One argument as a schema describes it. `said` and `kind` are the server's words, in one line each."""

    name: str
    kind: str
    required: bool
    said: str


def standing_words(standing: ToolStanding) -> str:
    """What was decided, for a cell of the list."""
    return {
        "ask": tr("Ask every time"),
        "always": tr("Always"),
        "never": tr("Never"),
        "changed": tr("Ask: it changed"),
    }[standing]


def tool_note(facts: ToolFacts) -> tuple[str, Tone] | None:
    """What stands in the way of a tool, in a badge; None for nothing."""
    if facts.denied:
        return tr("denied by policy"), "warn"
    if facts.tool.problem:
        return tr("cannot be called"), "bad"
    if facts.standing == "changed":
        return tr("changed since you agreed"), "warn"
    return None


def tool_says(facts: ToolFacts) -> str:
    """The first of what the server says that a tool does, in one line."""
    if not facts.listed:
        return tr("What it does is said once its server runs.")
    return one_line(facts.tool.description[:_LONGEST_SAID]) or facts.tool.title


def tool_arguments(tool: ServerTool) -> tuple[ToolArgument, ...]:
    """The arguments that a tool's schema names, the required ones first. A schema is a stranger's: anything may stand
    anywhere in it."""
    properties = tool.schema.get("properties")
    required = tool.schema.get("required")
    needed = {each for each in required if isinstance(each, str)} if isinstance(required, list) else set()
    found = [
        ToolArgument(one_line(str(name))[:_LONGEST_TYPE], _kind(given), name in needed, _said(given))
        for name, given in list(properties.items() if isinstance(properties, dict) else ())[:_MOST_ARGUMENTS]
    ]
    return tuple(sorted(found, key=lambda each: not each.required))


def argument_names(tool: ServerTool) -> str:
    """The names of a tool's arguments, for a cell of the list."""
    return ", ".join(each.name for each in tool_arguments(tool)[:_MOST_VALUES])


def first_arguments(tool: ServerTool) -> str:
    """JSON to begin with: each required argument with an empty value of its kind, or the default that is named."""
    properties = tool.schema.get("properties")
    required = tool.schema.get("required")
    values: dict[str, Any] = {}
    for name in (required if isinstance(required, list) else [])[:_MOST_ARGUMENTS]:
        given = properties.get(name) if isinstance(properties, dict) and isinstance(name, str) else None
        if isinstance(name, str):
            values[name] = _empty(given)
    return escape_controls(json.dumps(values, ensure_ascii=False, indent=2))


def _kind(given: Any) -> str:
    if not isinstance(given, dict):
        return ""
    choices = given.get("enum")
    if isinstance(choices, list):
        shown = " | ".join(json.dumps(each, ensure_ascii=False)[:40] for each in choices[:_MOST_VALUES])
        return one_line(shown)[:_LONGEST_TYPE]
    kind = given.get("type")
    return one_line(" | ".join(map(str, kind)) if isinstance(kind, list) else str(kind or ""))[:_LONGEST_TYPE]


def _said(given: Any) -> str:
    said = given.get("description") if isinstance(given, dict) else None
    return one_line(said[:_LONGEST_SAID]) if isinstance(said, str) else ""


def _empty(given: Any) -> Any:
    if not isinstance(given, dict):
        return ""
    default = given.get("default")
    if isinstance(default, str | int | float | bool):
        return default
    choices = given.get("enum")
    if isinstance(choices, list) and choices and isinstance(choices[0], str | int):
        return choices[0]
    return {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}.get(str(given.get("type")), "")


# --- what a server did -----------------------------------------------------------------------------------------------


def outcome_words(entry: ToolLogEntry) -> tuple[str, str]:
    """What happened, and the name of the color it is told in."""
    return {
        "started": (tr("started"), "muted"),
        "not-started": (tr("did not start"), "bad_text"),
        "called": (tr("called"), "text"),
        "done": (tr("answered"), "good_text"),
        "failed": (tr("failed"), "bad_text"),
        "denied": (tr("denied"), "warn_text"),
        "asked": (tr("you were asked"), "text"),
        "cancelled": (tr("cancelled"), "muted"),
    }.get(entry.outcome, (entry.outcome, "text"))


def permission_words(by: str) -> str:
    """By what permission a call was made."""
    return {"always": tr("always allowed"), "approval": tr("you approved it"), "built-in": tr("built in")}.get(by, by)


def reason_words(entry: ToolLogEntry) -> str:
    """Why, or what it was started with."""
    known = {
        "policy": tr("a policy denies it"),
        "server-not-allowed": tr("the server is off"),
        "never": tr("you decided: never"),
        "nobody-to-ask": tr("nobody was there to be asked"),
        "unusable": tr("its definition cannot be used"),
        "new": tr("nothing was decided for it"),
        "changed": tr("it changed since you agreed"),
    }
    if entry.outcome == "started":
        known = {
            "landlock+seccomp; network: none": tr("confined, without network"),
            "landlock+seccomp; network: shared": tr("confined, with network"),
        }
    return known.get(entry.reason, one_line(entry.reason))


def arguments_words(entry: ToolLogEntry) -> str:
    """The tool, and which arguments it was given: their values are not written down."""
    if not entry.tool:
        return ""
    return f"{one_line(entry.tool)} ({', '.join(one_line(each) for each in entry.arguments)})"


def bytes_words(size: int) -> str:
    """A count of bytes, "" for none."""
    return size_text(size) if size else ""


def seconds_words(seconds: float) -> str:
    """How long something took, "" where that is not known."""
    if not seconds:
        return ""
    if seconds < 1:
        return tr("{count} ms").format(count=max(1, round(seconds * 1000)))
    return tr("{count} s").format(count=f"{seconds:.1f}")


def time_words(at: str, now: datetime) -> str:
    """A time of the log as a person says it; as it is written where it is none."""
    try:
        time = datetime.fromisoformat(at).astimezone()
    except (ValueError, OverflowError):
        return one_line(at)[:30]
    clock = time.strftime("%H:%M:%S")
    if time.date() == now.date():
        return clock
    day = QLocale().toString(QDate(time.year, time.month, time.day), QLocale.FormatType.ShortFormat)
    return f"{day} {clock}"


def local_now() -> datetime:
    """The time now, where this computer is."""
    return datetime.now(UTC).astimezone()


def result_words(seconds: float, size: int, parts: int) -> str:
    """How a call went: how long it took, how much came."""
    said = trn("{count} part", "{count} parts", parts).format(count=parts)
    return " · ".join(each for each in (seconds_words(seconds), bytes_words(size), said if parts > 1 else "") if each)
