"""Prints how right citations are: planted ones in 50 answers, and those of the real model.

    python packaging/citation_check.py [--model FILE] [--misses] [--planted]

The documents are the pages in tests/data/recall, put together as two large files that are attached to a chat; the
answers stand in tests/data/citations. For each question passages are looked for as for any answer. Then an answer is
judged that cites rightly, one that cites another passage that was found, one that says of the right passage what does
not stand there, and one that cites a number nobody was given. `--misses` prints what was judged wrongly.

The real model (`make real-model` brings it) is asked the same questions; `--planted` leaves it out.
"""

import argparse
import hashlib
import queue
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP), str(Path(__file__).parent)]

import msgspec  # noqa: E402

from desktop.chat.citations import find_citations  # noqa: E402
from desktop.chat.engine_requests import chat_messages  # noqa: E402
from desktop.chat.passage_finder import PassageFinder, PassageRequest  # noqa: E402
from desktop.conversation import AttachedFilePart, Message, PassagePart, TextPart  # noqa: E402
from desktop.document_content import DocumentContent, DocumentPage  # noqa: E402
from desktop.engine.engine_client import EngineClient  # noqa: E402
from desktop.engine.generation_options import GenerationOptions, SamplingParams  # noqa: E402
from desktop.engine.load_params import LoadParams  # noqa: E402
from desktop.engine.worker_messages import (  # noqa: E402
    AnswerDone,
    Delta,
    GenerateRequest,
    LoadEvent,
    ModelReady,
    RequestFailed,
)
from desktop.storage.memory_attachments import MemoryAttachments  # noqa: E402

PAGES = TOP / "tests" / "data" / "recall"
STATEMENTS = TOP / "tests" / "data" / "citations" / "statements.txt"
CONTEXT, ANSWER = 4096, 120


@dataclass(frozen=True)
class Case:
    """A question that the page `page` answers, with an answer that is right and one that is not."""

    page: str
    question: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Document:
    """A file of many pages; `names` are the pages' names by their numbers."""

    content: DocumentContent
    names: dict[int, str]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--planted", action="store_true")
    options = parser.parse_args()
    pages, questions = read_pages()
    documents = [document(name, pages, name[:2]) for name in ("english", "german")]
    cases = read_cases(questions)
    print(f"{len(cases)} questions over {sum(len(each.names) for each in documents)} pages in {len(documents)} files")
    found = [passages_for(case, documents) for case in cases]
    planted(cases, found, documents, misses=options.misses)
    if not options.planted:
        import real_model  # beside this file

        model = options.model or real_model.models_folder() / "SmolLM2-135M-Instruct.Q4_1.gguf"
        asked(cases, found, documents, model, misses=options.misses)
    return 0


# --- what is asked ---------------------------------------------------------------------------------------------------


def read_pages() -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """The pages by file and name, and the first question of each."""
    pages: dict[str, dict[str, str]] = {}
    questions: dict[str, str] = {}
    for path in sorted(PAGES.glob("*.txt")):
        name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("= "):
                name = line[2:]
            elif line.startswith("? "):
                questions.setdefault(name, line[2:])
            elif name and line and not line.startswith("~"):
                pages.setdefault(path.stem, {})[name] = line
    return pages, questions


def read_cases(questions: dict[str, str]) -> list[Case]:
    cases: list[Case] = []
    said: dict[str, str] = {}
    for line in STATEMENTS.read_text(encoding="utf-8").splitlines():
        if line[:2] in ("= ", "+ ", "- "):
            said[line[0]] = line[2:]
        if line.startswith("- "):
            cases.append(Case(said["="], questions[said["="]], said["+"], said["-"]))
    return cases


def document(name: str, pages: dict[str, dict[str, str]], seed: str) -> Document:
    texts = pages[name]
    numbered = tuple(DocumentPage(at, text) for at, text in enumerate(texts.values(), 1))
    sha256 = hashlib.sha256(seed.encode()).hexdigest()
    content = DocumentContent(f"{name}.pdf", "application/pdf", sha256, 1, numbered, paged=True)
    return Document(content, dict(enumerate(texts, 1)))


def passages_for(case: Case, documents: Sequence[Document]) -> tuple[Message, tuple[PassagePart, ...]]:
    """The question with both files attached, and the passages found for it."""
    store = MemoryAttachments()
    parts = []
    for each in documents:
        sha256 = store.add(msgspec.json.encode(each.content))
        content = each.content
        parts.append(
            AttachedFilePart(
                content.name, content.media_type, sha256, content.sha256, 1, len(content.pages), whole=False
            )
        )
    question = Message("q", "c", None, "user", (*parts, TextPart(case.question)))
    finder = PassageFinder(store, None)
    try:
        request = PassageRequest((question,), (), "", CONTEXT, ANSWER)
        return question, finder.find(request, lambda: False)
    finally:
        finder.close()


def page_name(passage: PassagePart, documents: Sequence[Document]) -> str:
    return next(each.names[passage.page] for each in documents if each.content.sha256 == passage.file_sha256)


# --- planted citations -----------------------------------------------------------------------------------------------


def planted(
    cases: Sequence[Case],
    found: Sequence[tuple[Message, tuple[PassagePart, ...]]],
    documents: Sequence[Document],
    *,
    misses: bool,
) -> None:
    counts: Counter[str] = Counter()
    for case, (_, passages) in zip(cases, found, strict=True):
        names = {passage.number: page_name(passage, documents) for passage in passages}
        right = next((number for number, name in names.items() if name == case.page), None)
        counts["questions"] += 1
        if right is None:
            if misses:
                print(f"  not found: {case.page}: {case.question}")
            continue
        counts["found"] += 1
        for kind, text, number, wanted in planted_answers(case, names, right):
            counts[f"{kind}: planted"] += 1
            (citation,) = find_citations(f"{text[:-1]} [{number}].", passages)
            if citation.support == wanted and (kind != "right" or citation.marks):
                counts[kind] += 1
            elif misses:
                print(f"  {kind} judged {citation.support}: {text} [{number}] {names.get(number, '')}")
    print(f"the passage that answers is among those given: {counts['found']} of {counts['questions']}")
    for kind, words in (
        ("right", "citations of the right passage shown as supported, with the sentence marked"),
        ("other", "citations of another passage shown as not supported"),
        ("false", "false statements under the right passage shown as not supported"),
        ("none", "numbers that nobody was given shown as no source"),
    ):
        print(f"{words}: {counts[kind]} of {counts[f'{kind}: planted']}")


def planted_answers(case: Case, names: dict[int, str], right: int) -> Iterator[tuple[str, str, int, str]]:
    """Kind, text, cited number and how it is to be judged."""
    yield "right", case.right, right, "supported"
    for number in names:
        if number != right:
            yield "other", case.right, number, "unsupported"
    yield "false", case.wrong, right, "unsupported"
    yield "none", case.right, max(names) + 3, "no-such-source"


# --- the real model --------------------------------------------------------------------------------------------------


class _EveryLoad:
    """Lets a model be loaded without a license check: this is no part of the program."""

    def admit(self, path: Path, stop: object = None) -> tuple[()]:
        return ()

    def record_load(self, path: Path, files: object = ()) -> None:
        """Nothing is recorded."""

    def check_loaded(self, path: Path, files: object = ()) -> None:
        """It may stay."""


def asked(
    cases: Sequence[Case],
    found: Sequence[tuple[Message, tuple[PassagePart, ...]]],
    documents: Sequence[Document],
    model: Path,
    *,
    misses: bool,
) -> None:
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        engine = EngineClient(license_check=_EveryLoad(), logs=Path(folder), cache=Path(folder) / "cache")
        try:
            load(engine, model)
            for case, (question, passages) in zip(cases, found, strict=True):
                text = answer(engine, question, passages)
                names = {passage.number: page_name(passage, documents) for passage in passages}
                citations = find_citations(text, passages)
                counts["cites"] += bool(citations)
                for each in citations:
                    counts["citations"] += 1
                    counts[each.support] += 1
                    if each.support == "supported":
                        counts["right"] += names.get(each.number) == case.page
                if misses:
                    print(f"  {case.question}\n    {text!r}\n    {[(each.number, each.support) for each in citations]}")
        finally:
            engine.close()
    print(f"{model.stem}: cites anything in {counts['cites']} of {len(cases)} answers, {counts['citations']} citations")
    print(
        f"of these {counts['supported']} are shown as supported ({counts['right']} lead to the page that answers), "
        f"{counts['unsupported']} as not supported, {counts['no-such-source']} as no source"
    )


def load(engine: EngineClient, model: Path) -> None:
    events: queue.SimpleQueue[LoadEvent] = queue.SimpleQueue()
    engine.load(LoadParams(str(model), context_length=CONTEXT), events.put)
    while not isinstance(event := events.get(timeout=120), ModelReady):
        if isinstance(event, RequestFailed):
            raise SystemExit(f"the model was not loaded: {event}")


def answer(engine: EngineClient, question: Message, passages: tuple[PassagePart, ...]) -> str:
    messages = chat_messages("", (question,), None, passages)
    options = GenerationOptions(SamplingParams(temperature=0.0), max_tokens=ANSWER, stop_on_repetition=True)
    events: queue.SimpleQueue[object] = queue.SimpleQueue()
    engine.generate(GenerateRequest(engine.next_id(), messages, options), events.put)
    said = []
    while not isinstance(event := events.get(timeout=120), AnswerDone):
        if isinstance(event, RequestFailed):
            return ""
        if isinstance(event, Delta) and not event.thinking:
            said.append(event.text)
    return "".join(said)


if __name__ == "__main__":
    sys.exit(main())
