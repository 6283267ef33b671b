"""What a person types or pastes leads to one repository, or to one reason why it does not."""

from __future__ import annotations

import pytest

from desktop.errors import NetworkError, NotFoundError, UserError
from desktop.hub.repository import Repository, endpoint_from, is_repository_id, parse_repository, resolve_url

HUB = "https://huggingface.co"


@pytest.mark.parametrize(
    ("text", "revision", "file", "quantization"),
    [
        ("acme/Tiny-1B.GGUF", "main", "", ""),
        ("  acme/Tiny-1B.GGUF\n", "main", "", ""),
        ("<https://huggingface.co/acme/Tiny-1B.GGUF>", "main", "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/", "main", "", ""),
        ("http://www.HuggingFace.co/acme/Tiny-1B.GGUF?library=true#files", "main", "", ""),
        ("huggingface.co/acme/Tiny-1B.GGUF", "main", "", ""),
        ("hf.co/acme/Tiny-1B.GGUF:Q4_K_M", "main", "", "Q4_K_M"),
        ("acme/Tiny-1B.GGUF:q8_0", "main", "", "q8_0"),
        ("https://huggingface.co/models/acme/Tiny-1B.GGUF", "main", "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/discussions/3", "main", "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/tree/dev", "dev", "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/tree/refs%2Fpr%2F1/Q8_0", "refs/pr/1", "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/commit/" + "a" * 40, "a" * 40, "", ""),
        ("https://huggingface.co/acme/Tiny-1B.GGUF/blob/main/tiny-Q8_0.gguf", "main", "tiny-Q8_0.gguf", ""),
        ("https://hf.co/acme/Tiny-1B.GGUF/resolve/main/BF16/t%201.gguf?download=true", "main", "BF16/t 1.gguf", ""),
    ],
)
def test_a_name_or_a_pasted_address_is_understood(text: str, revision: str, file: str, quantization: str) -> None:
    assert parse_repository(text, HUB) == Repository(HUB, "acme/Tiny-1B.GGUF", revision, file, quantization)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "slash"),
        ("tiny", "slash"),
        ("acme / tiny", "slash"),
        ("acme/", "slash"),
        ("https://huggingface.co/acme", "slash"),
        ("https://huggingface.co/datasets/acme/tiny", "something else"),
        ("https://huggingface.co/spaces/acme/tiny", "something else"),
        ("https://example.org/acme/tiny", "example.org"),
        ("https://huggingface.co@example.org/acme/tiny", "example.org"),
        ("https://huggingface.co:8443/acme/tiny", "8443"),
        ("ftp://huggingface.co/acme/tiny", "address"),
        ("http://[::1/acme/tiny", "address"),
        ("acme/../etc", "called"),
        ("acme/..", "called"),
        ("acme/ti%2Fny", "called"),
        ("acme/ti--ny", "called"),
        ("acme/tiny.git", "called"),
        ("acme/-tiny", "called"),
        ("acme/" + "x" * 97, "called"),
        ("acme/tïny", "called"),
        ("acme/tiny:Q4 K", "slash"),
        ("acme/tiny:../x", "colon"),
        ("https://huggingface.co/acme/tiny/tree/..%2F..", "version"),
        ("acme/ti\u202eny", "slash"),
        ("a/" * 1500, "slash"),
    ],
)
def test_what_names_no_model_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(NotFoundError) as refused:
        parse_repository(text, HUB)
    assert why in refused.value.detail
    assert "/" in refused.value.remedy
    assert len(refused.value.title) < 200
    assert all(sign.isprintable() for sign in str(refused.value))


def test_another_endpoint_is_asked_for_addresses_of_the_usual_one_and_its_own() -> None:
    own = "http://127.0.0.1:8765/hub"
    for text in ("acme/tiny", f"{own}/acme/tiny/tree/main", "https://huggingface.co/acme/tiny"):
        assert parse_repository(text, own) == Repository(own, "acme/tiny")
    with pytest.raises(NotFoundError):
        parse_repository("http://127.0.0.1:8766/acme/tiny", own)


def test_the_endpoint_comes_from_the_setting_then_the_environment_then_is_the_usual_one() -> None:
    environ = {"HF_ENDPOINT": "https://hub.example.org/"}
    assert endpoint_from({}) == HUB
    assert endpoint_from({"HF_ENDPOINT": " "}) == HUB
    assert endpoint_from(environ) == "https://hub.example.org"
    assert endpoint_from(environ, "http://LOCALHOST:80/x/") == "http://localhost/x"


@pytest.mark.parametrize("text", ["hub.example.org", "file:///etc", "https://", "https://a b/c", "https://h?x=1"])
def test_an_endpoint_that_is_no_address_is_named(text: str) -> None:
    with pytest.raises(UserError) as refused:
        endpoint_from({"HF_ENDPOINT": text})
    assert f"HF_ENDPOINT says: {text}." == refused.value.detail
    assert isinstance(refused.value, NetworkError)
    with pytest.raises(UserError, match="The setting says"):
        endpoint_from({"HF_ENDPOINT": HUB}, text)


def test_a_password_in_the_endpoint_is_refused_and_not_shown() -> None:
    with pytest.raises(UserError) as refused:
        endpoint_from({"HF_ENDPOINT": "https://anna:secret@hub.example.org"})
    assert "secret" not in str(refused.value)


def test_a_file_is_asked_for_by_its_quoted_name() -> None:
    repository = parse_repository("acme/tiny", HUB)
    assert resolve_url(repository, "refs/pr/1", "BF16/a b?.gguf") == (
        "https://huggingface.co/acme/tiny/resolve/refs%2Fpr%2F1/BF16/a%20b%3F.gguf"
    )


@pytest.mark.parametrize("text", ["a/b", "A-1/b_c.d", "0/0"])
def test_ids_of_repositories_are_recognized(text: str) -> None:
    assert is_repository_id(text)
    assert not is_repository_id(f"{text}/c")
    assert not is_repository_id(f"{text}\n")
