"""A person's own catalog adds: it takes no gate, no term and no policy off, of what Latchkey or the Hub knows."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from desktop.catalog.catalog import CatalogEntry
from desktop.errors import ForbiddenError
from desktop.hub.repository import DEFAULT_ENDPOINT
from desktop.library.installed_models import InstalledModel
from desktop.library.library_services import LibraryServices, build_library_services
from desktop.library.status import EnterTokenStep
from desktop.licenses.acknowledgements import Acceptance
from desktop.licenses.license_subject import LicenseSubject
from desktop.paths import find_paths
from desktop.settings import Settings
from tests.fakes.hub import FakeHub, FakeRepository
from tests.fakes.tiny_gguf import random_model

pytestmark = pytest.mark.loopback

OPEN = "smollm2-135m-instruct"
GATED, HASHED = "gemma-3-1b-it", "stablelm-2-zephyr-1.6b"  # of the second the catalog knows a hash
ENTRY = """
[[model]]
id = "mine"
name = "Mine"
family = "Mine"
publisher = "{publisher}"
license = "{license}"
gate = "open"
summary = "For a test."
architecture = "llama"
repository = "{repository}"
gguf = "{gguf}"
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def open_home(hub: FakeHub, home: Path) -> Callable[..., LibraryServices]:
    def opened(text: str = "", policy: str = "", endpoint: str = hub.endpoint) -> LibraryServices:
        (home / "config").mkdir(exist_ok=True)
        (home / "config" / "models.toml").write_text("version = 1\n" + text, encoding="utf-8")
        (home / "policy.toml").write_text(policy.format(hub=hub.endpoint), encoding="utf-8")
        paths = replace(find_paths(), system_policy=home / "policy.toml")
        return build_library_services(
            paths, {"LATCHKEY_HOME": str(home)}, settings=lambda: Settings(hub_endpoint=endpoint)
        )

    return opened


def mine(
    gguf: str = "", *, repository: str = "", license_id: str = "MIT", publisher: str = "Me", sha256: str = ""
) -> str:
    text = ENTRY.format(gguf=gguf, repository=repository, license=license_id, publisher=publisher)
    if sha256:
        text += f'[[model.file]]\nname = "tiny-Q8_0.gguf"\nquantization = "Q8_0"\nsha256 = "{sha256}"\n'
    return text


def published(hub: FakeHub, name: str, file: Path, **more: object) -> FakeRepository:
    made = hub.add(FakeRepository(name, **more))  # type: ignore[arg-type]
    made.add_file("tiny-Q8_0.gguf", file)
    return made


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return random_model(tmp_path / "tiny-Q8_0.gguf", metadata={"general.license": None})


def subject(assembly: LibraryServices, model_id: str = "mine") -> LicenseSubject:
    return assembly.library.find_listed(model_id).subject


def refusal(assembly: LibraryServices, model_id: str = "mine") -> ForbiddenError | None:
    return assembly.acknowledgements.policy_refusal(subject(assembly, model_id))


def shipped(assembly: LibraryServices, model_id: str) -> CatalogEntry:
    entry = assembly.library.catalog.find_model(model_id)
    assert entry is not None
    assert model_id == OPEN or entry.gate in ("hub-auto", "hub-manual")
    return entry


@pytest.mark.parametrize("model_id", [GATED, HASHED])
def test_an_own_entry_for_the_files_of_a_gated_model_has_its_gate_and_terms(
    open_home: Callable[..., LibraryServices], model_id: str
) -> None:
    with closing(open_home()) as bare:
        entry = shipped(bare, model_id)
        terms = {each.id for each in subject(bare, model_id).needed}
    sha256 = next((file.sha256 for file in entry.file if file.sha256), "")
    texts = [mine(entry.gguf), mine(entry.gguf.upper()), mine("", repository=entry.repository)]
    texts.append(mine("someone/else-GGUF", sha256=sha256) if sha256 else mine("a/b", repository=entry.repository))
    for text in texts:
        with closing(open_home(text, '[allow]\ngate = ["open"]\n')) as assembly:
            found = subject(assembly)
            assert found.gate == entry.gate
            assert terms < {each.id for each in found.needed}
            assert refusal(assembly) is not None


def test_an_own_entry_is_no_way_round_the_publishers_gate(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    with closing(open_home()) as bare:
        entry = shipped(bare, GATED)
    published(hub, entry.gguf, model_file)
    hub.add(FakeRepository(entry.repository, gated="manual")).add_file("README.md", b"# it")

    with closing(open_home(mine(entry.gguf))) as assembly:
        assembly.lookup.look_up("mine")
        step = assembly.lookup.next_step("mine")

    assert isinstance(step, EnterTokenStep)


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ('[allow]\ngate = ["open"]\n', mine("acme/tiny")),
        ('[allow]\nlicense = ["MIT"]\n', mine("acme/tiny")),
        ('[allow]\npublisher = ["Good Works"]\n', mine("acme/tiny", publisher="Good Works")),
        ('[allow]\nrepository = ["good/works"]\n', mine("acme/tiny", repository="good/works")),
        ('[allow]\nrepository = ["mine"]\n', mine("acme/tiny")),
        ("require_checksum = true\n", mine("acme/tiny", sha256="0" * 64)),
        (
            '[allow]\nlicense = ["good-works-1.0"]\n',
            '[[license]]\nid = "Mine-1.0"\nname = "Mine"\ntext = "licenses/mit.txt"\nhub_ids = ["good-works-1.0"]\n'
            + mine("acme/tiny", license_id="Mine-1.0"),
        ),
        ('[allow]\nlicense = ["MIT"]\n', mine("acme/tiny") + '[[model.base]]\nid = "phi-4"\nrelation = "fine-tune"\n'),
    ],
    ids=["gate", "license", "publisher", "repository", "id", "checksum", "own license", "own base"],
)
def test_what_only_an_own_catalog_says_makes_no_model_an_allowed_one(
    open_home: Callable[..., LibraryServices], policy: str, text: str
) -> None:
    if "model.base" in text:
        text = text.replace('gate = "open"', 'gate = "open"\norigin = "derived"')
    with closing(open_home(text, policy)) as assembly:
        assert assembly.library.problems == () or "repository" in policy
        assert refusal(assembly) is not None


def test_what_the_hub_says_of_an_own_entry_counts_under_a_policy(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    published(hub, "acme/tiny", model_file, card={"license": "mit"})
    policy = 'endpoint = ["{hub}"]\n[allow]\nlicense = ["MIT"]\ngate = ["open"]\nrepository = ["Acme/Tiny"]\n'
    with closing(open_home(mine("acme/tiny"), policy)) as assembly:
        assert refusal(assembly) is not None
        assembly.lookup.look_up("mine")
        assert refusal(assembly) is None


def test_an_own_entry_stands_for_no_base_that_a_card_names(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    published(hub, "acme/base", model_file, card={"license": "llama3.2"})
    published(hub, "acme/tuned", model_file, card={"license": "mit", "base_model": "acme/base"})
    with closing(open_home(mine(repository="acme/base"))) as assembly:
        assembly.lookup.look_up("acme/tuned")
        needed = {each.id for each in subject(assembly, "acme/tuned").needed}
    assert {"MIT", "LicenseRef-Llama-3.2"} <= needed


def test_a_repository_with_the_very_file_of_a_listed_model_is_a_copy_of_it(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    with closing(open_home()) as bare:
        entry = shipped(bare, HASHED)
    made = published(hub, "acme/copy", model_file, card={"license": "mit"})
    made.files["tiny-Q8_0.gguf"].sha256 = entry.file[0].sha256
    with closing(open_home()) as assembly:
        assembly.lookup.look_up("acme/copy")
        found = subject(assembly, "acme/copy")
    assert found.gate == entry.gate
    assert entry.license in {each.id for each in found.needed}


def test_a_license_that_only_the_person_states_is_on_no_list_of_what_is_allowed(
    open_home: Callable[..., LibraryServices], tmp_path: Path, model_file: Path
) -> None:
    named = random_model(tmp_path / "named.gguf", seed=5, metadata={"general.license": "mit"})
    with closing(open_home(policy='[allow]\nlicense = ["MIT"]\n')) as assembly:
        stated = assembly.importer.add(model_file, "MIT")
        said = assembly.importer.add(named, "MIT")
        assert refusal(assembly, stated.id) is not None
        assert refusal(assembly, said.id) is None


@contextmanager
def looked_up(open_home: Callable[..., LibraryServices], policy: str, *names: str) -> Iterator[LibraryServices]:
    with closing(open_home(policy=policy)) as assembly:
        for name in names:
            assembly.lookup.look_up(name)
        yield assembly


@pytest.mark.parametrize(
    "policy",
    [
        '[allow]\nlicense = ["Apache-2.0"]\n',
        '[allow]\ngate = ["open"]\n',
        '[allow]\nrepository = ["smollm2-135m-instruct", "acme/tiny"]\n',
        "require_checksum = true\n",
        "imports = false\n",
        'endpoint = ["https://hub.example"]\n',
    ],
)
def test_a_hub_of_ones_own_gives_out_nothing_that_a_policy_allows(
    open_home: Callable[..., LibraryServices], hub: FakeHub, tmp_path: Path, policy: str
) -> None:
    evil = random_model(tmp_path / "evil-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    with closing(open_home()) as bare:
        entry = shipped(bare, OPEN)
    published(hub, entry.gguf or entry.repository, evil, card={"license": "apache-2.0"})
    published(hub, "acme/tiny", evil, card={"license": "apache-2.0"})

    with looked_up(open_home, policy, OPEN, "acme/tiny") as assembly:
        for model_id in (OPEN, "acme/tiny"):
            found = refusal(assembly, model_id)
            assert found is not None
            assert "127.0.0.1" in found.title
    named = 'endpoint = ["{hub}"]\n' + ("" if policy.startswith("endpoint") else policy)
    with looked_up(open_home, named, "acme/tiny") as assembly:
        assert refusal(assembly, "acme/tiny") is None


def test_a_file_that_is_known_from_a_hub_of_ones_own_is_no_allowed_one(
    open_home: Callable[..., LibraryServices], hub: FakeHub, tmp_path: Path
) -> None:
    evil = random_model(tmp_path / "evil-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    published(hub, "acme/tiny", evil, card={"license": "apache-2.0"})
    with looked_up(open_home, '[allow]\nlicense = ["Apache-2.0"]\n', "acme/tiny") as assembly:
        added = assembly.importer.add(evil)
        found = refusal(assembly, added.id)
    assert found is not None
    assert "127.0.0.1" in found.title


def heard_at_hugging_face(assembly: LibraryServices, model_id: str) -> None:
    """The same repository at the usual Hub, which holds another file."""
    known = assembly.library.hub_records.find(model_id)
    assert known is not None
    part = replace(known.files[0].parts[0], sha256="0" * 64)
    files = (replace_struct(known.files[0], parts=(part,)),)
    assembly.library.hub_records.save(replace_struct(known, files=files, endpoint=DEFAULT_ENDPOINT))


@pytest.mark.parametrize("way", ["imported", "fetched and imported"])
@pytest.mark.parametrize("name", ["acme/tiny", OPEN])
def test_what_one_hub_said_of_a_file_is_no_other_hub_s_word(
    open_home: Callable[..., LibraryServices], hub: FakeHub, tmp_path: Path, way: str, name: str
) -> None:
    evil = random_model(tmp_path / "evil-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    with closing(open_home()) as bare:
        entry = bare.library.catalog.find_model(name)
    published(hub, entry.gguf if entry is not None else name, evil, card={"license": "apache-2.0"})
    with looked_up(open_home, "", name) as assembly:
        if way == "imported":
            added = assembly.importer.add(evil)
        else:
            accept_all(assembly, name)
            item = assembly.downloads.wait(assembly.downloads.start(name), 60.0)
            path = assembly.library.find(item.installed).path
            assert path is not None
            added = assembly.importer.add(path, "MIT")
        heard_at_hugging_face(assembly, name)
        path = added.path
        assert path is not None
    policy = f'require_checksum = true\n[allow]\nrepository = ["{name}"]\n'
    with closing(open_home(policy=policy, endpoint="")) as strict:
        found = strict.acknowledgements.policy_refusal(strict.library.subject_at(path))
    assert found is not None
    assert "127.0.0.1" in found.title


def test_the_very_file_of_a_listed_model_is_it_whoever_gave_it_out(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    policy = '[allow]\nrepository = ["' + HASHED + '"]\n'
    with closing(open_home(policy=policy)) as assembly:
        entry = shipped(assembly, HASHED)
        published(hub, entry.gguf, model_file)
        assembly.lookup.look_up(HASHED)
        for sha256, endpoint, allowed in (
            (entry.file[0].sha256, "", True),
            (entry.file[0].sha256, hub.endpoint, True),
            ("0" * 64, hub.endpoint, False),
        ):
            kept = InstalledModel("x", "X", "/x", 1, sha256, "Q4_0", "stablelm", entry=HASHED, endpoint=endpoint)
            found = assembly.acknowledgements.policy_refusal(assembly.library.subject_of(kept))
            assert (found is None) is allowed, (sha256, endpoint)


def test_a_file_from_a_hub_of_ones_own_is_that_whatever_became_of_what_it_said(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    published(hub, "acme/tiny", model_file, card={"license": "mit"})
    with looked_up(open_home, "", "acme/tiny") as assembly:
        accept_all(assembly, "acme/tiny")
        item = assembly.downloads.wait(assembly.downloads.start("acme/tiny"), 60.0)
        assert item.error is None
        path = assembly.library.find(item.installed).path
        assembly.library.hub_records.delete("acme/tiny")
    with closing(open_home(policy='[allow]\nlicense = ["MIT"]\n')) as strict:
        found = strict.acknowledgements.policy_refusal(strict.library.subject_at(path))
    assert found is not None
    assert "127.0.0.1" in found.title


def accept_all(assembly: LibraryServices, model_id: str) -> None:
    model = subject(assembly, model_id)
    for each in model.needed:
        sha256 = assembly.acknowledgements.text(each.id, model_id).sha256
        assembly.acknowledgements.accept(model, each.id, sha256, Acceptance("Ada", "personal"))


def test_a_policy_that_only_denies_leaves_mirrors_alone(
    open_home: Callable[..., LibraryServices], hub: FakeHub, model_file: Path
) -> None:
    published(hub, "acme/tiny", model_file, card={"license": "apache-2.0"})
    with looked_up(open_home, '[deny]\nlicense = ["MIT"]\n', "acme/tiny") as assembly:
        assert refusal(assembly, "acme/tiny") is None
