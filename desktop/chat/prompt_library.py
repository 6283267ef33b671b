"""The library of prompts: texts with variables that a person puts into a message. Some are built in; a person's own
lie in one JSON file.

A damaged file is set aside under another name and never overwritten. What a newer version wrote and this one does not
know is kept as it is: single fields, and prompts that cannot be used here.
"""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from desktop.chat.named_values_file import FileSentences, NamedValuesFile, check_name
from desktop.errors import NotFoundError, UserError
from desktop.translation import tr
from desktop.unknown_fields import unknown_fields

LONGEST_PROMPT = 200_000
"""Characters that the text of a prompt has at most."""


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text to put into a message, with variables (see `prompt_text`), and what it is for in a few words."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_PROMPT)]
    description: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class PromptNameError(UserError):
    """A prompt cannot have this name, or this text."""


def built_in_prompts() -> dict[str, Prompt]:
    """Those that come with Latchkey, by what is typed after "/"; in the person's language."""
    text = "\n\n{{" + tr("text") + "}}"
    code = "\n\n```\n{{" + tr("code") + "}}\n```"
    return {
        "summarize": Prompt(
            tr(
                "Summarize the text below in {{number of sentences|5}} sentences. Keep names, figures and dates; add "
                "nothing that is not in it. Then list open questions, if there are any."
            )
            + text,
            tr("The main points of a text, in a few sentences"),
        ),
        "translate": Prompt(
            tr(
                "Translate the text below into {{language|English}}. Keep its tone and its formatting, and leave names "
                "and code as they are. Give the translation alone."
            )
            + text,
            tr("A text in another language, in the same tone"),
        ),
        "proofread": Prompt(
            tr(
                "Correct spelling, grammar and punctuation of the text below, and change nothing else. Give the "
                "corrected text first, then a list of what you changed and why."
            )
            + text,
            tr("Mistakes corrected, and each change explained"),
        ),
        "rewrite": Prompt(
            tr(
                "Rewrite the text below so that it is {{how it shall be|shorter and clearer}}. Keep what it says. Give "
                "the new text alone."
            )
            + text,
            tr("The same said otherwise: shorter, friendlier, more formal"),
        ),
        "explain": Prompt(
            tr(
                "Explain {{what}} to somebody who {{what they know|hears of it for the first time}}. Begin with one "
                "sentence that says what it is, then give an example, then say what is often misunderstood."
            ),
            tr("What something is, with an example"),
        ),
        "explain-code": Prompt(
            tr(
                "Explain the code below: what it is for, then step by step how it works. Name mistakes and cases that "
                "it does not handle."
            )
            + code,
            tr("What code does, and where it may fail"),
        ),
        "review-code": Prompt(
            tr(
                "Review the code below. Name faults first, each with an input that shows it and the smallest change "
                "that mends it; then what is hard to read. Say so where there is nothing to find."
            )
            + code,
            tr("Faults in code, and how to mend them"),
        ),
        "reply": Prompt(
            tr(
                "Write a reply to the message below. It shall say: {{what it shall say}}. Tone: {{tone|friendly and "
                "short}}. Write in the language of the message."
            )
            + text,
            tr("An answer to a message, in the tone you want"),
        ),
        "extract-table": Prompt(
            tr(
                "Put what the text below says into a table with these columns: {{columns}}. Use one row for each "
                "entry, and leave a cell empty where the text does not say it."
            )
            + text,
            tr("Facts of a text, as a table"),
        ),
        "questions": Prompt(
            tr(
                "Ask me, one after the other, the questions whose answers you need to {{what you shall do}}. Wait for "
                "each answer before you ask the next."
            ),
            tr("Lets the model ask before it begins"),
        ),
    }


class PromptLibrary:
    """The prompts on disk. `problem` says what was wrong with the file, or with a prompt in it, or is ""."""

    def __init__(self, path: Path) -> None:
        self._file = NamedValuesFile(path, "prompts", _sentences())
        self._unusable = ""

    @property
    def problem(self) -> str:
        return self._unusable or self._file.problem

    def prompts(self) -> dict[str, Prompt]:
        """Every prompt by its name, in the order of the alphabet; a person's own in place of a built-in one of that
        name, and without those that were removed. Raises ResourceError where the file cannot be read."""
        values = self._file.read()
        gone = {name for name, raw in values["prompts"].items() if raw is None}
        found = {**built_in_prompts(), **self._usable(values)}
        return {name: found[name] for name in sorted(found, key=str.casefold) if name not in gone}

    def find(self, name: str) -> Prompt:
        """The prompt of that name. Raises NotFoundError, ResourceError."""
        found = self.prompts().get(name)
        if found is None:
            raise _no_prompt(name)
        return found

    def own_names(self) -> set[str]:
        """The names of a person's own prompts, those in place of built-in ones among them."""
        return set(self._usable(self._file.read()))

    def removed_names(self) -> set[str]:
        """The names of built-in prompts that were removed."""
        return {name for name, raw in self._file.read()["prompts"].items() if raw is None} & set(built_in_prompts())

    def set(self, name: str, prompt: Prompt, before: str = "") -> None:
        """Keep `prompt` under `name`, in place of the one called `before` where that is another name. Raises
        PromptNameError where it cannot be, UserError where there is one of a newer version, ResourceError where it
        cannot be written."""
        check_name(name, PromptNameError, tr("A prompt cannot be called that."))
        try:
            msgspec.convert(msgspec.to_builtins(prompt), Prompt)
        except msgspec.ValidationError as error:
            raise PromptNameError(
                tr("A prompt cannot say that."),
                tr("It has between 1 and {count} characters.").format(count=f"{LONGEST_PROMPT:,}"),
                tr("Write another text."),
            ) from error
        with self._file.change() as values:
            prompts = values["prompts"]
            stored = prompts.get(name)
            if stored is not None and name not in self._usable(values):
                raise UserError(
                    tr("The prompt {name} cannot be changed.").format(name=name),
                    self.problem,
                    tr("Choose another name, or remove it: “latchkey prompts remove {name}”.").format(name=name),
                )
            renamed = before not in ("", name)
            if renamed and name in self.prompts():
                raise PromptNameError(
                    tr("There is a prompt {name} already.").format(name=name), "", tr("Choose another name.")
                )
            known = stored if stored is not None else prompts.get(before)
            prompts[name] = unknown_fields(Prompt, known) | msgspec.to_builtins(prompt)
            if renamed:
                self._take_out(prompts, before)

    def remove(self, name: str) -> Any:
        """Take a prompt out of the library; in place of a person's own one of a built-in name that comes back. What was
        stored of it, for `restore`. Raises NotFoundError, ResourceError."""
        with self._file.change() as values:
            prompts = values["prompts"]
            if prompts.get(name) is None and (name in prompts or name not in built_in_prompts()):
                raise _no_prompt(name)
            return self._take_out(prompts, name)

    def restore(self, name: str, stored: Any) -> None:
        """Bring back a prompt as `remove` gave it. Raises ResourceError."""
        with self._file.change() as values:
            if stored is None:
                values["prompts"].pop(name, None)
            elif values["prompts"].get(name) is None:
                values["prompts"][name] = stored

    def restore_built_in(self) -> None:
        """Bring back all built-in prompts that were removed. Raises ResourceError."""
        with self._file.change() as values:
            values["prompts"] = {name: raw for name, raw in values["prompts"].items() if raw is not None}

    @staticmethod
    def _take_out(prompts: dict[str, Any], name: str) -> Any:
        """Take `name` out of the file's prompts: a built-in one is kept out by an entry that says nothing."""
        stored = prompts.pop(name, None)
        if stored is None and name in built_in_prompts():
            prompts[name] = None
        return stored

    def _usable(self, values: dict[str, Any]) -> dict[str, Prompt]:
        """A person's own prompts that this version can use; `problem` says it of one that it cannot."""
        usable: dict[str, Prompt] = {}
        for name, raw in values["prompts"].items():
            if raw is None:
                continue
            try:
                usable[name] = msgspec.convert(raw, Prompt)
            except msgspec.ValidationError as error:
                self._unusable = tr("The prompt {name} cannot be used here and is kept as it is ({reason}).").format(
                    name=name, reason=error
                )
        return usable


def _sentences() -> FileSentences:
    return FileSentences(
        tr("The prompts could not be read."),
        tr("The prompt could not be saved."),
        tr("The prompts are damaged ({reason})."),
        tr("The file of prompts is damaged ({reason}); it is kept as {file}."),
        tr("it holds no prompts"),
    )


def _no_prompt(name: str) -> NotFoundError:
    return NotFoundError(
        tr("There is no prompt {name}.").format(name=name), "", tr("“latchkey prompts list” names them.")
    )
