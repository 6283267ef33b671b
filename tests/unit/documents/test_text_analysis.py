"""What is asked finds what was written: one fact and more for each language, and what is no word."""

from __future__ import annotations

import pytest

from desktop.documents.text_analysis import index_terms, matched_ranges, question_terms, tokens


def finds(question: str, text: str) -> bool:
    """Whether each word that is asked for is among what the text gives."""
    asked, given = set(question_terms(question)), set(index_terms(text).split())
    words = [terms for token in tokens(question) if (terms := asked & {*token.terms, *token.lesser})]
    return bool(words) and all(given & terms for terms in words)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        pytest.param("cancel running contract", "The contracts were running and cannot be cancelled", id="English"),
        pytest.param("Kündigung der Verträge", "Wer einen Vertrag kündigen will", id="German"),
        pytest.param("HAEUSER", "ein altes Haus", id="German ae"),
        pytest.param("strasse", "Die Straße", id="German ß"),
        pytest.param("Frist", "mit einer Kündigungsfrist von drei Monaten", id="German compound's head"),
        pytest.param("Urlaub", "Der Urlaubsanspruch", id="German compound's beginning"),
        pytest.param("annees electricite", "L’électricité de deux années", id="French"),
        pytest.param("книга", "В библиотеке много книг", id="Russian"),
        pytest.param("елка", "наряжать ёлку", id="Russian ё"),
        pytest.param("年假", "公司员工每年有十五天年假。", id="Chinese"),
        pytest.param("假", "公司员工每年有十五天年假。", id="Chinese, one sign"),
        pytest.param("人口", "東京都の人口は増えている", id="Japanese"),
        pytest.param("ｶﾞﾗｽ", "窓のガラスを拭く", id="Japanese, half width"),
        pytest.param("학교", "우리는 학교에서 배운다", id="Korean"),
        pytest.param("책", "책을 읽었다", id="Korean, one sign"),
        pytest.param("كتاب", "قرأت الكتابَ أمس", id="Arabic"),
        pytest.param("किताब", "मेरे पास तीन किताबें हैं", id="Hindi"),
        pytest.param("βιβλιο", "Διάβασα το βιβλίο", id="Greek"),
        pytest.param("ภาษาไทย", "ฉันเรียนภาษาไทยทุกวัน", id="Thai"),
        pytest.param("ปี", "อายุสามปีแล้ว", id="Thai, a short word"),
        pytest.param("timeout", "self.read_timeout_s = 5", id="part of snake_case"),
        pytest.param("read_timeout", "the method readTimeout", id="snake_case as camelCase"),
        pytest.param("ISO 9001", "nach ISO9001 geprüft", id="letters and digits"),
        pytest.param("1234567", "1.234.567 Euro", id="grouped digits"),
        pytest.param("7", "Bond is 007", id="leading zeros"),
        pytest.param("٣٤", "page 34", id="Arabic digits"),
        pytest.param("agreement", "under this agree-\nment", id="hyphenated at a line's end"),
        pytest.param("agreement", "under this agree\u00adment", id="soft hyphen"),
        pytest.param("ﬁnance", "finance", id="ligature"),
        pytest.param("what is it", "it is what it is", id="nothing but small words"),
    ],
)
def test_a_question_finds_the_text(question: str, text: str) -> None:
    assert finds(question, text), (question_terms(question), index_terms(text))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Haus", "eine Maus"),
        ("京都", "東京の都市"),
        ("book", "a desk"),
        ("stand", "she will understand"),  # only German words are divided
    ],
)
def test_another_word_is_not_found(question: str, text: str) -> None:
    assert not finds(question, text)


def test_words_that_only_ask_are_left_out_where_others_remain() -> None:
    assert question_terms("What is the notice period, and who?") == question_terms("notice period")


def test_terms_are_letters_and_digits_alone() -> None:
    """The index parts them at blanks and at nothing else."""
    hostile = 'a"b* NEAR(c d) {e}: -f ^g ' + "x" * 500 + "\x00\u200b\ud800 🎉 \t_ __ 3½ ²"
    terms = index_terms(hostile).split(" ")
    assert all(term and not any(sign.isspace() or sign in '"*(){}:-^_\x00' for sign in term) for term in terms)
    assert max(map(len, terms)) <= 64


def test_what_matched_is_marked_in_the_text_as_it_stands() -> None:
    text = "Die Kündigungs\u00adfrist: ｶﾞﾗｽ, 東京都"
    marks = matched_ranges(text, question_terms("Frist ガラス 京都"))
    assert [text[start:end] for start, end in marks] == ["Kündigungs\u00adfrist", "ｶﾞﾗｽ", "京都"]
