"""Where an answer goes as it comes: to a terminal, down a pipe, or nowhere."""

from typing import Protocol

from desktop.cli.output import Output
from desktop.engine.interface import Engine
from desktop.translation import tr

_MOST_HELD = 200
"""Characters that wait: a sentence or two, as thinking that is not opened may be. Longer thinking is told to have been
that once it ends."""


class Speaker(Protocol):
    """Takes an answer as it comes."""

    def say(self, text: str, thinking: bool) -> None:
        """More of it."""

    def restate(self, text: str, thinking: str) -> None:
        """It is this so far, in place of what was said of it."""

    def finish(self) -> None:
        """It is over."""


class QuietSpeaker:
    """Writes nothing."""

    def say(self, text: str, thinking: bool) -> None:
        pass

    def restate(self, text: str, thinking: str) -> None:
        pass

    def finish(self) -> None:
        pass


class AnswerSpeaker:
    """Writes an answer as it comes; its thinking dimly before it, where a person looks on.

    Down a pipe nothing can be taken back. So what a model that marks its thinking says first waits there, for a moment:
    until its thinking was told, the answer is over, or there is too much of it for whoever waits at the other end.
    """

    def __init__(self, output: Output, engine: Engine) -> None:
        self._output, self._engine = output, engine
        self._thought = False
        self._told_thinking = False
        self._held = ""
        self._said = ""

    def say(self, text: str, thinking: bool) -> None:
        if thinking:
            self._release()
            self._output.dim(text)
            self._told_thinking = True
        elif self._holds(text):
            self._held += text
            return
        else:
            if self._thought:
                self._output.dim("\n\n")
            self._release()
            self._write(text)
        self._thought = thinking

    def restate(self, text: str, thinking: str) -> None:
        said = self._said
        if not said and not self._told_thinking:
            self._output.dim(thinking)
            self._thought = True
        self._held, self._told_thinking = "", True
        if said and not text.startswith(said):
            self._output.write("\n\n")
            note = tr("What stands above was thinking; the answer begins here.")
            self._output.note(tr("The last of what stands above was thinking.") if text else note)
            self._thought = False
        more = "" if said.startswith(text) else text.removeprefix(said)
        self._said = said if more else text
        if more:
            self.say(more, False)

    def finish(self) -> None:
        self._release()
        self._thought = self._told_thinking = False
        self._said = ""

    def _write(self, text: str) -> None:
        self._said += text
        self._output.write(text)

    def _holds(self, text: str) -> bool:
        model = self._engine.model
        waits = not self._output.terminal and not self._told_thinking and model is not None and model.thinks
        return waits and not self._said and len(self._held) + len(text) <= _MOST_HELD

    def _release(self) -> None:
        held, self._held = self._held, ""
        if held:
            self._write(held)
