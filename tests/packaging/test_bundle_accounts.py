"""What a bundle says of itself: all that is inside, by whom and under which terms, in a form that others can check."""

import json
import tarfile
import tomllib
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest

from tests.packaging.scripts import TOP, load_script

account = load_script("bundle/account.py")
compare = load_script("bundle/compare_builds.py")
list_crates = load_script("bundle/list_crates.py")
import bundle.inventory as inventory  # noqa: E402 - account.py says where it lies
import bundle.license_names as license_names  # noqa: E402
import bundle.notices as notices  # noqa: E402
import bundle.rust_crates as rust_crates  # noqa: E402
import bundle.sbom as sbom  # noqa: E402
from bundle.embedded import TABLE, embedded_parts  # noqa: E402
from bundle.part import Part  # noqa: E402

EPOCH = 1767225600


def wheel(packages: Path, name: str, terms: str, files: dict[str, str], text: str = "") -> None:
    """Install a distribution, as pip does, into `packages`."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    written = {f"{info}/METADATA": f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {terms}\n"}
    if text:
        written[f"{info}/licenses/LICENSE"] = text
    written |= files
    written[f"{info}/RECORD"] = "".join(f"{place},,\n" for place in (*written, f"{info}/RECORD"))
    for place, content in written.items():
        (packages / place).parent.mkdir(parents=True, exist_ok=True)
        (packages / place).write_text(content, encoding="utf-8")


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A bundle, PyInstaller's tables of it, and the site-packages that it was made of."""
    made, work, packages = tmp_path / "bundle", tmp_path / "work", tmp_path / "site-packages"
    wheel(packages, "latchkey", "Apache-2.0", {"desktop/__init__.py": ""}, "Apache text")
    wheel(packages, "pyinstaller", "GPL-2.0-or-later WITH Bootloader-exception", {}, "GPL text")
    wheel(packages, "Some.Library", "MIT", {"some/__init__.py": "", "some/fast.so": "elf"}, "MIT text")
    wheel(packages, "only_asked", "MIT", {"asked.py": ""}, "MIT text")
    wheel(packages, "not-taken", "MIT", {"not_taken.py": ""}, "text of what is not inside")
    sboms = [
        {
            "name": "crate",
            "version": "2.0",
            "purl": "pkg:cargo/crate@2.0",
            "licenses": [{"expression": "MIT OR Apache-2.0"}],
        },
        {"name": "tool", "version": "1", "scope": "excluded"},
        {"name": "left out", "version": "1", "scope": "optional"},
        {"name": "fast", "version": "9", "scope": "optional", "licenses": [{"license": {"id": "IJG"}}]},
    ]
    folder = packages / "Some_Library-1.0.dist-info"
    (packages / "Some.Library-1.0.dist-info").rename(folder)
    (folder / "sboms").mkdir()
    (folder / "sboms" / "x.cdx.json").write_text(json.dumps({"components": sboms}))
    record = folder / "RECORD"
    record.write_text(record.read_text().replace("Some.Library-1.0.dist-info", folder.name))
    places = {
        "latchkey": ("", "EXECUTABLE"),
        "some/fast.so": (str(packages / "some/fast.so"), "EXTENSION"),
        "only_asked-1.0.dist-info/METADATA": (str(packages / "only_asked-1.0.dist-info/METADATA"), "DATA"),
        "linked.so": ("some/fast.so", "SYMLINK"),
    }
    for place in ("latchkey", *(f"_internal/{each}" for each in places if each not in ("latchkey", "linked.so"))):
        (made / place).parent.mkdir(parents=True, exist_ok=True)
        (made / place).write_text(place)
    (made / "_internal" / "linked.so").symlink_to("some/fast.so")
    work.mkdir()
    table = [(place, source, kind) for place, (source, kind) in places.items()]
    (work / "COLLECT-00.toc").write_text(repr((table,)))
    modules = [
        (name, str(packages / file), "PYMODULE")
        for name, file in (("desktop", "desktop/__init__.py"), ("some", "some/__init__.py"))
    ]
    (work / "PYZ-00.toc").write_text(repr(("/PYZ-00.pyz", [*modules, ("namespace", "-", "PYMODULE")])))
    return made, work, packages


def test_only_what_is_inside_is_accounted_for_and_what_is_inside_it(built: tuple[Path, Path, Path]) -> None:
    found = inventory.take_inventory(*built)
    named = {
        part.name: (part.version, part.license, part.holder, len(part.files), part.modules) for part in found.parts
    }
    assert named == {
        "latchkey": ("1.0", "Apache-2.0", "", 0, 1),
        "pyinstaller": ("1.0", "GPL-2.0-or-later WITH Bootloader-exception", "", 1, 0),
        "some-library": ("1.0", "MIT", "", 1, 1),
        "crate": ("2.0", "MIT OR Apache-2.0", "some-library", 0, 0),
        "fast": ("9", "IJG", "some-library", 0, 0),
    }
    assert found.unknown == ()


def test_a_file_that_nobody_brought_is_named_and_not_guessed(built: tuple[Path, Path, Path]) -> None:
    (built[0] / "_internal" / "stray.so").write_text("x")
    assert inventory.take_inventory(*built).unknown == ("_internal/stray.so",)


def test_bill_notices_and_texts_are_the_same_bytes_each_time(built: tuple[Path, Path, Path]) -> None:
    made, inside = built[0], built[0] / "_internal"
    parts = inventory.take_inventory(*built).parts
    (inside / "licenses" / "of-an-earlier-build").mkdir(parents=True)
    account.account(made, parts, EPOCH)
    first = (inside / account.BILL).read_bytes()
    account.account(made, inventory.take_inventory(*built).parts, EPOCH)
    assert (inside / account.BILL).read_bytes() == first
    bill = json.loads(first)
    assert (bill["specVersion"], bill["metadata"]["timestamp"]) == ("1.7", "2026-01-01T00:00:00+00:00")
    (library,) = (each for each in bill["components"] if each["name"] == "some-library")
    assert library["purl"] == "pkg:pypi/some-library@1.0"
    assert library["licenses"] == [{"license": {"acknowledgement": "declared", "id": "MIT"}}]
    (file,) = library["components"]
    assert file["name"] == "_internal/some/fast.so"
    assert (file["hashes"][0]["alg"], len(file["hashes"][0]["content"])) == ("SHA-512", 128)
    depends = {each["ref"]: each.get("dependsOn") for each in bill["dependencies"]}
    assert depends["some-library/1.0"] == ["some-library/crate/2.0", "some-library/fast/9"]
    told = (inside / account.NOTICES).read_text()
    assert "MIT text" in told
    assert "text of what is not inside" not in told
    assert {each.name for each in (inside / "licenses").iterdir()} == {
        "latchkey-1.0",
        "pyinstaller-1.0",
        "shared",
        "some-library-1.0",
    }
    assert [each.name for each in (inside / "licenses" / "shared").iterdir()] == ["apache-2.0.txt"]
    (made / "latchkey").write_text("another")
    account.account(made, parts, EPOCH)
    assert json.loads((inside / account.BILL).read_text())["serialNumber"] != bill["serialNumber"]


def test_a_part_without_license_text_stops_the_build(tmp_path: Path) -> None:
    bare = Part("bare", "1", "library", "Zlib", "pkg:generic/bare@1")
    with pytest.raises(SystemExit, match="bare"):
        account.account(tmp_path, [bare], EPOCH)
    (text,) = account.with_standard_text(Part("bare", "1", "python", "MIT", "pkg:pypi/bare@1")).texts
    assert "Permission is hereby granted" in text.read_text()


def test_a_bill_that_is_none_by_the_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        sbom.check('{"bomFormat": "CycloneDX", "specVersion": "1.7", "components": [{"name": "without a type"}]}')


def test_qt_may_be_replaced_and_the_notices_say_how() -> None:
    holder = Part("pyside6-essentials", "6.11.3", "python", "", "", ("_internal/PySide6/Qt/lib/libQt6Core.so.6",))
    lxml = Part("lxml", "6.1.3", "python", "", "", ("_internal/lxml/etree.cpython-311-x86_64-linux-gnu.so",))
    inside = [part for each in (holder, lxml) for part in embedded_parts(each, TOP / "no-packages")]
    told = notices.third_party_notices([lxml, *inside])
    for words in (
        "GNU libiconv linked into lxml/etree",
        "Where the source is",
        "How to replace them",
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "GNU GENERAL PUBLIC LICENSE",
    ):
        assert words in told


def test_each_embedded_library_names_spdx_terms_and_texts_that_are_here() -> None:
    for holder_name, libraries in TABLE.items():
        signs = [
            sign for each in libraries.values() for sign in ([each.sign] if isinstance(each.sign, str) else each.sign)
        ]
        version = rust_crates.LISTS[holder_name].version if holder_name in rust_crates.LISTS else "1.0"
        holder = Part(holder_name, version, "python", "", "", tuple(sign.replace("*", "x") for sign in signs))
        found = {part.name: part for part in embedded_parts(holder, TOP / "no-packages")}
        for name, each in libraries.items():
            assert license_names.is_spdx(each.license) or each.license.startswith("LicenseRef-"), name
            assert all(path.is_file() for path in found[name].texts), name


def test_crates_that_a_wheel_does_not_name_are_listed_for_its_very_version() -> None:
    found = rust_crates.LISTS["llguidance"]
    holder = Part("llguidance", found.version, "python", "MIT", "", ("_internal/llguidance/_lib.abi3.so",))
    parts = {part.name: part for part in embedded_parts(holder, TOP / "no-packages")}
    assert parts["tokenizers"].purl.startswith("pkg:cargo/tokenizers@")
    assert [path.name for path in parts["tokenizers"].texts] == ["apache-2.0.txt"]
    assert [path.name for path in parts["nom"].texts] == ["rust-crates.txt"]
    assert [path.name for path in parts["unicode-ident"].texts] == ["apache-2.0.txt", "Unicode-3.0.txt"]
    assert [
        name
        for name, each in parts.items()
        if each.purl.startswith("pkg:cargo/") and not license_names.is_spdx(each.license)
    ] == []
    assert rust_crates.without_notice(parts.values()) == ["derivre 0.3.13"]
    with pytest.raises(ValueError, match=r"list_crates\.py"):
        list(embedded_parts(replace(holder, version="999"), TOP / "no-packages"))
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"llguidance=={found.version}" in project["optional-dependencies"]["bundle"]


def test_crates_are_those_that_a_lock_leads_to_on_this_system_with_the_features_that_are_on(tmp_path: Path) -> None:
    lock = """
        [[package]]
        name = "wheel"
        version = "1.0.0"
        dependencies = ["on", "off", "made-for-tests", "both 2.0.0"]
        """ + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\ndependencies = [{inner}]\n'
        for name, version, inner in (
            ("on", "0.1.0", '"windows-sys", "deep"'), ("deep", "3.0.0", '"on"'), ("off", "1.0.0", ""),
            ("made-for-tests", "1.0.0", ""), ("windows-sys", "1.0.0", ""), ("both", "1.0.0", ""), ("both", "2.0.0", ""),
        )
    )  # fmt: skip
    manifest = """
        package = { name = "wheel", version = "1.0.0" }
        features = { default = ["on"], more = ["dep:off"] }
        dev-dependencies = { made-for-tests = "1" }
        [dependencies]
        both = "2"
        off = { version = "1", optional = true }
        on = { version = "0.1", optional = true }
        """
    archive = tmp_path / "wheel.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for place, text in (("wheel/Cargo.lock", lock), ("wheel/Cargo.toml", manifest)):
            (tmp_path / "file").write_text(text)
            opened.add(tmp_path / "file", place)
    assert list_crates.crates(*list_crates.read_archive(archive), "wheel") == [
        ("both", "2.0.0"), ("deep", "3.0.0"), ("on", "0.1.0"), ("wheel", "1.0.0"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ([("License-Expression", "MIT-0"), ("License", "another")], "MIT-0"),
        ([("License", "PSFL")], "PSF-2.0"),
        ([("License", "Apache 2.0")], "Apache-2.0"),
        ([("License", "UNKNOWN"), ("Classifier", "License :: OSI Approved :: MIT License")], "MIT"),
        (
            [("License", "A whole text. " * 30), ("Classifier", "License :: OSI Approved :: BSD License")],
            "BSD-3-Clause",
        ),
        ([("License", "terms of our own")], "terms of our own"),
        ([("Classifier", "Topic :: Utilities")], ""),
    ],
)
def test_licenses_of_distributions(fields: list[tuple[str, str]], terms: str) -> None:
    metadata = Message()
    for name, value in fields:
        metadata[name] = value
    assert license_names.of_metadata(metadata) == terms


def test_licenses_of_debian_packages() -> None:
    text = "Format: x\n\nFiles: debian/*\nLicense: GPL-2+\n\nFiles: *\nCopyright: someone\nLicense: Expat\n words\n"
    assert license_names.of_debian("unheard", text) == "MIT"
    assert license_names.of_debian("libffi", "prose") == "MIT"
    assert license_names.of_debian("unheard", "prose") == ""


def test_two_builds_are_compared_file_by_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("a", b"same" + b"1"), ("b", b"same" + b"22")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "differs").write_bytes(content)
        (folder / "same").write_bytes(b"x" * 10)
        (folder / "link").symlink_to(name)
        (folder / "rights").touch(mode=0o644 if name == "a" else 0o755)
        (folder / f"only-{name}").touch()
    found = {each.place: each.what for each in compare.differences(tmp_path / "a", tmp_path / "b")}
    assert found == {
        "differs": "5 and 6 bytes, first difference at 4",
        "link": "leads to a and to b",
        "only-a": "file in the first, nothing in the second",
        "only-b": "nothing in the first, file in the second",
        "rights": "rights 644 and 755",
    }
    assert list(compare.differences(tmp_path / "a", tmp_path / "a")) == []
    with pytest.raises(NotADirectoryError):
        list(compare.differences(tmp_path / "a", tmp_path / "none"))
