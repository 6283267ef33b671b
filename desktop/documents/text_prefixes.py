"""What is put before a question and before a passage when an embedding model reads them: it was trained so.

Each line follows the card of the model family's publisher on the Hub, named beside it. A family is told by the name
that the file carries, since many of them share an architecture.
"""

from dataclasses import dataclass

_WEB_SEARCH = "Given a web search query, retrieve relevant passages that answer the query"
_REPRESENT = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True)
class TextPrefixes:
    """What comes before a question and before a passage, "" for nothing. `family` names them."""

    family: str = "plain"
    query: str = ""
    passage: str = ""


PLAIN = TextPrefixes()
"""For all others: MiniLM, MPNet, GTE, BGE-M3, Granite, Jina 2 and whatever nobody knows here."""

_FAMILIES: tuple[tuple[tuple[str, ...], TextPrefixes], ...] = (
    # nomic-ai/nomic-embed-text-v1.5, nomic-ai/nomic-embed-text-v2-moe
    (("nomic-embed",), TextPrefixes("nomic", "search_query: ", "search_document: ")),
    # intfloat/multilingual-e5-large-instruct, intfloat/e5-mistral-7b-instruct
    (("e5", "instruct"), TextPrefixes("e5-instruct", f"Instruct: {_WEB_SEARCH}\nQuery: ", "")),
    # intfloat/e5-base-v2, intfloat/multilingual-e5-base
    (("e5",), TextPrefixes("e5", "query: ", "passage: ")),
    # google/embeddinggemma-300m
    (("embeddinggemma",), TextPrefixes("gemma", "task: search result | query: ", "title: none | text: ")),
    # Qwen/Qwen3-Embedding-0.6B
    (("qwen3-embedding",), TextPrefixes("qwen3", f"Instruct: {_WEB_SEARCH}\nQuery:", "")),
    # Snowflake/snowflake-arctic-embed-l-v2.0, then Snowflake/snowflake-arctic-embed-m-v1.5
    (("arctic-embed", "v2"), TextPrefixes("arctic-2", "query: ", "")),
    (("arctic-embed",), TextPrefixes("arctic", _REPRESENT, "")),
    # BAAI/bge-m3 takes none
    (("bge-m3",), PLAIN),
    # BAAI/bge-base-en-v1.5
    (("bge", "en"), TextPrefixes("bge", _REPRESENT, "")),
    # mixedbread-ai/mxbai-embed-large-v1
    (("mxbai-embed",), TextPrefixes("mxbai", _REPRESENT, "")),
    # jinaai/jina-embeddings-v3
    (
        ("jina-embeddings-v3",),
        TextPrefixes(
            "jina-3",
            "Represent the query for retrieving evidence documents: ",
            "Represent the document for retrieval: ",
        ),
    ),
)


def prefixes_for(*names: str) -> TextPrefixes:
    """Those of the first family that all of whose words stand in one of `names`: a model's title, its file's name."""
    for words, prefixes in _FAMILIES:
        if any(all(_holds(name, word) for word in words) for name in names):
            return prefixes
    return PLAIN


def _holds(name: str, word: str) -> bool:
    """Whether a name holds the parts of `word`, which hyphens join, one after another: as parts of its own, but for
    digits, dots and hyphens that end one."""
    parts = "".join(each if each.isalnum() or each == "." else " " for each in name.casefold()).split()
    wanted = word.split("-")
    return any(
        all(_same(part, want) for part, want in zip(parts[at:], wanted, strict=False))
        for at in range(len(parts) - len(wanted) + 1)
    )


def _same(part: str, want: str) -> bool:
    return part == want or (part.startswith(want) and part[len(want)] == "." and part[len(want) + 1 :].isdigit())
