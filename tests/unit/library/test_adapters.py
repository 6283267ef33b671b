"""Adapters (LoRA) of a person's: taken in with their own license and lineage, and listed among no models."""

from pathlib import Path

import pytest

from desktop.cli.licenses_command import next_sentence
from desktop.cli.step_commands import command_steps
from desktop.errors import EngineError, LicenseError, NotFoundError
from desktop.library.adapter_lookup import find_adapter
from desktop.library.library_services import LibraryServices
from tests.accepting import accept
from tests.fakes.tiny_adapter import lora_adapter
from tests.fakes.tiny_gguf import random_model
from tests.unit.library.test_library import made_from


def test_an_imported_adapter_has_a_license_and_a_lineage_of_its_own(assembly: LibraryServices, home: Path) -> None:
    path = lora_adapter(home / "poet.gguf", license_="mit", metadata=made_from("meta-llama/Llama-3.2-1B"))
    adapter = assembly.importer.add(path, adapters=True)
    assert adapter.adapter
    listed = assembly.library.find_listed(adapter.id)
    assert [each.id for each in listed.subject.needed] == ["LicenseRef-Llama-3.2", "MIT"]
    assert "Llama 3.2 1B" in [each.node.name for each in listed.subject.lineage.ancestors]
    with pytest.raises(LicenseError, match="waits for you"):
        assembly.license_check.admit(path)
    accept(assembly, adapter.id)
    (file,) = assembly.license_check.admit(path)
    assembly.license_check.record_load(path, (file,))
    record = list(assembly.ledger.records())[-1]
    assert (record.event, record.model, record.file_sha256) == ("loaded", adapter.id, listed.subject.file_sha256)


def test_an_adapter_is_listed_among_no_models(assembly: LibraryServices, home: Path) -> None:
    adapter = assembly.importer.add(lora_adapter(home / "poet.gguf"), adapters=True)
    library = assembly.library
    ids = [each.subject.id for each in (*library.installed(), *library.list_models(), *library.listed_files())]
    assert adapter.id not in ids
    assert [each.id for each in library.models()] == ["latchkey-guide"]
    assert [each.subject.id for each in library.adapters()] == [adapter.id]
    assert find_adapter(library, adapter.id).path == adapter.path == find_adapter(library, str(adapter.path)).path
    assert library.find_listed(str(adapter.path)).subject.id == adapter.id
    card = library.card(adapter.id)
    assert command_steps(card)[-1].commands == (f'latchkey ask "…" --model ID --lora {adapter.id}',)
    accept(assembly, adapter.id)
    listed = library.find_listed(adapter.id)
    assert f"--model ID --lora {adapter.id}" in next_sentence(listed, assembly.acknowledgements.verdict(listed.subject))
    assert assembly.importer.remove(adapter.id) == 0
    assert library.adapters() == []


def test_whoever_takes_in_models_alone_refuses_an_adapter(assembly: LibraryServices, home: Path) -> None:
    with pytest.raises(EngineError, match="is an adapter"):
        assembly.importer.add(lora_adapter(home / "poet.gguf"))
    assert assembly.importer.add(random_model(home / "some.gguf"), adapters=True).adapter is False


def test_a_name_that_leads_to_no_adapter_says_so(assembly: LibraryServices, home: Path) -> None:
    library = assembly.library
    with pytest.raises(NotFoundError, match="no adapter"):
        find_adapter(library, "no-such")
    with pytest.raises(EngineError, match="is not an adapter"):
        find_adapter(library, str(random_model(home / "some.gguf")))
    with pytest.raises(LicenseError, match="never imported"):
        find_adapter(library, str(lora_adapter(home / "poet.gguf")))


def test_a_copied_adapter_is_deleted_with_its_record(assembly: LibraryServices, home: Path) -> None:
    source = lora_adapter(home / "poet.gguf")
    adapter = assembly.importer.add(source, copy=True, adapters=True)
    assert adapter.path != source
    assert assembly.importer.remove(adapter.id) > 0
    assert not adapter.path.exists()
    assert source.exists()
