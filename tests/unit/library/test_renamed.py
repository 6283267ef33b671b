"""A repository that was renamed is one model, under its old name as under its new one."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import ForbiddenError
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.status import LookUpStep
from desktop.licenses.acknowledgements import Acceptance
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

OLD, NEW = "old-lab/tiny-GGUF", "new-lab/tiny-GGUF"
NAMES = (OLD, NEW, OLD.upper(), f"hf.co/{OLD}", f"https://huggingface.co/{NEW}/tree/main")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def opened(hub: FakeHub, home: Path) -> Callable[..., LibraryServices]:
    def made(policy: str = "", endpoint: str = "") -> LibraryServices:
        (home / "policy.toml").write_text(policy.format(hub=hub.endpoint), encoding="utf-8")
        paths = replace(find_paths(), system_policy=home / "policy.toml")
        environ = {"LATCHKEY_HOME": str(home)}
        return build_library_services(paths, environ, settings=lambda: Settings(hub_endpoint=endpoint or hub.endpoint))

    return made


@pytest.fixture
def assembly(opened: Callable[..., LibraryServices]) -> Iterator[LibraryServices]:
    with closing(opened()) as made:
        yield made


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})


def published(hub: FakeHub, name: str, file: Path, **card: object) -> FakeRepository:
    made = hub.add(FakeRepository(name, card={"license": "apache-2.0"} | card))
    made.add_file("tiny-Q8_0.gguf", file)
    return made


def leads_on(hub: FakeHub, old: str, repository: FakeRepository, hub_id: str = "") -> None:
    """Have the Hub answer for `old` as it does for a repository that was renamed: with the new one."""
    files = repository.files.items()
    siblings = [{"rfilename": n, "size": c.size, "lfs": {"sha256": c.sha256, "size": c.size}} for n, c in files]
    info = {"id": repository.id, "sha": repository.head, "cardData": repository.card, "siblings": siblings}
    hub.add(FakeRepository(old, raw_info=json.dumps(info | ({"_id": hub_id} if hub_id else {})).encode()))


def accept(assembly: LibraryServices, name: str) -> None:
    subject = assembly.library.find_listed(name).subject
    for each in subject.needed:
        sha256 = assembly.acknowledgements.text(each.id, subject.id).sha256
        assembly.acknowledgements.accept(subject, each.id, sha256, Acceptance("Ada", "personal"))


def fetched(assembly: LibraryServices, name: str) -> Path:
    item = assembly.downloads.wait(assembly.downloads.start(assembly.library.id_of(name)), 60.0)
    assert item.error is None, item.error
    return assembly.library.find(item.installed).path


def test_a_model_is_found_by_every_name_of_its_repository(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    leads_on(hub, OLD, published(hub, NEW, model_file))

    assert assembly.lookup.look_up(OLD).model_id == NEW
    accept(assembly, OLD)
    path = fetched(assembly, OLD)

    for name in (*NAMES, f"{hub.endpoint}/{OLD}"):
        assert assembly.library.find(name).path == path, name
        assert assembly.library.find_listed(name).subject.id == NEW
        assert assembly.library.id_of(name) == NEW
        assert assembly.lookup.hub_record(name) is not None


def test_what_was_accepted_before_the_renaming_stands_after_it(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    published(hub, OLD, model_file)
    assembly.lookup.look_up(OLD)
    accept(assembly, OLD)
    path = fetched(assembly, OLD)

    leads_on(hub, OLD, published(hub, NEW, model_file))
    assembly.lookup.look_up(OLD)

    assembly.license_check.admit(path)
    for name in NAMES:
        listed = assembly.library.find_listed(name)
        assert listed.subject.id == OLD
        assert listed.model is not None
        assert assembly.acknowledgements.verdict(listed.subject).allowed
    assert len({each.subject.id for each in assembly.library.list_models() if "tiny-GGUF" in each.subject.id}) == 1


def test_a_renamed_repository_is_known_by_what_the_hub_itself_calls_it(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    first = published(hub, OLD, model_file)
    leads_on(hub, OLD, first, hub_id="5" * 24)
    assembly.lookup.look_up(OLD)
    moved = published(hub, NEW, model_file)
    leads_on(hub, NEW, moved, hub_id="5" * 24)

    assert assembly.lookup.look_up(NEW).model_id == OLD  # nobody was led on from the old name
    assert assembly.library.id_of(NEW) == OLD


def test_who_takes_a_former_name_over_is_another_model(
    assembly: LibraryServices, hub: FakeHub, model_file: Path
) -> None:
    leads_on(hub, OLD, published(hub, NEW, model_file))
    assembly.lookup.look_up(OLD)

    published(hub, OLD, model_file, license="cc-by-nc-4.0")
    assembly.lookup.look_up(OLD)

    assert assembly.library.id_of(OLD) == OLD
    assert assembly.library.id_of(NEW) == NEW
    assert "CC-BY-NC-4.0" in {each.id for each in assembly.library.find_listed(OLD).subject.needed}
    assert "CC-BY-NC-4.0" not in {each.id for each in assembly.library.find_listed(NEW).subject.needed}


@pytest.mark.parametrize("rule", [f'repository = ["{OLD}"]', 'publisher = ["old-lab"]'])
def test_a_former_name_on_a_deny_list_counts_however_the_model_was_found(
    opened: Callable[..., LibraryServices], hub: FakeHub, model_file: Path, rule: str
) -> None:
    leads_on(hub, OLD, published(hub, NEW, model_file))
    with closing(opened(f"[deny]\n{rule}\n")) as assembly:
        assembly.lookup.look_up(OLD if rule.startswith("publisher") else NEW)
        with pytest.raises(ForbiddenError, match="organization"):
            assembly.downloads.start(NEW)


def test_a_former_name_of_a_base_on_a_deny_list_counts(
    opened: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    leads_on(hub, "old-lab/base", published(hub, "new-lab/base", model_file))
    published(hub, "acme/by-new", model_file, base_model="new-lab/base")
    published(hub, "acme/by-old", model_file, base_model="old-lab/base")
    for denied in ("old-lab/base", "new-lab/base"):
        with closing(opened(f'[deny]\nrepository = ["{denied}"]\n')) as assembly:
            for name in ("acme/by-new", "acme/by-old"):
                assembly.lookup.look_up(name)
                assert (
                    assembly.acknowledgements.policy_refusal(assembly.library.find_listed(name).subject) is not None
                ), name


def test_a_former_name_on_a_list_of_what_is_allowed_allows(
    opened: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    leads_on(hub, OLD, published(hub, NEW, model_file))
    published(hub, "acme/tiny", model_file)
    rules = 'endpoint = ["{hub}"]\n[allow]\nrepository = ["' + OLD + '"]\n'
    with closing(opened(rules)) as assembly:
        for name in (NEW, "acme/tiny"):
            assembly.lookup.look_up(name)
        assert assembly.acknowledgements.policy_refusal(assembly.library.find_listed(NEW).subject) is None
        assert assembly.acknowledgements.policy_refusal(assembly.library.find_listed("acme/tiny").subject) is not None


def test_what_one_hub_says_is_no_word_of_another(
    opened: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    published(hub, NEW, model_file, license="cc-by-nc-4.0")
    with FakeHub() as other:
        published(other, NEW, model_file)
        with closing(opened(endpoint=other.endpoint)) as there:
            there.lookup.look_up(NEW)
            accept(there, NEW)
            path = fetched(there, NEW)
        with closing(opened()) as here:
            assert isinstance(here.lookup.next_step("new-lab/tiny-gguf", "other-Q4_0.gguf"), LookUpStep)
            here.lookup.look_up(NEW)
            known = here.library.hub_records.find(NEW)
            assert known is not None
            assert known.node.licenses == ("CC-BY-NC-4.0", "Apache-2.0")  # the card's and the header's
            # The file that came from there goes on under the terms that it came with.
            assert {each.id for each in here.library.subject_at(path).needed} == {"Apache-2.0"}
