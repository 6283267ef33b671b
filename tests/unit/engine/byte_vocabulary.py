"""A vocabulary whose tokens are the 256 bytes, and how much of a text a grammar over it takes."""

from desktop.engine.generation_options import GrammarFormat, JsonSchemaFormat
from desktop.engine.worker.output_grammar import GrammarVocabulary

END = 256


class ByteTokenizer:
    """What a GrammarVocabulary needs of a tokenizer."""

    size = 257

    def text_pieces(self) -> list[bytes]:
        return [*(bytes([byte]) for byte in range(256)), b""]

    def tokenize(self, text: str, *, special: bool, continued: bool = False) -> list[int]:
        return list(text.encode())


VOCABULARY = GrammarVocabulary(ByteTokenizer())  # type: ignore[arg-type]


def takes(form: JsonSchemaFormat | GrammarFormat, text: str) -> bool:
    """Whether `text`, whole, is an answer in that form. Each byte is asked for in both ways that a sampler asks."""
    grammar = VOCABULARY.grammar(form, {END})
    for byte in text.encode():
        if grammar.complete or not grammar.allows(byte):
            return False
        assert byte in grammar.allowed() or text.isspace() or len(grammar.allowed()) < 3
        grammar.accept(byte)
    return grammar.allows(END) and END in grammar.allowed()
