"""Every user-visible string passes through `tr`, in the core as in the window, so that no floor needs Qt for it.

Catalogs are gettext's, at `resources/translations/<language>/LC_MESSAGES/latchkey.mo`. A string is written with
named fields and filled afterwards: `tr("{count} models").format(count=3)`.
"""

import gettext
from pathlib import Path

_DOMAIN = "latchkey"
_translations: gettext.NullTranslations = gettext.NullTranslations()
_in_use: tuple[Path, str | None] | None = None


def use_language(folder: Path, language: str | None) -> None:
    """Take strings from now on from `language` ("de", "pt_BR"), or from the system's language where it is None."""
    global _translations, _in_use
    _in_use = folder, language
    languages = [language] if language else None
    _translations = gettext.translation(_DOMAIN, folder, languages, fallback=True)


def language_in_use() -> tuple[Path, str | None] | None:
    """What `use_language` was told, for a process that is to speak alike; None where it was not called."""
    return _in_use


def tr(text: str) -> str:
    """`text` in the language in use; itself where no translation exists."""
    return _translations.gettext(text)


def trn(one: str, many: str, count: int) -> str:
    """The form of a string that fits `count`, in the language in use."""
    return _translations.ngettext(one, many, count)
