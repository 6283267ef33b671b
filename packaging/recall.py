"""Prints recall at 5 of search in documents: by words, by meaning and by both, on pages and questions in
tests/data/recall and with the real embedding model (`make real-model` brings it).

    python packaging/recall.py [--more] [--misses] [--model FILE]

`--more` puts the topics of Python's own `help()` and a list of parts among the pages, `--misses` prints the questions
that both together do not answer, `--model` takes another embedding model. A question is answered where its page is
among the first five.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

import numpy as np  # noqa: E402
import real_model  # noqa: E402

from desktop.document_content import Passage  # noqa: E402
from desktop.documents.passage_search import PassageRanking  # noqa: E402
from desktop.documents.question_words import QUESTION_WORDS  # noqa: E402
from desktop.documents.rank_fusion import (  # noqa: E402
    COVERING,
    Ranking,
    convex_combination,
    coverage,
    fused,
    reciprocal_ranks,
)
from desktop.documents.text_analysis import index_terms, question_terms  # noqa: E402
from desktop.documents.text_prefixes import prefixes_for  # noqa: E402
from desktop.documents.vector_matrix import VectorMatrix, stored_vector  # noqa: E402
from desktop.engine.engine_client import EngineClient  # noqa: E402
from desktop.engine.load_params import LoadParams  # noqa: E402
from desktop.file_stamp import ModelFile  # noqa: E402

FOLDER = TOP / "tests" / "data" / "recall"
CANDIDATES = 50
_WORD = re.compile(r"[^\W_]+")
WEIGHTS = (0.5, 0.7, 0.9)
Fusion = Callable[[Ranking, Ranking, float], Ranking]


@dataclass(frozen=True)
class Page:
    name: str
    text: str


@dataclass(frozen=True)
class Question:
    """`page` answers it. `other_words`: it shares no content word with that page, as words are written; `other_stems`:
    nor as lexical search knows words, by their stems."""

    text: str
    page: str
    language: str
    other_words: bool
    other_stems: bool = False


class NoCheck:
    """The license check of a measurement with a published model: nothing is refused."""

    def admit(self, path: Path, stop: object = None) -> tuple[ModelFile, ...]:
        return ()

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        pass

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        pass


def read_corpus(folder: Path = FOLDER) -> tuple[list[Page], list[Question]]:
    """The pages and questions of every file in `folder`; a file is called by its language."""
    pages: list[Page] = []
    questions: list[Question] = []
    for file in sorted(folder.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").split("\n= ")[1:]:
            name, *lines = block.strip().split("\n")
            page = Page(name, "\n".join(line for line in lines if line[:2] not in ("? ", "~ ")))
            pages.append(page)
            for line in lines:
                if line[:2] in ("? ", "~ "):
                    text, other = line[2:], line[0] == "~"
                    questions.append(
                        Question(text, name, file.stem, other, other and not shared_terms(text, page.text))
                    )
    return pages, questions


def shared_terms(question: str, text: str) -> set[str]:
    """The terms of lexical search that a question shares with a text."""
    return set(question_terms(question)) & set(index_terms(text).split())


def shared_words(question: str, text: str) -> set[str]:
    """The words, as they are written, that a question shares with a text, but for those that all questions consist of:
    "how", "what", "the"."""
    words = {word for word in _WORD.findall(question.casefold()) if question_terms(word) and word not in QUESTION_WORDS}
    return words & set(_WORD.findall(text.casefold()))


def python_topics() -> list[Page]:
    """What Python's `help("TOPICS")` explains, the beginning of each topic."""
    from pydoc_data.topics import topics

    return [Page(f"python {name}", text.strip()[:1000]) for name, text in sorted(topics.items())]


def catalogue() -> tuple[list[Page], list[Question]]:
    """A list of parts that say much the same, and a question for the number of every tenth."""
    things = ("gasket", "bearing", "valve", "hose clamp", "pressure switch", "filter cartridge", "seal ring", "fuse")
    pages: list[Page] = []
    questions: list[Question] = []
    for number in range(240):
        code, thing = f"KT-{7000 + number * 37 % 2400}", things[number % len(things)]
        pages.append(
            Page(
                code,
                f"Part {code} is a {thing} for heating pumps of series {number % 7 + 1}. "
                f"It is delivered within {number % 9 + 2} days and kept dry until it is built in.",
            )
        )
        if number % 10 == 0:
            questions.append(Question(f"What kind of part is {code}?", code, "catalogue", False))
    return pages, questions


@contextmanager
def embedder(model: Path) -> Iterator[Callable[[Sequence[str]], Any]]:
    """Gives vectors of texts with the embedding model in that file."""
    with tempfile.TemporaryDirectory() as folder:
        client = EngineClient(license_check=NoCheck(), logs=Path(folder), cache=Path(folder))
        client.load_and_wait(LoadParams(str(model), threads=1, embedding=True))
        try:
            yield lambda texts: np.asarray(client.vectors(texts).vectors, np.float32)
        finally:
            client.close()


class Rankings:
    """The rankings of all questions, by words and by meaning."""

    def __init__(self, pages: Sequence[Page], questions: Sequence[Question], model: Path) -> None:
        prefixes = prefixes_for(model.stem)
        with embedder(model) as vectors:
            matrix_rows = vectors([prefixes.passage + page.text for page in pages])
            asked = vectors([prefixes.query + question.text for question in questions])
        matrix = VectorMatrix(matrix_rows.shape[1])
        matrix.append(range(len(pages)), b"".join(map(stored_vector, matrix_rows)))
        ranking = PassageRanking([Passage(1, 0, len(page.text), page.text) for page in pages])
        self._names = [page.name for page in pages]
        self._found: list[tuple[Ranking, Ranking, float]] = []
        for question, vector in zip(questions, asked, strict=True):
            lexical = [(each.place, each.score) for each in ranking.rank(question.text, CANDIDATES)]
            covered = coverage(question.text, [pages[place].text for place, _ in lexical[:COVERING]])
            self._found.append((lexical, matrix.nearest(vector, (0,), CANDIDATES), covered))
        ranking.close()
        self._questions = questions

    def answered(self, fuse: Fusion) -> list[bool]:
        """For each question whether its page is among the first five."""
        return [
            question.page in [self._names[place] for place, _ in fuse(*found)[:5]]
            for question, found in zip(self._questions, self._found, strict=True)
        ]


def _convex(weight: float) -> Fusion:
    return lambda lexical, nearest, covered: convex_combination(lexical, nearest, weight)


WAYS: dict[str, Fusion] = {
    "words": lambda lexical, nearest, covered: lexical,
    "meaning": lambda lexical, nearest, covered: nearest,
    "both": fused,
    "reciprocal ranks": lambda lexical, nearest, covered: reciprocal_ranks(lexical, nearest),
    **{f"convex {weight}": _convex(weight) for weight in WEIGHTS},
}
GROUPS: dict[str, Callable[[Question], bool]] = {
    "all": lambda question: True,
    "same words": lambda question: not question.other_words,
    "other words": lambda question: question.other_words,
    "other words, same stems": lambda question: question.other_words and not question.other_stems,
    "other words, other stems": lambda question: question.other_stems,
    "English, same words": lambda question: question.language == "english" and not question.other_words,
    "English, other words": lambda question: question.language == "english" and question.other_words,
    "German": lambda question: question.language == "german",
    "numbers of parts": lambda question: question.language == "catalogue",
}


def recall(questions: Sequence[Question], answered: Sequence[bool], group: Callable[[Question], bool]) -> float:
    """The part of a group's questions that are answered."""
    chosen = [hit for question, hit in zip(questions, answered, strict=True) if group(question)]
    return sum(chosen) / len(chosen)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Print recall at 5 of search in documents.")
    parser.add_argument("--more", action="store_true", help="more pages: Python's help() and a list of parts")
    parser.add_argument("--misses", action="store_true", help="print the questions that are not answered")
    parser.add_argument("--model", type=Path, help="an embedding model in place of MiniLM")
    options = parser.parse_args(arguments)
    model = options.model or real_model.models_folder() / "all-MiniLM-L6-v2.F16.gguf"
    pages, questions = read_corpus()
    if options.more:
        parts, asked = catalogue()
        pages += [*python_topics(), *parts]
        questions += asked
    rankings = Rankings(pages, questions, model)
    found = {name: rankings.answered(way) for name, way in WAYS.items()}
    print(f"Recall at 5 of {len(questions)} questions on {len(pages)} pages, {model.stem}.\n")
    print("| questions | number | " + " | ".join(found) + " |")
    print("| --- |" + " --- |" * (len(found) + 1))
    for name, group in GROUPS.items():
        if not any(map(group, questions)):
            continue
        shares = [f"{recall(questions, each, group):.3f}" for each in found.values()]
        print(f"| {name} | {sum(map(group, questions))} | " + " | ".join(shares) + " |")
    if options.misses:
        print()
        for question, hit in zip(questions, found["both"], strict=True):
            if not hit:
                print(f"{question.page}: {question.text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
