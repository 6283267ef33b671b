"""The software bill of materials of a bundle: CycloneDX 1.7, JSON, the same bytes for the same input.

Each part is a component with version, license and package URL; each of its files one below it, with its SHA-512, as
BSI TR-03183-2 asks of what is handed on. Python modules lie in an archive behind the executable, whose hash covers
them.
"""

import datetime
import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from bundle.part import Part
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot7
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

_PROPERTY = "latchkey:python-modules"


def bill_of_materials(bundle: Path, parts: Sequence[Part], epoch: int) -> str:
    """The bill of `parts`, which lie in `bundle`, said to be of `epoch` (seconds since 1970).

    Raises OSError where a file cannot be read, and ValueError where CycloneDX's schema is not met.
    """
    own = next(part for part in parts if part.name == "latchkey" and not part.holder)
    root = _component(own, bundle, ComponentType.APPLICATION)
    components = {part: _component(part, bundle) for part in parts if part is not own}
    bom = Bom(
        components=components.values(),
        serial_number=_serial(own, components.values(), root, epoch),
        metadata=BomMetaData(component=root, timestamp=datetime.datetime.fromtimestamp(epoch, datetime.UTC)),
    )
    bom.register_dependency(root, [each for part, each in components.items() if not part.holder])
    for holder, component in [(own, root), *components.items()]:
        inner = [each for part, each in components.items() if part.holder == holder.name]
        bom.register_dependency(component, inner)
    text = f"{JsonV1Dot7(bom).output_as_string(indent=1)}\n"
    check(text)
    return text


def check(text: str) -> None:
    """Raise ValueError unless `text` is a CycloneDX 1.7 document by its schema."""
    errors = JsonStrictValidator(SchemaVersion.V1_7).validate_str(text)
    if errors is not None:
        raise ValueError(f"CycloneDX's schema is not met: {errors!r}")
    json.loads(text)


def _component(part: Part, bundle: Path, kind: ComponentType | None = None) -> Component:
    reference = "/".join(filter(None, (part.holder, part.name, part.version)))
    component = Component(
        name=part.name,
        version=part.version or None,
        type=kind or (ComponentType.MACHINE_LEARNING_MODEL if part.kind == "model" else ComponentType.LIBRARY),
        bom_ref=reference,
        purl=PackageURL.from_string(part.purl),
        licenses=_licenses(part.license),
        components=[_file(bundle, place, reference) for place in part.files],
    )
    if len(part.files) == 1:
        component.hashes.add(_sha512(bundle / part.files[0]))
    if part.modules:
        component.properties.add(Property(name=_PROPERTY, value=str(part.modules)))
    return component


def _licenses(terms: str) -> list[LicenseExpression]:
    if not terms:
        return []
    made = LicenseFactory().make_from_string(terms, license_acknowledgement=LicenseAcknowledgement.DECLARED)
    return [made]  # type: ignore[list-item] # or a single license: the field takes both


def _file(bundle: Path, place: str, holder: str) -> Component:
    return Component(
        name=place,
        type=ComponentType.FILE,
        bom_ref=f"{holder}#{place}",
        hashes=[_sha512(bundle / place)],
    )


def _sha512(path: Path) -> HashType:
    with path.open("rb") as file:
        return HashType(alg=HashAlgorithm.SHA_512, content=hashlib.file_digest(file, "sha512").hexdigest())


def _serial(own: Part, components: Iterable[Component], root: Component, epoch: int) -> uuid.UUID:
    """A number that is another one where any file is another one."""
    digest = hashlib.sha512(f"{own.version} {epoch}".encode())
    for component in [root, *components]:
        digest.update(f"\n{component.bom_ref} {component.purl}".encode())
        for file in component.components:
            digest.update("".join(f"\n{file.name} {each.content}" for each in file.hashes).encode())
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:latchkey:sbom:{digest.hexdigest()}")
