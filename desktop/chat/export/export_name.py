"""The name that is proposed for an exported file: of a title, what every file system takes."""

import re
import unicodedata

_LONGEST_BYTES = 120
_FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


def export_name(title: str, otherwise: str) -> str:
    """A name without a suffix, made of `title`; `otherwise` where nothing of it can be seen.

    No part of it leads to another folder, names a device of Windows, hides the file, or turns what stands beside it.
    """
    spaced = "".join(" " if sign.isspace() else sign for sign in title)
    seen = "".join(sign for sign in spaced if unicodedata.category(sign)[0] != "C")
    name = " ".join(_FORBIDDEN.sub(" ", seen).split()).strip(" .-~")
    while len(name.encode("utf-8", "replace")) > _LONGEST_BYTES:
        name = name[:-1]
    name = name.rstrip(" .")
    if not name or not any(sign.isalnum() for sign in name):
        return otherwise
    return f"_{name}" if _RESERVED.match(name) else name
