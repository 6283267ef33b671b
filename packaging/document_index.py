"""Measures collections: makes 10,000 pages of text, indexes them, and asks.

    python packaging/document_index.py [--pages N] [--keep FOLDER]

Prints CPU seconds, which other programs on the machine change less than the time that passes. Words are made up of
syllables and as frequent as words are (Zipf), with German compounds and numbers among them; each page has 2,500
characters, each file 50 pages.
"""

import argparse
import hashlib
import itertools
import random
import resource
import statistics
import tempfile
import time
from bisect import bisect
from collections.abc import Callable
from pathlib import Path

from desktop.document_content import DocumentContent, DocumentPage
from desktop.documents.collection_service import CollectionService
from desktop.documents.passage_search import PassageRanking
from desktop.documents.passage_splitter import split_document
from desktop.documents.text_analysis import index_terms
from desktop.paths import find_paths

_PAGES_IN_FILE = 50
_PAGE = 2500
_SYLLABLES = (
    "ba ver ing tion ter ma lo ri sen tal ku per dis con rei mo na schlag ung heit pro li de fo ge ra stand".split()
)


class _TextMaker:
    """Text by the frequencies of Zipf's law, the same for the same seed."""

    def __init__(self) -> None:
        chance = random.Random(1)
        self.words = ["the", "of", "and", "die", "der", "und", "to", "in"]
        while len(self.words) < 60_000:
            self.words.append("".join(chance.choices(_SYLLABLES, k=chance.choice((1, 2, 2, 3, 3, 4, 5)))))
        self._sums = list(itertools.accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def page(self, chance: random.Random) -> str:
        parts: list[str] = []
        length = 0
        while length < _PAGE:
            word = self.words[bisect(self._sums, chance.random() * self._sums[-1])]
            if chance.random() < 0.02:
                word = str(chance.randrange(10_000))
            end = chance.choices((" ", ", ", ". ", ".\n\n"), (80, 8, 10, 2))[0]
            parts.append(word + end)
            length += len(word) + len(end)
        return "".join(parts)


class _MadeReading:
    """Reads a file whose content is the seed of its text."""

    def __init__(self) -> None:
        self.maker = _TextMaker()
        self.spent = 0.0

    def read(
        self,
        path: Path,
        *,
        password: str = "",
        is_cancelled: Callable[[], bool] = lambda: False,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> DocumentContent:
        begun = time.process_time()
        data = path.read_bytes()
        chance = random.Random(int(data))
        pages = tuple(DocumentPage(number + 1, self.maker.page(chance)) for number in range(_PAGES_IN_FILE))
        self.spent += time.process_time() - begun
        return DocumentContent(path.name, "text/plain", hashlib.sha256(data).hexdigest(), len(data), pages, True)


def _questions(words: list[str]) -> list[str]:
    chance = random.Random(7)
    rare = [" ".join(chance.sample(words[3000:], 5)) for _ in range(20)]
    usual = [" ".join(("the", "of", *chance.sample(words[20:400], 6))) for _ in range(20)]
    pasted = [" ".join(chance.choices(words, k=1200)) for _ in range(5)]
    return [*rare, *usual, *pasted]


def _measure(folder: Path, pages: int) -> None:
    source = folder / "source"
    source.mkdir()
    for number in range(pages // _PAGES_IN_FILE):
        (source / f"file-{number}.txt").write_text(str(number), encoding="ascii")
    reader = _MadeReading()
    service = CollectionService(find_paths({"LATCHKEY_HOME": str(folder / "home")}), reader)
    service.create("All")
    service.add("All", [source])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, started = time.process_time(), time.monotonic()
    service.index("All")
    spent = time.process_time() - begun - reader.spent
    state = service.collection("All")
    size = sum(each.stat().st_size for each in (folder / "home" / "data").iterdir())
    print(
        f"indexed: {state.pages} pages, {state.passages} passages in {spent:.1f} s of CPU: {pages / spent:.0f} pages/s"
    )
    print(f"         {time.monotonic() - started:.1f} s passed, with making the text ({reader.spent:.1f} s of CPU)")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    print(f"memory:  {memory / 1024:.0f} MiB before, at most {grown / 1024:.0f} MiB more")
    print(f"disk:    {size / 1e6:.1f} MB, {size / pages / 1000:.1f} kB for a page")
    _ask(service, reader)
    content = service.content("All", service.files("All")[0].id)
    passages = split_document(content)
    begun = time.process_time()
    terms = [index_terms(each.text) for each in passages]
    print(f"analysis alone: {len(terms) / (time.process_time() - begun):.0f} passages/s")
    begun = time.process_time()
    ranking = PassageRanking(passages)
    made = time.process_time() - begun
    begun = time.process_time()
    ranking.rank(reader.maker.words[5000], 10)
    asked = 1000 * (time.process_time() - begun)
    print(f"one file of {_PAGES_IN_FILE} pages in memory: {made * 1000:.0f} ms, a question {asked:.1f} ms")
    ranking.close()
    service.close()


def _ask(service: CollectionService, reader: _MadeReading) -> None:
    taken = []
    for question in _questions(reader.maker.words):
        begun = time.process_time()
        service.search(["All"], question, 10)
        taken.append(1000 * (time.process_time() - begun))
    print(f"a question: {statistics.median(taken):.1f} ms of CPU (median), {max(taken):.1f} ms (worst)")
    for kind, some in (("rare words", taken[:20]), ("usual words", taken[20:40]), ("pasted text", taken[40:])):
        print(f"            {kind}: {max(some):.1f} ms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--pages", type=int, default=10_000)
    arguments.add_argument("--keep", type=Path, help="a folder to make all in, which stays")
    options = arguments.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True)
        _measure(options.keep, options.pages)
        return
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), options.pages)


if __name__ == "__main__":
    main()
