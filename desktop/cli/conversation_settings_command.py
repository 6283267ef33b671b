"""`latchkey conversations settings`: what the answers of one conversation are asked with; shown, changed and reset."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from desktop.chat.conversation_options import changed_options, own_values
from desktop.cli.answer_settings_arguments import answer_changes
from desktop.cli.asked_tools import asked_servers
from desktop.cli.command_context import CommandContext
from desktop.cli.terminal_input import repair_input
from desktop.conversation import Conversation
from desktop.errors import NotFoundError
from desktop.storage.chat_options_store import ChatOptionsStore
from desktop.translation import tr

_APART = ("system_prompt", "preset", "thinking", "effort", "thinking_budget", "context_length")


def run(options: Namespace, tools: CommandContext, conversation: Conversation) -> None:
    """Change what the options say, and show what the conversation then says itself. Raises NotFoundError."""
    changes = dict(answer_changes(options))
    if options.reset:
        changes = dict.fromkeys(own_values(conversation)) | changes
    if options.context is not None:
        changes["context_length"] = options.context or None
    if options.collection is not None:
        changes["collections"] = _collections(options.collection, tools)
    if options.tools is not None:
        changes["tools"] = asked_servers(options.tools, tools)
    store = ChatOptionsStore(tools.conversation_store.database)
    head = store.change_conversation(conversation.id, lambda now: changed_options(now, changes))
    if head is None:
        raise NotFoundError(tr("There is no conversation {id}.").format(id=conversation.id))
    own = own_values(head)
    if options.json:
        tools.output.json({"id": head.id} | settings_json(own))
    elif own:
        tools.output.table(settings_rows(own))
    else:
        tools.output.line(tr("This conversation has no settings of its own."))


def settings_json(own: Mapping[str, Any]) -> dict[str, Any]:
    """Values as `own_values` gives them, as --json does; null where one is not set. `collections` are there where
    passages are looked for in any, `tools` where the tools of servers are offered."""
    apart = {name: own.get(name) for name in _APART}
    apart |= {name: own[name] for name in ("collections", "tools") if name in own}
    return apart | {"sampling": {name: value for name, value in own.items() if name not in apart}}


def settings_rows(own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The same in words, those that are set."""
    words = {
        "system_prompt": tr("system prompt"),
        "preset": tr("preset"),
        "thinking": tr("thinking"),
        "effort": tr("thinking: effort"),
        "thinking_budget": tr("thinking: most tokens"),
        "context_length": tr("context"),
        "collections": tr("collections"),
        "tools": tr("tools"),
        "max_tokens": tr("most tokens"),
    }
    return [(words.get(name, name.replace("_", " ")), _said(value)) for name, value in own.items()]


def _collections(names: list[str], tools: CommandContext) -> tuple[str, ...]:
    """These collections, none of which is called "". Raises NotFoundError where one is not there."""
    wanted = tuple(dict.fromkeys(repair_input(name) for name in names if name))
    for name in wanted:
        tools.collections.collection(name)
    return wanted


def _said(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return tr("on") if value else tr("off")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
