"""The license of a part as an SPDX expression, from what its maker wrote in one of many ways."""

import re
from typing import Protocol

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import DisjunctiveLicense

# Longer ones are a whole text.
_LONGEST = 160

# What distributions write in `License:`, which had no rules before PEP 639.
_WORDS = {
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD-3-Clause",
    "bsd-3-clause, apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "gplv2-or-later with a special exception which allows to use pyinstaller to build and distribute non-free programs"
    " (including commercial ones)": "GPL-2.0-or-later WITH Bootloader-exception",
    "mit license": "MIT",
    "mit, bsd": "MIT AND BSD-3-Clause",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
# Source packages of Debian's whose copyright file is prose, by the license that their upstreams name.
_DEBIAN = {
    "brotli": "MIT",
    "bzip2": "bzip2-1.0.6",
    "gcc-12": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "gcc-14": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "libffi": "MIT",
    "libxcb": "X11",
    "libxkbcommon": "MIT",
    "sqlite3": "blessing",
    "util-linux": "BSD-3-Clause",  # libuuid; other files of the source have other licenses
    "xcb-util": "X11",
    "xcb-util-cursor": "X11",
    "xcb-util-image": "X11",
    "xcb-util-keysyms": "X11",
    "xcb-util-renderutil": "X11",
    "xcb-util-wm": "X11",
    "xz-utils": "LicenseRef-public-domain-xz",  # liblzma, before 5.6
}
# Short names of Debian's that SPDX writes otherwise.
_DEBIAN_NAMES = {
    "expat": "MIT",
    "gpl-2": "GPL-2.0-only",
    "gpl-2+": "GPL-2.0-or-later",
    "gpl-3": "GPL-3.0-only",
    "gpl-3+": "GPL-3.0-or-later",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-2.1+": "LGPL-2.1-or-later",
    "lgpl-3+": "LGPL-3.0-or-later",
}


class Metadata(Protocol):
    """The part of a distribution's metadata that is read here."""

    def get_all(self, name: str, failobj: None = None) -> list[str] | None:
        """Every value of a field, None where there is none."""


def of_metadata(metadata: Metadata) -> str:
    """The license that a distribution's METADATA declares: its expression, else its words, else its classifiers."""
    if expression := _first(metadata, "License-Expression"):
        return expression
    words = " ".join(_first(metadata, "License").split())
    if words and words.upper() != "UNKNOWN" and len(words) <= _LONGEST:
        return spdx(words)
    names = [
        each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if each.startswith("License ::")
    ]
    known = list(dict.fromkeys(spdx(each) for each in names if each != "OSI Approved"))
    return " OR ".join(known)


def spdx(words: str) -> str:
    """`words` as SPDX writes them where that is known, else as they are."""
    found = _WORDS.get(words.lower())
    if found:
        return found
    made = LicenseFactory().make_from_string(words)
    return made.id if isinstance(made, DisjunctiveLicense) and made.id else words


def is_spdx(terms: str) -> bool:
    """Whether `terms` is an identifier or an expression of SPDX's."""
    made = LicenseFactory().make_from_string(terms)
    return not isinstance(made, DisjunctiveLicense) or made.id is not None


def of_debian(source: str, copyright_text: str) -> str:
    """The license of a package of Debian's: of its main files, by its copyright file; "" where that is prose and the
    source package is not in the table here."""
    if source in _DEBIAN:
        return _DEBIAN[source]
    if not copyright_text.startswith("Format:"):
        return ""
    for stanza in re.split(r"\n\s*\n", copyright_text):
        if re.search(r"^Files:\s*\*\s*$", stanza, re.MULTILINE) and (
            found := re.search(r"^License:\s*(\S.*)$", stanza, re.MULTILINE)
        ):
            short = found.group(1).strip()
            return _DEBIAN_NAMES.get(short.lower(), spdx(short))
    return ""


def _first(metadata: Metadata, name: str) -> str:
    return next(iter(metadata.get_all(name) or ()), "").strip()
