"""About how many tokens a text takes, where no model has counted it."""

import re

_ASCII_PER_TOKEN, _LETTERS_PER_TOKEN, _IDEOGRAPHS_PER_TOKEN = 3.8, 2.2, 0.9
"""Characters: of English with its spaces, of other letters, and of scripts that have a character for a syllable or a
word. Vocabularies differ; of those that the catalog names none takes half as many or twice as many."""
_FEWEST_PER_TOKEN = 1.75

_SIGN = re.compile(r"[0-9!-/:-@\[-`{-~]")
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def estimated_tokens(text: str) -> int:
    """About as many tokens as `text` takes."""
    ascii_characters = len(text.encode("ascii", "ignore"))
    ideographs = len(_IDEOGRAPH.findall(text)) if ascii_characters != len(text) else 0
    others = len(text) - ascii_characters - ideographs
    tokens = ascii_characters / _ASCII_PER_TOKEN + others / _LETTERS_PER_TOKEN + ideographs / _IDEOGRAPHS_PER_TOKEN
    return round(tokens)


def most_tokens(text: str) -> int:
    """As many tokens as `text` takes at most, in a vocabulary that was not made for it: German in a small English one
    takes 1.8 characters a token, and a digit or a sign is often a token by itself."""
    signs = len(_SIGN.findall(text))
    ideographs = len(_IDEOGRAPH.findall(text))
    return round((len(text) - signs - ideographs) / _FEWEST_PER_TOKEN) + signs + ideographs
