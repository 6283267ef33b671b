"""What one click may acknowledge: licenses that restrict nothing, of models whose whole lineage restricts nothing."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.catalog.catalog_file import read_catalog
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.licenses.license_subject import UNKNOWN_LICENSE, NeededLicense
from desktop.licenses.license_verdict import unrestricted_licenses
from desktop.licenses.policy import Policy, PolicyRules
from desktop.paths import find_paths
from tests.unit.licenses.test_license_check import accept, ask, ledger, reopened, subject

__all__ = ["ledger"]


def ids(licenses: tuple[NeededLicense, ...]) -> list[str]:
    return [each.id for each in licenses]


def test_every_license_that_waits_of_a_model_without_restrictions(ledger: Ledger) -> None:
    model = subject("dolly")
    assert ids(unrestricted_licenses(model, ask(ledger, model))) == ids(model.needed)
    accept(ledger, model, model.needed[0].id)
    assert ids(unrestricted_licenses(model, ask(ledger, model))) == ids(model.needed[1:])
    accept(ledger, model, model.needed[1].id)
    assert unrestricted_licenses(model, ask(ledger, model)) == ()


@pytest.mark.parametrize("model_id", ["stablevicuna", "vicuna", "llama"])
def test_nothing_of_a_model_that_any_ancestor_restricts(ledger: Ledger, model_id: str) -> None:
    model = subject(model_id)
    assert unrestricted_licenses(model, ask(ledger, model)) == ()


def test_a_revoked_one_is_one_click_as_well(ledger: Ledger) -> None:
    model = subject("pythia")
    accept(ledger, model, "Apache-2.0")
    ledger.append(LedgerEvent(event="revoked", model=model.id, license="Apache-2.0"))
    assert ids(unrestricted_licenses(model, ask(ledger, model))) == ["Apache-2.0"]


def test_a_text_that_changed_is_read_first(ledger: Ledger) -> None:
    model = subject("pythia")
    accept(ledger, model, "Apache-2.0")
    newer = replace(model, needed=tuple(replace(each, text_sha256="0" * 64) for each in model.needed))
    assert unrestricted_licenses(newer, ask(ledger, newer)) == ()
    ledger.append(LedgerEvent(event="suspended", model=model.id, license="Apache-2.0", text_sha256="0" * 64))
    assert unrestricted_licenses(model, ask(ledger, model)) == ()


def test_a_text_of_the_publishers_own_and_an_unknown_license_are_read_first(ledger: Ledger) -> None:
    model = subject("pythia")
    own = replace(model, needed=tuple(replace(each, own=True) for each in model.needed))
    assert unrestricted_licenses(own, ask(ledger, own)) == ()
    unknown = replace(model, needed=(replace(model.needed[0], id=UNKNOWN_LICENSE),))
    assert unrestricted_licenses(unknown, ask(ledger, unknown)) == ()


def test_a_file_that_is_recognized_by_words_alone_is_read_first(ledger: Ledger) -> None:
    model = subject("pythia")
    words = replace(model, imported=True, hash_vouched=False)
    assert unrestricted_licenses(words, ask(ledger, words)) == ()
    for known in (replace(words, hash_vouched=True), replace(words, imported=False)):
        assert ids(unrestricted_licenses(known, ask(ledger, known))) == ids(model.needed)


def test_a_lineage_that_is_not_known_needs_care(ledger: Ledger) -> None:
    from desktop.catalog.lineage import LineageFlag

    model = subject("pythia")
    for kind in ("unknown-lineage", "unknown-base", "unknown-license", "cycle", "too-deep", "claims-more"):
        flagged = replace(model, lineage=replace(model.lineage, flags=(LineageFlag(kind, model.id, "?"),)))
        assert unrestricted_licenses(flagged, ask(ledger, flagged)) == ()


def test_not_where_something_else_stands_in_the_way(ledger: Ledger, tmp_path: Path) -> None:
    model = subject("pythia")
    assert unrestricted_licenses(model, ask(ledger, model, Policy(deny=PolicyRules(license=("Apache-2.0",))))) == ()
    accept(ledger, model, "Apache-2.0")
    (tmp_path / "config" / "ledger-key.json").unlink()
    with closing(reopened(tmp_path)) as broken:
        assert unrestricted_licenses(model, ask(broken, model)) == ()


def test_no_license_of_the_catalog_brings_a_use_policy_and_restricts_nothing(home: Path) -> None:
    paths = find_paths()
    catalog = read_catalog(paths.catalog, paths.own_catalog, text_folders=(paths.resources,)).catalog
    assert [each.id for each in catalog.license if each.acceptable_use and not each.restrictions] == []
    assert {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0"} <= {
        each.id for each in catalog.license if not each.restrictions
    }
