"""Whatever is given, the parser of names gives a repository's id that is safe to use, or its one error."""

import contextlib
import random

import pytest

from desktop.catalog.base_model_name import NOT_NAMED, base_from_header_fields, base_model_name
from desktop.catalog.repository_name import RepositoryName, is_repository_id, parse_repository_name
from desktop.errors import NotFoundError

PIECES = [
    "acme", "tiny-1B", "acme/tiny", "..", ".", "/", "//", "\\", ":", "::", "@", "?", "#", "%2e%2e", "%2F", "%5c", "%00",
    "%ff", "%", "%zz", "http://", "https://", "hf://", "ftp://", "git@", "ssh://", "//", "huggingface.co", "hf.co",
    "www.", "HF.CO", ":443", ":99999999", "[::1]", "[", "]", "tree", "blob", "resolve", "main", "models", "datasets",
    "api", "x.gguf", "Q4_K_M", ".git", "latest", " ", "\n", "\t", "\x00", "\x7f", "\u202e", "\u200b", "\u0430", "／",
    "：", "．．", "℀", "ſ", "K", "\ud800", "'", '"', "<", ">", "(", ")", "~", "C:", "-", "--", "_", "%25252e",
    "?show_file_info=", "a" * 300, "é",
]  # fmt: skip


def safe(name: RepositoryName) -> bool:
    parts = (name.id, name.revision, name.file, name.quantization)
    return (
        is_repository_id(name.id)
        and name.id.isascii()
        and all("\\" not in each and each.isprintable() and not each.startswith("/") for each in parts)
        and all(".." not in each.split("/") for each in parts)
    )


@pytest.mark.parametrize("seed", range(5))
def test_anything_gives_a_safe_name_or_the_one_error(seed: int) -> None:
    source = random.Random(seed)
    named, said = 0, list[str]()
    for _ in range(1500):
        text = "".join(source.choice(PIECES) for _ in range(source.randint(1, 9)))
        for hub in ("huggingface.co", "127.0.0.1:8770", None):
            try:
                name = parse_repository_name(text, hub)
            except NotFoundError as error:
                said.append(str(error))
            else:
                named += 1
                assert safe(name), (text, name)
        base = base_model_name(text)
        assert base
        assert base.isprintable()
        assert len(base) <= 200
    assert named
    assert all(each.isprintable() for each in said)


@pytest.mark.parametrize("seed", range(5))
def test_anything_written_around_a_name_leads_to_it_or_to_the_error(seed: int) -> None:
    """No spelling of one repository's address is read as another repository."""
    source = random.Random(seed)
    before = [
        "",
        " ",
        "<",
        "https://",
        "http://www.",
        "//",
        "hf://",
        "git@",
        "hf.co/",
        "https://ada:pw@hf.co:443//",
        "\u200b",
    ]
    after = [
        "",
        "/",
        ".git",
        "/tree/main",
        "/blob/main/x.gguf",
        "?a=b",
        "#c",
        ">",
        ".",
        ":Q4_K_M",
        ":latest",
        "@main",
        "/../x",
    ]
    for _ in range(2000):
        text = (
            source.choice(before)
            + source.choice(["", "huggingface.co/", "HF.co/"])
            + "acme/Tiny"
            + source.choice(after)
        )
        with contextlib.suppress(NotFoundError):
            assert parse_repository_name(text + source.choice(after)).id == "acme/Tiny"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hf://acme/tiny@v2/Q8/x.gguf", RepositoryName("acme/tiny", "v2", "Q8/x.gguf")),
        ("huggingface://acme/tiny/x.gguf", RepositoryName("acme/tiny", file="x.gguf")),
        ("acme/tiny@q4_k_m", RepositoryName("acme/tiny", quantization="q4_k_m")),
        ("acme/tiny@v2", RepositoryName("acme/tiny", "v2")),
        ("hf.co/acme/tiny:LATEST", RepositoryName("acme/tiny")),
        ("hf.co/acme/tiny:tiny-Q8_0.gguf", RepositoryName("acme/tiny", quantization="tiny-Q8_0.gguf")),
        ("https://huggingface.co/acme/tiny?show_file_info=a%2Fb.gguf", RepositoryName("acme/tiny", file="a/b.gguf")),
        ("docker://hf.co/acme/tiny", RepositoryName("acme/tiny")),
    ],
)
def test_what_is_named_beside_the_repository_is_kept(text: str, name: RepositoryName) -> None:
    assert parse_repository_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "/home/ada/tiny.gguf",
        "hf.co",
        "https://huggingface.co@example.org/acme/tiny",
        "https://huggingface.co.example.org/acme/tiny",
        "https://huggingface%2eco/acme/tiny",
        "https://huggingface.co\\@example.org/acme/tiny",
        "https:/huggingface.co/acme/tiny",
        "git@example.org:acme/tiny",
        "https://huggingface.co:8443/acme/tiny",
        "https://huggingface.co/acme/tiny/blob/main/..%2f..%2fx.gguf",
        "https://huggingface.co/acme/tiny?show_file_info=..%2Fx",
        "acme/tiny@../x",
        "a℀c/tiny",
    ],
)
def test_what_only_looks_like_a_name_of_the_hub_is_refused(text: str) -> None:
    with pytest.raises(NotFoundError):
        parse_repository_name(text)


def test_the_words_of_a_base_make_a_repositorys_name_where_they_can() -> None:
    assert base_from_header_fields("Meta Llama", "Llama 3.2 1B") == "Meta-Llama/Llama-3.2-1B"
    assert base_from_header_fields("Mistralai", "Mistral 7B Instruct", "v0.3") == "Mistralai/Mistral-7B-Instruct-v0.3"
    assert base_from_header_fields("Mistralai", "Mistral 7B v0.3", "v0.3") == "Mistralai/Mistral-7B-v0.3"
    assert base_from_header_fields("", "Llama 3.2 1B") == "Llama 3.2 1B"
    assert base_from_header_fields("a/b", "c") == "a/b/c"
    assert base_from_header_fields("x", "../etc") == "../etc"
    assert base_from_header_fields("", "\u200b") == NOT_NAMED
