"""Models that endpoints run, as the library has them: under the same license check, without a file."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from desktop.catalog.base_model_name import find_base
from desktop.catalog.catalog import Catalog
from desktop.catalog.repository_name import is_repository_id
from desktop.endpoints.endpoint import ServedModel
from desktop.errors import UserError
from desktop.library.installed_models import InstalledModel
from desktop.library.library_model import LibraryModel, ListedModel
from desktop.library.subject_builder import TextHash, subject_of_installed
from desktop.licenses.license_subject import LicenseSubject

_log = logging.getLogger(__name__)


class EndpointModels:
    """`served` gives those that endpoints have now, `text_sha256` the hash of a license's text in force."""

    def __init__(
        self, served: Callable[[], tuple[ServedModel, ...]], catalog: Callable[[], Catalog], text_sha256: TextHash
    ) -> None:
        self._served, self._catalog, self._text_sha256 = served, catalog, text_sha256

    def listed(self) -> list[ListedModel]:
        """All of them; none where the endpoints cannot be read, which `latchkey endpoints` tells."""
        return [self._listed(each) for each in self._all()]

    def find(self, name: str) -> ListedModel | None:
        """The one that is called `NAME/model`, or so in the ledger; None where there is none."""
        endpoint, _, model = name.partition("/")
        for each in self._all():
            by_name = each.endpoint.is_called(endpoint) and each.model.id == model
            if by_name or name in (each.identity, str(each.place)):
                return self._listed(each)
        return None

    def at(self, place: Path) -> ListedModel | None:
        """The one that stands at `place` (`ServedModel.place`); None where there is none."""
        return next((self._listed(each) for each in self._all() if each.place == place), None)

    def _all(self) -> tuple[ServedModel, ...]:
        try:
            return self._served()
        except UserError as error:
            _log.warning("the models of endpoints cannot be listed: %s", error)
            return ()

    def _listed(self, served: ServedModel) -> ListedModel:
        subject = subject_of_served(served, self._catalog(), self._text_sha256)
        licenses = subject.lineage.node.licenses
        model = LibraryModel(
            id=served.id,
            name=subject.name,
            publisher=subject.publisher,
            quantization="",
            path=served.place,
            size=0,
            license=licenses[0] if licenses else "",
            restrictions=subject.lineage.restrictions,
            attribution=subject.attribution,
            served=served,
        )
        return ListedModel(subject, None, model)


def subject_of_served(served: ServedModel, catalog: Catalog, text_sha256: TextHash) -> LicenseSubject:
    """A model at an endpoint before the license check.

    It is under what the person says of the endpoint, and, where it is called like a model of the catalog, under that
    one's terms as well: what is served under a name is taken at its word where that adds terms.
    """
    endpoint, name = served.endpoint, served.model.id
    stated = (endpoint.license,) if endpoint.license else ()
    known = find_base(name, catalog)
    as_installed = InstalledModel(
        served.id, name, "", 0, "", "", "",
        licenses=stated,
        stated=endpoint.license,
        claimed=stated,
        bases=(name,) if known is not None else (),
        quantized=True,
    )  # fmt: skip
    subject = subject_of_installed(as_installed, catalog, text_sha256)
    lineage = replace(subject.lineage, node=replace(subject.lineage.node, name=served.id))
    return replace(
        subject,
        name=served.id,
        lineage=lineage,
        imported=False,
        names=(name,) if is_repository_id(name) else (),
        served_at=endpoint.address,
        served_as=name,
    )
