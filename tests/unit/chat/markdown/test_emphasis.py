"""Where emphasis begins and ends, in scripts without spaces and beside what belongs to programs."""

import pytest

from tests.unit.chat.markdown.notation import inline, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**重要：**请先备份。", "{strong 重要：}请先备份。"),
        ("**“安静模式”**比较慢。", "{strong “安静模式”}比较慢。"),
        ("**Lamp（ランプ）**は光る。", "{strong Lamp（ランプ）}は光る。"),
        ("__重要__です。", "{strong 重要}です。"),
        ("여기__강조__는 굵게", "여기{strong 강조}는 굵게"),
        ("これは**「大切」**な話。", "これは{strong 「大切」}な話。"),
        ('이것은 **"새 파일"**이라고 한다.', '이것은 {strong "새 파일"}이라고 한다.'),
        ("*「静」*と~~「動」~~だ", "{em 「静」}と{s 「動」}だ"),
        ("《**书名**》和**《书》**的", "《{strong 书名}》和{strong 《书》}的"),
        ("**`代码`**是**[页](https://a.example)**的", "{strong {code 代码}}是{strong {a https://a.example|页}}的"),
        ("ภาษา**(ตัวหนา)**ไทย", "ภาษา{strong (ตัวหนา)}ไทย"),
        ("**Note:**read this", "{strong Note:}read this"),
        ("**„Ja“**sagen", "{strong „Ja“}sagen"),
        ("**bold here** and *there*", "{strong bold here} and {em there}"),
    ],
)
def test_emphasis_beside_punctuation_of_any_script(text: str, expected: str) -> None:
    assert inline(text) == expected


def test_emphasis_in_headings_and_cells_of_scripts_without_spaces() -> None:
    assert shown("## **「題」**です") == "h2 {strong 「題」}です"
    assert (
        shown("| **「甲」**乙 | x |\n|-|-|\n| ~~（丙）~~丁 | y |") == "| {strong 「甲」}乙 | x |\n| {s （丙）}丁 | y |"
    )


@pytest.mark.parametrize(
    "text",
    [
        "5*3*2",
        "報告_2024_最終",
        "模块__init__文件",
        "a*b*c",
        "width*height*depth",
        "(a+b)*c*(d)",
        "x**2 + y**2 = z**2",
        "2**3**4",
        "x**n + y**n",
        "__init__.py",
        "__init__ and __main__",
        "obj.__fields__ and __my_part__.py",
        "snake_case_name and _private",
        "*args and **kwargs",
        "src/*/test/* and **/*.py, **/*.js",
        "ls src/*.py and tests/*.py",
        r"\bprint\(.*?\) and \s*\(.*\) and [a-z]*$",
        "5~10, 20~30",
        "周一~周五、周六~周日",
    ],
)
def test_what_stands_in_programs_is_no_emphasis(text: str) -> None:
    assert inline(text) == text


def test_emphasis_that_is_meant_stays_one() -> None:
    assert inline("*a*/*b*") == "{em a}/{em b}"
    assert inline("__bold text__ and ~gone~") == "{strong bold text} and {s gone}"
    assert inline("foo**bar**baz") == "foo{strong bar}baz"
    assert inline("foo*bar*") == "foo{em bar}"
    assert inline("***both***") == "{em {strong both}}"
