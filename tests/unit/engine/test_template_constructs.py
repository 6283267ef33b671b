"""What published chat templates are built of: each construct gives what transformers and llama.cpp give for it."""

from __future__ import annotations

from datetime import datetime

import pytest

from desktop.conversation import ChatMessage
from desktop.engine.worker.chat_template import ChatTemplate
from desktop.errors import EngineError

NOW = datetime(2031, 2, 5, 16, 7)  # noqa: DTZ001 - a person's own time of day

TURNS = (
    ChatMessage.from_text("system", "Be brief."),
    ChatMessage.from_text("user", "Hi"),
    ChatMessage.from_text("assistant", "Yes?"),
    ChatMessage.from_text("user", "<é>"),
)
EACH = "{% for m in messages %}[{{ m.content }}]{% endfor %}"
SAID = "[Be brief.][Hi][Yes?][<é>]"


def render(source: str, *, generation_prompt: bool = True) -> str:
    template = ChatTemplate(source, "<s>", "</s>", lambda: NOW)
    return template.render(TURNS, generation_prompt=generation_prompt)


CONSTRUCTS = {
    # --- tools and documents, of which there are none ---
    "{% if tools %}T{% endif %}": "",
    "{% if tools is none %}none{% endif %}": "none",
    "{% if tools is not none %}T{{ tools | tojson }}{% endif %}": "",
    "{% if not tools is defined %}{% set tools = none %}{% endif %}{{ tools is none }}": "True",
    "{% if tools is defined and tools is not none and tools | length > 0 %}T{% endif %}": "",
    "{% if documents is not none %}D{% endif %}{{ (documents or []) | length }}": "0",
    "{% for tool in tools or [] %}T{% endfor %}": "",
    "{% if not tools_in_user_message is defined %}{% set tools_in_user_message = true %}{% endif %}"
    "{{ tools_in_user_message }}": "True",
    "{% if custom_tools is defined %}C{% endif %}{% if builtin_tools is defined %}B{% endif %}": "",
    "{{ tools | default('no tools', true) }}{{ functions | default('no functions') }}": "no toolsno functions",
    # Those that fail for none, and for what is not there.
    "{% for tool in tools %}T{% endfor %}{{ tools | length }}": "0",
    "{{ 'Functions:' + functions + '.' }}": "Functions:.",
    "{{ 'Functions:\n' + functions + '\nToday is ' + datetime }}": "Functions:\n\nToday is Feb 05 2031",
    # --- the day ---
    "{{ strftime_now('%d %B %Y, %H:%M') }}": "05 February 2031, 16:07",
    "{% if strftime_now is defined %}{{ strftime_now('%Y-%m-%d') }}{% else %}2024{% endif %}": "2031-02-05",
    "{% if not date_string is defined %}{% set date_string = '2024' %}{% endif %}{{ date_string }}": "05 Feb 2031",
    # --- what decides how a model thinks: the template's own default ---
    "{% if enable_thinking is defined and enable_thinking is false %}<think></think>{% endif %}": "",
    "{{ enable_thinking | default(true) }}{{ thinking | default(false) }}": "TrueFalse",
    "{% if not thinking is defined %}{% set thinking = false %}{% endif %}{{ thinking }}": "False",
    "{% if reasoning_effort is not defined %}{% set reasoning_effort = 'medium' %}{% endif %}{{ reasoning_effort }}": (
        "medium"
    ),
    "{{ 'no' if not enable_thinking else 'yes' }}": "no",
    # --- tokens and the generation prompt ---
    "{{ bos_token }}|{{ eos_token }}|{{ '<a>' if add_generation_prompt }}": "<s>|</s>|<a>",
    "{{ bos_token + 'x' }}{{ pad_token }}": "<s>x",
    # --- tojson ---
    "{{ messages[-1] | tojson }}": '{"role": "user", "content": "<é>"}',
    "{{ {'b': [1, none, true], 'a': \"it's\"} | tojson(indent=2) }}": (
        '{\n  "b": [\n    1,\n    null,\n    true\n  ],\n  "a": "it\'s"\n}'
    ),
    "{{ {'b': 1, 'a': 2} | tojson(separators=(',', ':'), sort_keys=true) }}": '{"a":2,"b":1}',
    "{{ 'é<>&' | tojson(ensure_ascii=true) }}{{ 'é<>&' | tojson }}": '"\\u00e9<>&""é<>&"',
    "{{ ('{\"a\": [1, 2]}' | from_json).a | last }}": "2",
    # --- namespaces, loops, macros, blocks ---
    "{% set ns = namespace(found=false, n=0) %}{% for m in messages %}{% if m.role == 'user' %}"
    "{% set ns.found = true %}{% set ns.n = loop.index0 %}{% endif %}{% endfor %}{{ ns.found }}{{ ns.n }}": "True3",
    "{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ loop.first }}{{ loop.last }} {% endfor %}": (
        "1TrueFalse 2FalseFalse 3FalseTrue "
    ),
    "{% for m in messages %}{% if loop.index0 == 0 %}{% continue %}{% endif %}{{ m.role }}"
    "{% if loop.index0 == 2 %}{% break %}{% endif %}{{ loop.previtem.role }}{% endfor %}": "usersystemassistant",
    "{% for m in messages[::-1] %}{{ m.role[0] }}{% endfor %}{{ messages[1:] | length }}{{ messages[-1].role }}": (
        "uaus3user"
    ),
    "{% macro say(m, end='.') %}{{ m.content ~ end }}{% endmacro %}{{ say(messages[1], end='!') }}": "Hi!",
    "{% generation %}{{ messages[-1].content }}{% endgeneration %}": "<é>",
    "{% set text %}  {{ messages[1].content }} {% endset %}{{ text | trim }}|": "Hi|",
    "{% filter upper %}a{{ 'b' }}{% endfilter %}{% raw %}{{ c }}{% endraw %}": "AB{{ c }}",
    "{%- for m in messages -%}\n  {{- m.role[0] -}}\n{%- endfor %}\n  x": "suau  x",
    "a\n  {% if true %}\n  b\n  {% endif %}\n": "a\n  b\n",
    "{% set comma = joiner(', ') %}{% for m in messages %}{{ comma() }}{{ m.role }}{% endfor %}": (
        "system, user, assistant, user"
    ),
    "{% set turn = cycler('a', 'b') %}{{ turn.next() }}{{ turn.next() }}{{ turn.next() }}": "aba",
    "{{ range(3) | list }}{{ dict(a=1) }}": "[0, 1, 2]{'a': 1}",
    # --- methods of texts, lists and dictionaries ---
    "{{ 'a</think>\n\nb'.split('</think>')[-1].lstrip('\n') }}": "b",
    "{{ ' x '.strip() }}{{ 'xx'.rstrip('x') }}{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('c', 'd')) }}": (
        "xTrueTrue"
    ),
    "{{ 'a-b'.replace('-', '+') }}{{ 'aB'.upper() }}{{ 'ab'.title() }}{{ 'ab'[::-1] }}{{ 'a,b'.split(',') | join }}": (
        "a+bABAbbaab"
    ),
    "{{ '{} {x}'.format(1, x=2) }}{{ '%s:%d' % ('a', 3) }}{{ '%s' | format('b') }}": "1 2a:3b",
    "{% for key, value in {'b': 1, 'a': 2}.items() %}{{ key }}{{ value }}{% endfor %}": "b1a2",
    "{% for key, value in {'b': 1, 'a': 2} | items %}{{ key }}{{ value }}{% endfor %}": "b1a2",
    "{% for key, value in {'b': 1, 'a': 2} | dictsort %}{{ key }}{{ value }}{% endfor %}": "a2b1",
    "{{ messages[0].get('name', 'no') }}{{ 'tool_calls' in messages[0] }}{{ messages[0]['role'] }}": "noFalsesystem",
    "{{ messages[0].tool_calls is defined }}{{ messages[0].tool_calls is iterable }}": "FalseTrue",
    # --- filters and tests ---
    "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(',') }}": "Hi,<é>",
    "{{ messages | rejectattr('role', 'in', ['user', 'system']) | list | length }}": "1",
    "{{ messages | map(attribute='role') | unique | list }}": "['system', 'user', 'assistant']",
    "{{ (messages | first).role }}{{ (messages | last).role }}{{ [3, 1, 2] | sort | first }}": "systemuser1",
    "{{ messages[0].content is string }}{{ messages is sequence }}{{ messages[0] is mapping }}{{ 1 is number }}": (
        "TrueTrueTrueTrue"
    ),
    "{{ '' is none }}{{ none is none }}{{ true is true }}{{ 'a' is eq('a') }}{{ 3 is odd }}": "FalseTrueTrueTrueTrue",
    "{{ 'a\nb' | indent(2) }}{{ '<b>' | escape }}{{ '<b>' | safe }}": "a\n  b&lt;b&gt;<b>",
    "{{ 'aXb' | lower | capitalize }}{{ [1, 2] | string | length }}{{ '7' | int + 1 }}": "Axb68",
    "{{ 'x' if messages[9] is defined else 'y' }}{{ missing }}{{ missing or 'z' }}": "yz",
}


@pytest.mark.parametrize("source", CONSTRUCTS)
def test_a_construct_gives_what_the_reference_gives(source: str) -> None:
    assert render(source + EACH) == CONSTRUCTS[source] + SAID


def test_the_generation_prompt_can_be_left_out() -> None:
    source = "{% if add_generation_prompt %}A{% endif %}" + EACH
    assert (render(source), render(source, generation_prompt=False)) == (f"A{SAID}", SAID)


def test_a_template_that_wants_what_nobody_gives_is_refused_with_its_name() -> None:
    with pytest.raises(EngineError, match="'weather' is undefined"):
        render("{{ weather + '.' }}" + EACH)


def test_the_day_is_asked_for_anew_with_every_prompt() -> None:
    days = iter(range(1, 29))
    template = ChatTemplate(
        "{{ date_string }} {{ strftime_now('%d') }}" + EACH, "", "", lambda: NOW.replace(day=next(days))
    )
    first, second = template.render(TURNS), template.render(TURNS)
    assert first != second
