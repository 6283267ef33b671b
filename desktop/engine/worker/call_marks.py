"""Which marks begin a call in the answers of one model, and which end its turn behind one: those of its template."""

import re

from desktop.engine.worker.answer_marks import AnswerMark
from desktop.engine.worker.call_grammars import CALL_TOKENS, GRAMMARS
from desktop.engine.worker.chat_template import ChatTemplate

_SPECIAL = re.compile(r"<\|tool_response>|<\|[^<>|\s]{1,40}\|>|<｜[^<>｜\s]{1,40}｜>")
_LLAMA_MARKS = ("<|python_tag|>", "ipython")


def call_marks(template: ChatTemplate) -> list[AnswerMark]:
    """The marks for a table of marks. A template that writes calls without any has them as objects that are all of the
    answer, as Llama 3 has."""
    layout = template.layout
    known = [mark for mark in GRAMMARS if mark != "{" and (template.writes(mark) or mark in layout.sample)]
    if layout.arguments == "written":
        known.append(layout.opens.strip())
    if any(map(template.writes, _LLAMA_MARKS)):
        known.append("<|python_tag|>")
    if not known or any(map(template.writes, _LLAMA_MARKS)):
        known.append("{")
    ends = [mark for mark in _SPECIAL.findall(layout.behind_calls) if mark not in CALL_TOKENS and mark not in known]
    return [
        *(AnswerMark("call", mark) for mark in dict.fromkeys(known)),
        *(AnswerMark("end", mark) for mark in dict.fromkeys(ends[:1])),
    ]
