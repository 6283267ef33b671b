"""What a model writes becomes thinking and answer: one row for each family and for each oddity of its marks."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop.engine.worker.answer_marks import TAG_STYLES, MarkTable, end_marks
from desktop.engine.worker.answer_text import AnswerText, ShownText, TextReplacement
from desktop.engine.worker.chat_template import ChatTemplate
from tests.fakes.families_historic import HISTORIC
from tests.fakes.families_today import TODAY

CATALOG = tomllib.loads((Path(__file__).resolve().parents[3] / "models.toml").read_text(encoding="utf-8"))
PROMPTS = {prompt["id"]: prompt for prompt in CATALOG["prompt"]}
FAMILIES = {family.prompt: family for family in (*HISTORIC, *TODAY)}


def template(after_question: str, after_answer: str, before_question: str = "", opens: str = "") -> str:
    """A chat template that writes these between the turns, and `opens` before an answer that is to come."""
    return (
        "{% for m in messages %}{% if m.role == 'user' %}" + before_question + "{{ m.content }}" + after_question
        + "{% elif m.role == 'assistant' %}{{ m.content }}" + after_answer
        + "{% else %}{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}" + opens + "{% endif %}"
    )  # fmt: skip


# Families that the catalog has no prompt for, as their files' own templates write them.
OWN = {
    "seed-oss": template("<seed:eos><seed:bos>assistant\n", "<seed:eos>", "<seed:bos>user\n"),
    "kimi": template("<|im_end|><|im_assistant|>assistant<|im_middle|>", "<|im_end|>", "<|im_user|>user<|im_middle|>"),
    "exaone": template("\n", "[|endofturn|]\n", "[|user|]", "[|assistant|]"),
    "hunyuan": template("<｜hy_Assistant｜>", "<｜hy_place▁holder▁no▁2｜>", "<｜hy_User｜>"),
    "glm": template("<|assistant|>", "", "<|user|>\n"),
    "ernie": template("\nAssistant: ", "<|end_of_sentence|>", "User: "),
    "minimax": template("[e~[\n]~b]ai\n", "[e~[\n", "]~b]user\n", "<think>\n"),
    "magistral": template("[/INST]", "</s>", "[INST]"),
    "command-a": template("<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>",
                          "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>"),
    "apriel": template("<|end|>\n<|begin_assistant|>\n", "\n<|end|>\n", "<|begin_user|>\n",
                       "Here are my reasoning steps:\n"),
    "pangu": template("[unused10][unused9]助手：", "[unused10]", "[unused9]用户："),
    "plain-roles": template("\nassistant: ", "\n", "user: "),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`family` is a prompt of the catalog or one of OWN; the rest is what the model says, and what becomes of it.

    SAME stands for what it says.
    """

    name: str
    family: str
    says: str
    text: str
    thinking: str = ""
    ended: bool = False


def answer_of(row: Row, size: int) -> tuple[str, str, bool]:
    """(answer, thinking, whether the turn was ended by a mark) of what the model says, in pieces of `size` bytes."""
    family, prompt = FAMILIES.get(row.family), PROMPTS.get(row.family, {})
    bos, eos = (family.bos, family.eos) if family else ("<s>", "</s>")
    chat = ChatTemplate(prompt["template"] if prompt else OWN[row.family], bos, eos)
    marks = end_marks(
        chat.after_answer, chat.before_answer, bos=bos, spelled=[eos], stops=prompt.get("stops", ())
    ).marks()
    tail = chat.before_answer.rstrip()
    opened = next((style for style in TAG_STYLES if tail.endswith(style.opens)), None)
    header = tail[tail.rfind("<|start|>") :] if "<|start|>" in tail else None
    answer = AnswerText(opened=opened, table=MarkTable(marks), header=header)
    told: list[tuple[str, bool]] = []
    data = row.says.encode()
    shown: list[ShownText] = []
    for at in range(0, len(data), size):
        shown += answer.feed(data[at : at + size])
        if answer.stopped:
            break
    for each in [*shown, *answer.finish()]:
        if isinstance(each, TextReplacement):
            told = [part for part in each.parts if isinstance(part, tuple)]
        elif isinstance(each, tuple):
            told.append(each)
    text = "".join(text for text, thinking in told if not thinking)
    return text, "".join(text for text, thinking in told if thinking), answer.stopped


HARMONY, SAME = "gpt-oss-harmony", "=="
ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
NEXT = "<|end|><|start|>assistant"

FAMILY_ROWS = [
    Row("opened by the model", "qwen3", "<think>\nhm\n</think>\n\nYes.", "Yes.", "hm"),
    Row("opened by the prompt", "qwen3-think", "hm\n</think>\n\nYes.", "Yes.", "hm"),
    Row("opened by prompt and model", "qwen3-think", "<think>\nhm\n</think>\n\nYes.", "Yes.", "hm"),
    Row("opened by the prompt", "deepseek-r1", "hm</think>Yes.", "Yes.", "hm"),
    Row("opened by the prompt", "olmo-3-think", "hm</think>Yes.", "Yes.", "hm"),
    Row("opened by the prompt", "nemotron-h", "hm\n</think>\n\nYes.", "Yes.", "hm"),
    Row("not opened", "smollm3", "hm\n</think>\nYes.", "Yes.", "hm"),
    Row("with a response", "granite-3", "<think>hm</think><response>Yes.</response>", "Yes.", "hm"),
    Row("in words", "granite-3", "Here is my thought process: hm\n\nHere is my response: Yes.", "Yes.", "hm"),
    Row("thinks", "phi-4", "<think>hm</think>\n\nYes.", "Yes.", "hm"),
    Row("a channel", "gemma-4", "<|channel>thought\nhm\n<channel|>Yes.", "Yes.", "hm"),
    Row("an empty channel", "gemma-4", "<|channel>thought\n<channel|>Yes.", "Yes."),
    Row("thinks", "command-r7b",
        "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Yes.", "hm"),
    Row("thinks", "command-a", "<|START_THINKING|>hm<|END_THINKING|><|START_TEXT|>Yes.<|END_TEXT|>", "Yes.", "hm"),
    Row("thinks", "apertus", "<|inner_prefix|>hm<|inner_suffix|>Yes.", "Yes.", "hm"),
    Row("thinks", "seed-oss", "<seed:think>hm</seed:think>Yes.", "Yes.", "hm"),
    Row("thinks", "kimi", "◁think▷hm◁/think▷Yes.", "Yes.", "hm"),
    Row("thinks", "exaone", "<thought>\nhm\n</thought>\n\nYes.", "Yes.", "hm"),
    Row("an answer in a tag", "hunyuan", "<think>\nhm\n</think>\n<answer>\nYes.\n</answer>", "Yes.\n", "hm"),
    Row("a box", "glm", "<think>hm</think>It is <|begin_of_box|>42<|end_of_box|>.", "It is 42.", "hm"),
    Row("a response", "ernie", "<think>\nhm\n</think>\n\n<response>\nYes.\n</response>", "Yes.\n", "hm"),
    Row("opened by the prompt", "minimax", "hm\n</think>\n\nYes.", "Yes.", "hm"),
    Row("another tag", "glm", "<mm:think>hm</mm:think>Yes.", "Yes.", "hm"),
    Row("thinks", "magistral", "[THINK]hm[/THINK]Yes.", "Yes.", "hm"),
    Row("not opened", "magistral", "hm[/THINK]Yes.", "Yes.", "hm"),
    Row("steps", "apriel", "one\ntwo\n[BEGIN FINAL RESPONSE]\nYes.\n[END FINAL RESPONSE]", "Yes.\n", "one\ntwo"),
    Row("unused tokens", "pangu", "[unused16] hm [unused17] Yes.", "Yes.", "hm"),
]  # fmt: skip

CHANNEL_ROWS = [
    Row("analysis, final", HARMONY, f"{ANALYSIS}hm{NEXT}{FINAL}Yes.", "Yes.", "hm"),
    Row("final alone", HARMONY, f"{FINAL}Yes.<|return|>No.", "Yes.", ended=True),
    Row("no header", HARMONY, "Yes, that is so.", SAME),
    Row("no channel", HARMONY, "<|message|>Yes.<|return|>", "Yes.", ended=True),
    Row("a word to the person", HARMONY,
        f"<|channel|>commentary<|message|>I look.{NEXT}{FINAL}Yes.", "I look.\n\nYes."),
    Row("a call", HARMONY,
        f'{ANALYSIS}hm{NEXT}<|channel|>commentary to=functions.look <|constrain|>json<|message|>{{"a": 1}}<|call|>more',
        "", 'hm\n\n{"a": 1}', True),
    Row("recipient first", HARMONY,
        f"{ANALYSIS}hm{NEXT} to=functions.look<|channel|>commentary<|constrain|>json<|message|>{{}}{NEXT}{FINAL}Yes.",
        "Yes.", "hm\n\n{}"),
    Row("recipient at once", HARMONY,
        " to=functions.look<|channel|>commentary <|constrain|>json<|message|>{}<|call|>", "", "{}", True),
    Row("constraint before channel", HARMONY, f"<|constrain|>json{FINAL}{{}}", "{}"),
    Row("a constrained answer", HARMONY, '<|channel|>final <|constrain|>json<|message|>{"a": 1}', '{"a": 1}'),
    Row("start again", HARMONY, f"<|start|>assistant{ANALYSIS}hm{NEXT}{FINAL}Yes.", "Yes.", "hm"),
    Row("analysis twice", HARMONY, f"{ANALYSIS}a{NEXT}{ANALYSIS}b{NEXT}{FINAL}Yes.", "Yes.", "a\n\nb"),
    Row("no end between", HARMONY, f"{ANALYSIS}hm<|start|>assistant{FINAL}Yes.", "Yes.", "hm"),
    Row("no start between", HARMONY, f"{ANALYSIS}hm<|end|>assistant{FINAL}Yes.", "Yes.", "hm"),
    Row("channel after channel", HARMONY, f"{ANALYSIS}hm{FINAL}Yes.", "Yes.", "hm"),
    Row("late analysis", HARMONY, f"{FINAL}Yes.{NEXT}{ANALYSIS}hm{NEXT}{FINAL}Sure.", "Yes.\n\nSure.", "hm"),
    Row("never final", HARMONY, f"{ANALYSIS}on and on", "", "on and on"),
    Row("the person played", HARMONY, f"{FINAL}Yes.<|end|><|start|>user<|message|>And?", "Yes.", ended=True),
    Row("a tool played", HARMONY,
        f"{ANALYSIS}hm<|end|><|start|>functions.look to=assistant<|channel|>commentary<|message|>{{}}", "", "hm",
        True),
    Row("an unknown channel", HARMONY, f"<|channel|>reflection<|message|>hm{NEXT}{FINAL}Yes.", "Yes.", "hm"),
    Row("marks in code", HARMONY,
        f"{FINAL}So:\n```\n<|start|>user<|message|>Hi<|end|>\n```\nThat is it.",
        "So:\n```\n<|start|>user<|message|>Hi<|end|>\n```\nThat is it."),
    Row("upper case", HARMONY, f"<|channel|>Analysis<|message|>hm{NEXT}<|channel|>Final<|message|>Yes.", "Yes.", "hm"),
    Row("a channel without its mark", HARMONY, f"analysis<|message|>hm{NEXT}{FINAL}Yes.", "Yes.", "hm"),
    Row("no end of the header", HARMONY, "<|channel|>final Yes.", "Yes."),
    Row("no end of the header, nor a blank", "chatml", "<|channel|>analysisHere it is.", "", "analysisHere it is."),
    Row("the name of a channel", HARMONY, "analysis is a word.", SAME),
    Row("marks in a list", HARMONY, f"{FINAL}Marks:\n\n- <|start|>\n- <|end|>\n", "Marks:\n\n- <|start|>\n- <|end|>\n"),
    Row("another family's end", "chatml", f"{ANALYSIS}hm{NEXT}{FINAL}Yes.<|im_end|>more", "Yes.", "hm", True),
    Row("talk: a mark at the beginning", "chatml", "<|channel|> begins a header.", SAME),
    Row("talk: another mark at the beginning", "chatml", "<|start|> begins a message.", SAME),
    Row("talk: a mark alone", "chatml", "<|channel|>", SAME),
    Row("a model that nobody knows", "chatml", f"{ANALYSIS}hm{NEXT}{FINAL}Yes.", "Yes.", "hm"),
]  # fmt: skip

MUSE, TO_USER = "muse-glimmer", "<|start|>assistant to=user<|message|>"

RECIPIENT_ROWS = [
    Row("to itself, to the person", MUSE, f" to=self<|message|>hm<|eom|>{TO_USER}Yes.", "Yes.", "hm"),
    Row("its ends are tokens nobody sees", MUSE, f" to=self<|message|>hm{TO_USER}Yes.", "Yes.", "hm"),
    Row("to the person alone", MUSE, " to=user<|message|>Yes.<|eot|>No.", "Yes.", ended=True),
    Row("to nobody", MUSE, "<|message|>Yes.", "Yes."),
    Row("twice to itself", MUSE,
        f" to=self<|message|>a<|eom|><|start|>assistant to=self<|message|>b<|eom|>{TO_USER}Yes.", "Yes.", "a\n\nb"),
    Row("never to the person", MUSE, " to=self<|message|>on and on", "", "on and on"),
    Row("a call", MUSE, ' to=look<|message|><atem:function_calls>', "", "<atem:function_calls>"),
    Row("a word, then a call", MUSE, " to=user<|message|>I look.<|eom|><|start|>assistant to=look<|message|>{}",
        "I look.", "{}"),
    Row("the person played", MUSE, " to=user<|message|>Yes.<|eom|><|start|>user<|message|>And?", "Yes.", ended=True),
    Row("marks in code", MUSE, " to=user<|message|>So:\n```\n<|start|>user<|message|>Hi<|eot|>\n```\nThat is it.",
        "So:\n```\n<|start|>user<|message|>Hi<|eot|>\n```\nThat is it."),
]  # fmt: skip

THINKING_ROWS = [
    Row("not opened", "chatml", "They greet.\n</think>\n\nHello!", "Hello!", "They greet."),
    Row("not opened, in one line", "chatml", "They greet.</think>Hello!", "Hello!", "They greet."),
    Row("not opened, with blanks", "chatml", "They greet </think> Hello!", "Hello!", "They greet"),
    Row("not opened, brackets", "chatml", "They greet.\n[/THINK]\n\nHello!", "Hello!", "They greet."),
    Row("not opened, upper case", "chatml", "They greet.\n</THINK>\n\nHello!", "Hello!", "They greet."),
    Row("not opened, with code in it", "chatml", "```\na\n```\nhm\n</think>\nHello!", "Hello!", "```\na\n```\nhm"),
    Row("closed twice", "chatml", "<think>hm</think>\n</think>\nHello!", "Hello!", "hm"),
    Row("closed twice, not opened", "chatml", "hm\n</think>\n</think>\nHello!", "Hello!", "hm"),
    Row("opened twice", "chatml", "<think>\n<think>\nhm\n</think>\nHello!", "Hello!", "hm"),
    Row("closed at once", "chatml", "</think>\n\nHello!", "Hello!"),
    Row("empty", "chatml", "<think>\n\n</think>\n\nHello!", "Hello!"),
    Row("empty, in one", "chatml", "<think></think>Hello!", "Hello!"),
    Row("white space in the marks", "chatml", "<think >\nhm\n</think >\nHello!", "Hello!", "hm"),
    Row("attributes", "chatml", '<think type="deep" n=2>hm</think>Hello!', "Hello!", "hm"),
    Row("upper case", "chatml", "<THINK>hm</Think>Hello!", "Hello!", "hm"),
    Row("white space before", "chatml", " \n\n<think>hm</think>Hello!", "Hello!", "hm"),
    Row("another tag closes", "chatml", "<think>hm</thinking>Hello!", "Hello!", "hm"),
    Row("a second block", "chatml", "<think>a</think>\nHello.\n\n<think>b</think>\n\nYou.", "Hello.\n\nYou.", "a\n\nb"),
    Row("blocks one after another", "chatml", "<think>a</think>\n<think>b</think>\nHello.", "Hello.", "a\n\nb"),
    Row("a late block", "chatml", "Hello.\n<think>\nhm\n</think>\nYou.", "Hello.\nYou.", "hm"),
    Row("a late block in one line", "chatml", "Hello. <think>hm</think> You.", "Hello. You.", "hm"),
    Row("a late block, not opened", "chatml", "<think>a</think>b\n</think>\nHello.", "Hello.", "a\n\nb"),
    Row("a late block, closed twice", "chatml",
        "<think>a</think>\nOne.\n\n<think>b</think>\nc\n</think>\nTwo.", "One.\n\nTwo.", "a\n\nb\n\nc"),
    Row("a late block, never closed", "chatml", "Hello.\n\n<think>\nhm", "Hello.\n\n", "hm"),
    Row("a block in a block", "chatml", "<think>a <think>b</think> c</think>Hello.", "Hello.", "a <think>b\n\nc"),
    Row("closed far too often", "chatml", "<think>a</think>" + "b\n</think>\n" * 40 + "Hello.",
        "b\n</think>\n" * 24 + "Hello.", "a" + "\n\nb" * 16),
    Row("never closed", "chatml", "<think>on and on", "", "on and on"),
    Row("never closed, in words", "chatml", "Here is my thought process: go.", SAME),
    Row("closed at the end alone", "chatml", "Hello!\n</think>", "Hello!\n"),
    Row("closed in a fence alone", "chatml", "<think>\n```\nx\n</think>\n\nHello!", "Hello!", "```\nx"),
    Row("a mark in code inside thinking", "chatml",
        "<think>The tag `</think>` ends.\n</think>\nHello!", "Hello!", "The tag `</think>` ends."),
    Row("a mark in a fence inside thinking", "chatml",
        "<think>\n```\n</think>\n```\nhm\n</think>\nHello!", "Hello!", "```\n</think>\n```\nhm"),
    Row("a quoted mark inside thinking", "chatml",
        '<think>"</think>" ends.\n</think>Hello!', "Hello!", '"</think>" ends.'),
    Row("talk: code", "chatml", "A model writes `<think>`, then `</think>`.\n\nThat is all.", SAME),
    Row("talk: a fence", "chatml", "So:\n\n```xml\n<think>\nhm\n</think>\n```\n\nThat is all.", SAME),
    Row("talk: tildes", "chatml", "So:\n~~~\nhm\n</think>\n~~~\nThat.", SAME),
    Row("talk: a fence in a list", "chatml", "1. So:\n   ```\n   </think>\n   ```\n2. That.", SAME),
    Row("talk: a sentence", "chatml", "The tag </think> ends it.", SAME),
    Row("talk: the end of a sentence", "chatml", "It ends with </think>.", SAME),
    Row("talk: quotes", "chatml", "It is “</think>” and '</think>' here.", SAME),
    Row("talk: both marks", "chatml", "Use <think>your reasoning</think> so.", SAME),
    Row("talk: a list", "chatml", "- <think>: opens\n- </think>: closes", SAME),
    Row("talk: a table", "chatml", "| </think> | closes |", SAME),
    Row("talk: brackets", "chatml", "It (</think>) ends.", SAME),
    Row("not opened, a common word", "chatml", "hm\n</thinking>\n\nHello!", "Hello!", "hm"),
    Row("not opened, another common word", "exaone", "hm\n</thought>\n\nHello!", "Hello!", "hm"),
    Row("a second block of a common word", "chatml",
        "<thinking>a</thinking>Hello.\n<thinking>b</thinking>You.", "Hello.\nYou.", "a\n\nb"),
    Row("the opener behind thinking", "chatml", "<think>hm</think>\n\n<|im_start|>assistant\nHello!", "Hello!", "hm"),
    Row("the opener in thinking", "chatml", "<think>hm<|im_start|>assistant\nHello!", "Hello!", "hm"),
    Row("an answer's words alone", "chatml", "Here is my response: yes.", SAME),
    Row("talk: an indented block", "chatml", "So:\n\n    <think>\n    hm\n    </think>\n\nThat.", SAME),
    Row("talk: XML", "chatml", "<root>\n  <think>a</think>\n  <answer>b</answer>\n</root>", SAME),
    Row("talk: XML in lines", "chatml", "<root>\n  <think>\n  a\n  </think>\n</root>", SAME),
    Row("talk: marks in a list", "chatml", "Marks:\n\n* <think>\n* </think>\n* <|im_end|>\n\nThat.", SAME),
    Row("talk: marks at a list's end", "chatml", "Marks:\n\n1. <think>\n2. </think>\n3. <|im_end|>\n", SAME),
    Row("talk: a heading", "chatml", "### </think>\n\nIt closes.", SAME),
    Row("talk: a quotation", "chatml", "> </think>\n\nis what it writes.", SAME),
    Row("talk: a block in a sentence", "chatml", "It writes <think>\nhm\n</think>\nand then the answer.", SAME),
    Row("talk: common words", "chatml", "A <reasoning>\nx\n</reasoning>\nB", SAME),
    Row("indented code behind thinking", "chatml", "<think>hm</think>\n\n    a\n    b", "    a\n    b", "hm"),
    Row("indented code behind what was not opened", "chatml", "hm\n</think>\n\n    a\n    b", "    a\n    b", "hm"),
    Row("indented code", "chatml", "\n    a\n    b", "    a\n    b"),
    Row("talk: a common word", "chatml", "A\n<reasoning>x</reasoning>\nB", SAME),
    Row("talk: code at the beginning", "chatml", "`<think>` opens.", SAME),
    Row("no mark", "chatml", "a < b, thinking [THE] end </thin", SAME),
]  # fmt: skip

END_ROWS = [
    Row("its end", "chatml", "Paris.<|im_end|>\n<|im_start|>user\nAnd?<|im_end|>", "Paris.", ended=True),
    Row("its end, with a blank", "chatml", "Paris. <|im_end|> <|im_start|>user", "Paris. ", ended=True),
    Row("the next turn alone", "chatml", "Paris.\n<|im_start|>user\nAnd?", "Paris.\n", ended=True),
    Row("the vocabulary's end", "chatml", "Paris.<|endoftext|>Human", "Paris.", ended=True),
    Row("its opener again", "chatml", "<|im_start|>assistant\nParis.", "Paris."),
    Row("behind code", "chatml", "```\na\n```<|im_end|>\nmore", "```\na\n```", ended=True),
    Row("behind a lone backtick", "chatml", "The ` key.<|im_end|>\nmore", "The ` key.", ended=True),
    Row("behind emphasis", "chatml", "**Paris.**<|im_end|>\nmore", "**Paris.**", ended=True),
    Row("in thinking", "chatml", "<think>hm<|im_end|>more", "", "hm", True),
    Row("behind thinking", "chatml", "<think>hm</think>Paris.<|im_end|>more", "Paris.", "hm", True),
    Row("behind what was not opened", "chatml", "hm\n</think>\nParis.<|im_end|>more", "Paris.", "hm", True),
    Row("its end", "llama-3", "Paris.<|eot_id|><|start_header_id|>user<|end_header_id|>", "Paris.", ended=True),
    Row("the next turn alone", "llama-3", "Paris.\n<|start_header_id|>user<|end_header_id|>", "Paris.\n", ended=True),
    Row("its end", "llama-4", "Paris.<|eot|>more", "Paris.", ended=True),
    Row("its end", "gemma", "Paris.<end_of_turn>\n<start_of_turn>user\nAnd?", "Paris.", ended=True),
    Row("its end", "gemma-4", "Paris.<turn|>\n<|turn>user", "Paris.", ended=True),
    Row("its end", "phi-3", "Paris.<|end|>\n<|user|>", "Paris.", ended=True),
    Row("the next turn alone", "phi-4-mini", "Paris.<|user|>And?", "Paris.", ended=True),
    Row("its end", "mistral-v3", "Paris.</s>[INST] And?", "Paris.", ended=True),
    Row("the next turn alone", "mistral-v7", "Paris.[INST]And?[/INST]", "Paris.", ended=True),
    Row("the next turn alone", "llama-2", "Paris. [INST] And? [/INST]", "Paris. ", ended=True),
    Row("its end", "granite-4", "Paris.<|end_of_text|>more", "Paris.", ended=True),
    Row("its end", "deepseek-r1", "hm</think>Paris.<｜end▁of▁sentence｜>more", "Paris.", "hm", True),
    Row("the next turn alone", "deepseek-r1", "hm</think>Paris.<｜User｜>And?", "Paris.", "hm", True),
    Row("its end", "apertus", "Paris.<|assistant_end|>more", "Paris.", ended=True),
    Row("its end", "zephyr", "Paris.</s>\n<|user|>", "Paris.", ended=True),
    Row("its end", "olmo-2", "Paris.<|endoftext|>\n<|user|>", "Paris.", ended=True),
    Row("its end", "command-r", "Paris.<|END_OF_TURN_TOKEN|>more", "Paris.", ended=True),
    Row("its end", "nemotron-h", "hm</think>Paris.\n<SPECIAL_12>\n<SPECIAL_11>User", "Paris.\n", "hm", True),
    Row("its heading", "alpaca", "Paris.\n\n### Instruction:\nAnd?", "Paris.\n\n", ended=True),
    Row("its label", "vicuna-v1.1", "Paris.\nUSER: And?", "Paris.\n", ended=True),
    Row("its end", "vicuna-v1.1", "Paris.</s>USER: And?", "Paris.", ended=True),
    Row("its end", "seed-oss", "Paris.<seed:eos><seed:bos>user", "Paris.", ended=True),
    Row("its end", "kimi", "Paris.<|im_end|><|im_user|>user", "Paris.", ended=True),
    Row("its end", "exaone", "Paris.[|endofturn|]\n[|user|]", "Paris.", ended=True),
    Row("the next turn alone", "glm", "Paris.\n<|user|>\nAnd?", "Paris.\n", ended=True),
    Row("its end", "ernie", "Paris.<|end_of_sentence|>User: And?", "Paris.", ended=True),
    Row("its end", "hunyuan", "Paris.<｜hy_place▁holder▁no▁2｜>more", "Paris.", ended=True),
    Row("its end", "apriel", "hm\n[BEGIN FINAL RESPONSE]\nParis.\n<|end|>\n<|begin_user|>", "Paris.\n", "hm", True),
    Row("its end", "minimax", "hm</think>Paris.[e~[\n]~b]user", "Paris.", "hm", True),
    Row("its end", "pangu", "[unused16]hm[unused17]Paris.[unused10]more", "Paris.", "hm", True),
    Row("talk: a fence", "chatml", "So:\n```\n<|im_start|>user\nHi<|im_end|>\n```\nThat.", SAME),
    Row("talk: code", "chatml", "It is `<|im_end|>` there.", SAME),
    Row("talk: a sentence", "chatml", "The token <|im_end|> ends a turn.", SAME),
    Row("talk: quotes", "llama-3", 'It is "<|eot_id|>" there.', SAME),
    Row("talk: HTML", "zephyr", "<p><s>old</s> new</p>", SAME),
    Row("talk: HTML with attributes", "zephyr", '<s class="a">old</s> new', SAME),
    Row("talk: HTML and its end", "zephyr", "<s>old</s> new</s>\n<|user|>", "<s>old</s> new", ended=True),
    Row("talk: the mark itself", "gemma", "<end_of_turn> is what ends a turn.", SAME),
    Row("talk: a value", "zephyr", "Its token: </s>\nIts begin: <s>\n", SAME),
    Row("talk: values", "zephyr", "This one: </s>\nThat one: </s>\n", SAME),
    Row("behind a colon", "zephyr", "Here it is:</s>\n<|user|>", "Here it is:", ended=True),
    Row("behind a colon, alone", "zephyr", "Here it is: </s>", "Here it is: ", ended=True),
    Row("behind a marker", "chatml", "a\n- <|im_end|>\n<|im_start|>user", "a\n- ", ended=True),
    Row("talk: a dialogue", "vicuna-v1.1", "So:\n\nUSER: Hi\nASSISTANT: Hello\nUSER: Bye\n", SAME),
    Row("talk: a prompt", "alpaca", "Write:\n\n### Instruction:\nSum.\n\n### Response:\n", SAME),
    Row("talk: a label", "vicuna-v1.1", "Write USER: before it.", SAME),
    Row("talk: a heading in code", "alpaca", "So:\n```\n### Instruction:\n```\nThat.", SAME),
    Row("another family's", "chatml", "Gemma ends with <end_of_turn>\nand Llama with <|eot_id|>\nalways.", SAME),
    Row("another family's HTML", "gemma", "<p>a</s>b</p>", SAME),
    Row("roles of a common word", "plain-roles", "services:\nuser: root\n", SAME),
]  # fmt: skip

ROWS = [*FAMILY_ROWS, *CHANNEL_ROWS, *RECIPIENT_ROWS, *THINKING_ROWS, *END_ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.family}: {row.name}")
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_a_model_says_becomes_thinking_and_answer(row: Row, size: int) -> None:
    assert answer_of(row, size) == (row.says if row.text == SAME else row.text, row.thinking, row.ended)


def test_every_prompt_of_the_catalog_gives_what_ends_its_turns() -> None:
    """All but the continuation of plain text, which has no turns."""
    for name, family in FAMILIES.items():
        chat = ChatTemplate(PROMPTS[name]["template"], family.bos, family.eos)
        marks = end_marks(chat.after_answer, chat.before_answer, bos=family.bos)
        assert bool(marks.special or marks.labels) == (name != "completion"), name
