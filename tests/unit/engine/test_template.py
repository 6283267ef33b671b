"""Chat templates render as their authors meant them, and can neither hang the worker nor fill its memory."""

import time

import pytest
from jinja2.exceptions import TemplateError

from desktop.conversation import ChatMessage
from desktop.engine.worker import template_sandbox
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.errors import EngineError
from tests.fakes.tiny_gguf import CHATML

SYSTEM, USER, ANSWER = (
    ChatMessage.from_text("system", "Be brief."),
    ChatMessage.from_text("user", "Hi"),
    ChatMessage.from_text("assistant", "Yes?"),
)


@pytest.fixture(autouse=True)
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.engine.worker.chat_template.TEMPLATE_TIMEOUT_S", 1.0)


def render(source: str, *turns: ChatMessage) -> str:
    return ChatTemplate(source, "<s>", "</s>").render(turns or (USER,))


def test_chatml() -> None:
    assert render(CHATML, SYSTEM, USER) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_without_a_template_headings_are_used() -> None:
    assert render("", SYSTEM, USER, ANSWER, USER) == (
        "Be brief.\n\n### User:\nHi\n\n### Assistant:\nYes?\n\n### User:\nHi\n\n### Assistant:\n"
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ bos_token }}{{ eos_token }}", "<s></s>"),
        ("{{ messages | tojson }}", '[{"role": "user", "content": "Hi"}]'),
        ("{{ {'a': 'é<'} | tojson(indent=1) }}", '{\n "a": "é<"\n}'),
        (
            "{% set ns = namespace(n=0) %}{% for i in range(5) %}{% if i == 3 %}{% break %}{% endif %}"
            "{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
            "3",
        ),
        ("{% for m in messages %}\n  {% if true %}\nx{% endif %}\n{% endfor %}", "x"),
        ("{% generation %}{{ messages[0].content }}{% endgeneration %}", "Hi"),
        ("{{ messages[0]['content'].strip().upper().split('H')[-1] }}", "I"),
        ("{{ '%s-%s' % ('a', 'b') }}{{ '{}'.format('c') }}{{ 'd' ~ 1 ~ none }}", "a-bcd1None"),
        ("{{ 'x' * 3 + 'y' }}{{ 2 ** 8 }}{{ 7 % 4 }}", "xxxy2563"),
        (
            "{{ 'ab' | replace('a', 'c') }}{{ ['p', 'q'] | join(', ') }}{{ 'm' | center(3) }}{{ [3,1]|sort }}",
            "cbp, q m [1, 3]",
        ),
        ("{%- macro f(x) -%}<{{ x }}>{%- endmacro -%}{{ f('v') }}", "<v>"),
        ("{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | length }}", "1"),
    ],
)
def test_what_published_templates_use(source: str, expected: str) -> None:
    assert render(source) == expected


def test_the_day_can_be_asked_for() -> None:
    assert render("{{ strftime_now('%Y') }}") == time.strftime("%Y")


# --- what templates do to turns ---

DROPS_SYSTEM = "{% for m in messages %}{% if m.role != 'system' %}[{{ m.role }}:{{ m.content }}]{% endif %}{% endfor %}"
REFUSES_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + DROPS_SYSTEM
)
ALTERNATES = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}[{{ m.content }}]{% endfor %}"
)
TYPED = (
    "{% for m in messages %}{% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}"
)


@pytest.mark.parametrize("source", [DROPS_SYSTEM, REFUSES_SYSTEM])
def test_a_system_message_that_would_be_lost_joins_the_first_user_turn(source: str) -> None:
    told = render(source, SYSTEM, USER, ANSWER, USER)
    assert told == "[user:Be brief.\n\nHi][assistant:Yes?][user:Hi]"
    assert render(source, USER) == "[user:Hi]"


def test_a_system_message_that_is_taken_stays_where_it_is() -> None:
    assert "system\nBe brief." in render(CHATML, SYSTEM, USER)


def test_neighbours_of_one_role_are_joined_where_turns_must_alternate() -> None:
    assert render(ALTERNATES, USER, USER, ANSWER, USER) == "[Hi\n\nHi][Yes?][Hi]"


def test_text_as_a_list_of_parts_where_the_template_wants_it() -> None:
    assert render(TYPED, USER) == "Hi"


# --- what a stranger's template may not do ---

FORBIDDEN = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.append(1) }}",
    "{{ messages[0].update({'role': 'x'}) }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}{{ ''.__class__.__base__ }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ range(10 ** 9) | list }}",
]
BOMBS = [
    "{{ 'x' * 10 ** 9 }}",
    "{{ 10 ** 9 * 'x' }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ 10 ** 100000 }}",
    "{{ (10 ** 1000) ** 1000 }}",
    "{{ 2.0 ** 10000 }}",
    "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(64) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x='a') %}{% for i in range(64) %}{% set ns.x = ns.x.replace('a', 'aaaaaaaa') %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(64) %}{% set ns.x = ns.x | replace('a', 'aaaa') %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x='xx') %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}",
    "{% set ns = namespace(x='xx') %}{% for i in range(64) %}{% set ns.x = ns.x.join([ns.x, ns.x]) %}{% endfor %}",
    "{% set ns = namespace(x=3) %}{% for i in range(64) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "{{ 'x'.ljust(10 ** 9) }}",
    "{{ 'x'.zfill(width=10 ** 9) }}",
    "{{ 'x' | center(10 ** 9) }}",
    "{{ 'x\\ny' | indent(10 ** 9) }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '%*d' % (10 ** 9, 1) }}",
    "{{ '%999999999d' | format(1) }}",
    "{{ '{:>999999999}'.format('x') }}",
    "{{ strftime_now('%999999999d') }}",
    "{% for i in range(99999) %}{{ 'x' * 1000 }}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{{ ('[' * 900000) | from_json }}",
    "{{ ('[' + '1,' * 400000 + '1]') | from_json | length }}",
    "{{ ('[' + '1,' * 4000000 + '1]') | from_json | length }}",
    "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "{% set ns = namespace(x=[]) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    *(
        "{% set ns = namespace(x=[]) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}" + use
        for use in (
            "{{ 'a' ~ ns.x }}",
            "{{ ns.x | tojson }}",
            "{{ ns.x | string }}",
            "{{ ns.x | join }}",
            "{{ '%s' % ns.x }}",
            "{{ '%s' % (ns.x,) }}",
            "{{ '{}'.format(ns.x) }}",
            "{{ '%s' | format(ns.x) }}",
            "{{ ns.x | upper }}",
            "{{ ns.x | pprint }}",
        )
    ),
]
LISTS = (
    "{% set ns = namespace(x=[], y=[], t=()) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}"
    "{% set ns.y = [ns.y, ns.y] %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}"
)
LONG = "{% set a = 'a' * 4000000 %}{% set b = 'ab' + 'a' * 2000000 %}"
SAME = "{% set a = 'a' * 1000000 %}{% set b = a[1:] + 'b' %}{% set c = a[1:] + 'c' %}"
SLOW = [
    *(
        LISTS + use
        for use in (
            "{{ ns.x == ns.y }}",
            "{{ ns.x != ns.y }}",
            "{{ ns.x < ns.y }}",
            "{{ 1 < 2 <= 3 and ns.x >= ns.y }}",
            "{{ ns.x in [ns.y] }}",
            "{{ ns.x not in [1, ns.y] }}",
            "{{ {'a': ns.x} == {'a': ns.y} }}",
            "{{ ns.x is eq ns.y }}",
            "{{ ns.x is ge ns.y }}",
            "{{ ns.x is in [ns.y] }}",
            "{{ [ns.x] | select('equalto', ns.y) | list }}",
            "{{ [{'a': ns.x}] | selectattr('a', '==', ns.y) | list }}",
            "{{ [{'a': ns.x}] | rejectattr('a', 'in', [ns.y]) | list }}",
            "{{ [ns.x, ns.y] | sort }}",
            "{{ [ns.x, ns.y] | map('list') | sort }}",
            "{{ [ns.x, ns.y] | min }}",
            "{{ [{'a': ns.x}, {'a': ns.y}] | max(attribute='a') }}",
            "{{ [{'a': ns.x}, {'a': ns.y}] | groupby('a') }}",
            "{{ {'a': ns.x, 'b': ns.y} | dictsort(by='value') }}",
            "{{ [ns.y].index(ns.x) }}",
            "{{ [ns.y].count(ns.x) }}",
            "{% for a in [ns.x, ns.y] %}{{ loop.changed(a) }}{% endfor %}",
            "{{ {ns.t: 1} }}",
            "{{ {}[ns.t] }}",
            "{{ {}.get(ns.t) }}",
            "{{ ns.t in {} }}",
            "{{ [ns.t] | unique | list }}",
            "{{ dict([(ns.t, 1)]) }}",
            "{{ {}.fromkeys([ns.t]) }}",
            "{{ 'a'.startswith(ns.t) }}",
        )
    ),
    LONG + "{{ a.rfind(b) }}",
    LONG + "{{ a.rindex(b) }}",
    LONG + "{{ a.rsplit(b) }}",
    LONG + "{{ a.rpartition(b) }}",
    LONG + "{{ a.encode().rfind(b.encode()) }}",
    LONG + "{{ a.strip('b' * 4000000 + 'a') }}",
    LONG + "{{ a | trim('b' * 4000000 + 'a') }}",
    SAME + "{{ b in [c] * 1000000 }}",
    SAME + "{{ ([c] * 1000000).count(b) }}",
    SAME + "{{ a.startswith((b,) * 1000000) }}",
    SAME + "{{ ([b, c] * 50000) | sort }}",
    "{{ ([[1] * 40] * 190000) | sum(start=[]) | length }}",
    "{% set n = ('f' * 4000000) | int(base=16) %}{% set m = ('f' * 2000000) | int(base=16) %}{{ n // m }}",
    "{% set n = ('f' * 4000000) | int(base=16) %}{% set m = ('f' * 2000000) | int(base=16) %}{{ n % m }}",
    "{% set n = ('f' * 4000000) | int(base=16) %}{% set m = ('f' * 2000000) | int(base=16) %}{{ n is divisibleby m }}",
]


@pytest.mark.parametrize("source", FORBIDDEN)
def test_nothing_outside_is_in_reach(source: str) -> None:
    with pytest.raises(EngineError, match="does not work"):
        render(source)


@pytest.mark.parametrize("source", SLOW)
def test_nothing_is_begun_that_no_deadline_can_end(source: str) -> None:
    """Each of these is one call of C, in which no other thread of Python runs."""
    with pytest.raises(TemplateError, match=r"too (much text|large a number)|not on bytes"):
        template_sandbox.render_template(template_sandbox.compile_template(source), {})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'cat' }} {{ 2 not in [1] }}", "True False True True"),
        ("{{ 3 > 2 >= 2 == 2 != 1 }} {{ 1 <= 1 }} {{ none == none }}", "True True True"),
        ("{{ missing == 1 }} {{ 'x' in missing }}", "False False"),
        ("{{ 1 > 2 < (1 / 0) }}", "False"),
        ("{% for i in [1, 2] if i == 2 %}{{ i }}{% endfor %}", "2"),
        ("{% macro f(a) %}{{ a == 1 and caller() }}{% endmacro %}{% call f(1) %}b{% endcall %}", "b"),
        ("{{ {'a': 1, 'b': {'c': [1, 2]}}['b']['c'] == [1, 2] }}", "True"),
        (
            "{{ messages[0] == messages[-1] }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
            "True 1",
        ),
        (
            "{{ 'a b'.rsplit(' ', 1) }} {{ '\n\nx'.strip('\n') }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 7 / 2 }}",
            "['a', 'b'] x 3 3 3.5",
        ),
        (
            "{{ [[1], [2]] | sum(start=[]) }} {{ [1, 2] | sum }} {{ [2, 1] | map('string') | sort | join }}",
            "[1, 2] 3 12",
        ),
        (
            "{{ '' is eq '' }} {{ 4 is divisibleby 2 }} {{ 'x' is in ['x'] }} {{ [3, 1] | sort }}",
            "True True True [1, 3]",
        ),
    ],
)
def test_comparing_and_counting_stay_what_they_are(source: str, expected: str) -> None:
    assert render(source, USER) == expected


@pytest.mark.parametrize("source", BOMBS)
def test_bombs_are_defused_in_time(source: str) -> None:
    with pytest.raises(EngineError) as caught:
        render(source)
    assert caught.value.remedy
    assert len(str(caught.value)) < 600


def test_a_template_that_is_itself_too_long_is_refused() -> None:
    with pytest.raises(EngineError, match="too long"):
        render("x" * 1_000_001)


def test_the_deadline_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was interrupted stays interrupted once: the next rendering is not hit by it."""
    monkeypatch.setattr("desktop.engine.worker.chat_template.TEMPLATE_TIMEOUT_S", 0.2)
    for _ in range(3):
        with pytest.raises(EngineError, match="come to an end"):
            render("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")
        assert render(CHATML)
