"""The one name by which a model is shown, in the window and by the command: readable, on one line, of bounded length.

What a file says of itself is written by anybody, so nothing in it is taken as it is.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from desktop.library.names import is_generic, is_training_run, key_of, packed_name, tokens_of
from desktop.translation import tr

if TYPE_CHECKING:
    from desktop.library.models import Listed

LONGEST = 80
_MOST_MARKS = 3  # upon one letter: more would be drawn over the lines around it
# Letters and signs, by their category, that are drawn as nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")


def title_of(
    name: str,
    file_name: str,
    *,
    repository: str = "",
    others: Sequence[str] = (),
    architecture: str = "",
    sha256: str = "",
) -> str:
    """What a model is called, by the better witness: the `repository` at the Hub that its file came from, where the
    file's name does not speak of something else; else `file_name`. `name`, its header's, is written by whoever made the
    file: it counts where it says no less than they do, or where they tell nothing. Then the first of `others` that is a
    model's name; where none is, its architecture and the beginning of its hash."""
    own = visible(_last_part(name))
    own = own if _is_models(own) else ""
    file, place = (visible(packed_name(text)) for text in (file_name, repository))
    file, place = (each if _is_models(each) else "" for each in (file, place))
    witness = place if place and (not file or set(tokens_of(place)) & set(tokens_of(file))) else file
    if own and (not _tells(witness) or _says_as_much(own, witness)):
        return _bounded(own)
    for text in (witness, *others):
        packed = visible(packed_name(text))
        if _is_models(packed):
            return _bounded(" ".join(_without_twice(packed).replace("_", " ").replace("-", " ").split()))
    what = visible(architecture)[:20] or "GGUF"
    return tr("Unnamed {architecture} model {hash}").format(architecture=what, hash=sha256[:8]).strip()


def _is_models(name: str) -> bool:
    return not is_generic(name) and not is_training_run(name)


def _tells(witness: str) -> bool:
    """Whether a name is one that tells a model from others: of several words, or with a number in it."""
    return len(witness.replace("-", " ").replace("_", " ").split()) > 1 or any(sign.isdigit() for sign in witness)


def _says_as_much(name: str, witness: str) -> bool:
    """Whether `name` says all that `witness` says, in whatever spelling, and maybe more."""
    witness = _without_twice(witness)
    if name.casefold() == witness.casefold():
        return True
    key = key_of(witness)
    return bool(key) and (key in key_of(name) or set(tokens_of(witness)) <= set(tokens_of(name)))


def visible(text: str) -> str:
    """`text` on one line, without what cannot be seen, turns the direction of writing, or piles up over the line."""
    kept: list[str] = []
    marks = 0
    for sign in unicodedata.normalize("NFC", text[: 8 * LONGEST]):
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        if sign.isspace():
            kept.append(" ")
        elif sign.isprintable():
            kept.append(sign if sign not in _BLANK and marks <= _MOST_MARKS else "")
        elif unicodedata.category(sign) != "Cf":  # those turn and join others; what cannot be written is seen to be so
            kept.append("\ufffd")
    return " ".join("".join(kept).split())


def told_apart(here: "list[Listed]", catalog: Iterable[str] = ()) -> "list[Listed]":
    """The models on this disk, where no two files look alike: of several with one title, each says its quantization or,
    where that is the same as well, the beginning of its hash. So does a file that nobody recognized and that calls
    itself like a model of the `catalog` (their names). Files of one model are one title in the list of models, and told
    apart where files are chosen."""
    known = {_look(name) for name in catalog}
    groups: dict[str, list[Listed]] = {}
    for each in here:
        groups.setdefault(_look(each.subject.name), []).append(each)
    return [_marked(each, groups[_look(each.subject.name)], known) for each in here]


def _look(name: str) -> str:
    """What of a name a person tells it by at a glance."""
    return key_of(name) if name.isascii() else name.casefold()


def _marked(listed: "Listed", group: "list[Listed]", known: set[str]) -> "Listed":
    subject, model = listed.subject, listed.model
    others = [each for each in group if each.subject.file_sha256 != subject.file_sha256]
    claims = listed.entry is None and _look(subject.name) in known
    if model is None or not (others or claims):
        return listed
    kinds = {each.model.quantization for each in others if each.model is not None}
    alike = claims or model.quantization in kinds
    mark = subject.file_sha256[:8] if alike else model.quantization
    name = f"{subject.name} ({mark})" if mark else subject.name
    if claims or any(each.subject.id != subject.id for each in others):
        subject = replace(subject, name=name)
    return replace(listed, subject=subject, model=replace(model, name=name))


def _last_part(name: str) -> str:
    """Of a path or a repository, which some converters write there, the last part."""
    if any(sign.isspace() for sign in name.strip()) and not name.startswith(("/", "\\")):
        return name
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _without_twice(name: str) -> str:
    """ "Qwen_Qwen3-4B" without the publisher that says nothing more."""
    publisher, line, rest = name.partition("_")
    return rest if line and publisher and rest.casefold().startswith(publisher.casefold()) else name


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
