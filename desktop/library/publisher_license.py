"""Whether a publisher's own license text is the one in force for a model, and what it is called.

A card can say "apache-2.0" beside a LICENSE that says something else. What counts is the text: it is shown, accepted
and recorded under a name of its own, and never under that of a license whose words it does not have.
"""

from dataclasses import dataclass

from desktop.catalog.catalog import Catalog, License
from desktop.errors import IntegrityError
from desktop.hub.repository import DEFAULT_ENDPOINT
from desktop.library.hub_records import HubRecord, publisher_license
from desktop.licenses.license_texts import LicenseTexts, same_license, same_words
from desktop.translation import tr


@dataclass(frozen=True)
class PublisherLicense:
    """The publisher's own text of one license of a model, where it is the one in force.

    `license` is what card or catalog call it; `id` and `name` are what it is: another one's where the text is not that
    license's.
    """

    license: str
    id: str
    name: str
    sha256: str


def publisher_license_in_force(known: HubRecord, catalog: Catalog, texts: LicenseTexts) -> PublisherLicense | None:
    """The publisher's own text; None where it has none, or the very words that the catalog has for that license.

    A license that its publisher alone writes may have a newer edition in a repository that Latchkey's catalog lists.
    Every other text has to be that of the license that it is called by.
    """
    text = known.text
    if text is None:
        return None
    license_ = catalog.find_license(text.license)
    if license_ is None or not license_.text:
        return PublisherLicense(text.license, text.license, publisher_license(text, license_).name, text.sha256)
    entry = catalog.shipped.find_model(known.id)
    if entry is not None and known.endpoint not in ("", DEFAULT_ENDPOINT):
        return None  # another Hub takes no text of Latchkey's catalog off
    same = PublisherLicense(text.license, text.license, license_.name, text.sha256)
    if entry is not None and license_.spdx is None:
        return same if not _same(license_, text.sha256, texts, words_only=True) else None
    if _same(license_, text.sha256, texts, words_only=True):
        return None
    if _same(license_, text.sha256, texts) or any(each.sha256 == text.sha256 for each in license_.edition):
        return same
    title = tr("License of {repository} (tagged {license})").format(
        repository=known.repository, license=text.license.lower()
    )
    return PublisherLicense(text.license, "LicenseRef-" + known.id.replace("/", "-"), title, text.sha256)


def _same(license_: License, sha256: str, texts: LicenseTexts, *, words_only: bool = False) -> bool:
    try:
        kept, ours = texts.publisher_text(license_, sha256).data, texts.text_of(license_).data
    except IntegrityError:
        return False  # who wants to read it is told; what was accepted of it stands
    return same_words(ours, kept) if words_only else same_license(ours, kept, license_.name)
