"""How families write calls of tools: small templates of our own in each family's format, and a model's words in it."""

from dataclasses import dataclass

_NAME, _GIVEN = "{{ c.function.name }}", "{{ c.function.arguments | tojson }}"
_EACH, _NEXT = "{% for c in m.tool_calls %}", "{% endfor %}"
_EACH_ARGUMENT = "{% for k, v in c.function.arguments.items() %}"
_PLAIN = "{{ v if v is string else v | tojson }}"
_LIST = "{% for c in m.tool_calls %}{{ ', ' if not loop.first }}"
DEFINED = "{% if tools %}<|tools|>{{ tools | tojson }}<|end|>\n{% endif %}"


def template(calls: str, *, defined: str = DEFINED, before: str = "", opens: str = "<|assistant|>\n") -> str:
    """A template whose answers end with `calls` where they have any, `before` between text and calls."""
    return (
        defined + "{% for m in messages %}{% if m.role == 'tool' %}<|tool|>{{ m.content }}<|end|>\n"
        "{% elif m.role == 'assistant' %}" + opens + "{{ m.content }}{% if m.tool_calls %}"
        + ("{% if m.content %}" + before + "{% endif %}" if before else "") + calls
        + "{% endif %}<|end|>\n{% else %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}" + opens + "{% endif %}"
    )  # fmt: skip


@dataclass(frozen=True)
class ToolFamily:
    """`says` is what the model says, `calls` the names and arguments (JSON) in it, `text` what it says besides.

    `native` says that the template takes the definitions, `ids` are those that the model gives.
    """

    name: str
    template: str
    says: str
    calls: tuple[tuple[str, str], ...]
    text: str = "I look."
    native: bool = True
    ids: tuple[str, ...] = ()


_ROME = ("look", '{"place": "Rome", "days": 3}')
_OSLO = ("look", '{"place": "Oslo \\"x\\""}')
_BOTH = (_ROME, _OSLO)
_HARMONY = (
    DEFINED + "{% for m in messages %}{% if m.role == 'tool' %}<|start|>functions.{{ m.name }} to=assistant<|channel|>"
    "commentary<|message|>{{ m.content | tojson }}<|end|>{% elif m.tool_calls %}{% if m.content %}<|start|>assistant"
    "<|channel|>commentary<|message|>{{ m.content }}<|end|>{% endif %}{% set c = m.tool_calls[0] %}<|start|>assistant "
    "to=functions.{{ c.function.name }}<|channel|>commentary json<|message|>{{ c.function.arguments | tojson }}<|call|>"
    "{% else %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}"
    "<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
_SHORT_ID = "{% if c.id | length != 9 %}{{ raise_exception('an id has nine letters') }}{% endif %}"
_FENCE = "\n```json\n"

TOOL_FAMILIES = (
    ToolFamily(
        "hermes",
        template(_EACH + '{{ \'\\n\' if not loop.first }}<tool_call>\n{"name": "' + _NAME
                 + '", "arguments": {{ c.function.arguments if c.function.arguments is string else '
                 'c.function.arguments | tojson }}}\n</tool_call>' + _NEXT, before="{{ '\\n' }}"),
        'I look.\n<tool_call>\n{"name": "look", "arguments": {"place":  "Rome", "days": 3}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look", "arguments": {"place": "Oslo \\"x\\""}}\n</tool_call>',
        (("look", '{"place":  "Rome", "days": 3}'), _OSLO),
    ),
    ToolFamily(
        "qwen2.5",
        template(_EACH + '{{ \'\\n\' if not loop.first }}<tool_call>\n{"name": "' + _NAME + '", "arguments": ' + _GIVEN
                 + "}\n</tool_call>" + _NEXT, before="{{ '\\n' }}"),
        'I look.\n<tool_call>\n{"name": "look", "arguments": {"place": "Rome", "days": 3}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look", "arguments": {"place": "Oslo \\"x\\""}}\n</tool_call>',
        _BOTH,
    ),
    ToolFamily(
        "qwen3-coder",
        template(_EACH + "{{ '\\n' if not loop.first }}<tool_call>\n<function=" + _NAME + ">\n" + _EACH_ARGUMENT
                 + "<parameter={{ k }}>\n" + _PLAIN + "\n</parameter>\n" + _NEXT + "</function>\n</tool_call>" + _NEXT,
                 before="{{ '\\n\\n' }}"),
        "I look.\n\n<tool_call>\n<function=look>\n<parameter=place>\nRome\n</parameter>\n<parameter=days>\n3\n"
        "</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=look>\n<parameter=place>\nOslo \"x\"\n"
        "</parameter>\n</function>\n</tool_call>",
        _BOTH,
    ),
    ToolFamily(
        "llama-3",
        template("{% if m.tool_calls | length > 1 %}{{ raise_exception('one call') }}{% endif %}" + _EACH
                 + '{"name": "' + _NAME + '", "parameters": ' + _GIVEN + "}" + _NEXT),
        '{"name": "look", "parameters": {"place": "Rome", "days": 3}}',
        (_ROME,),
        text="",
    ),
    ToolFamily(
        "mistral-nemo",
        template("[TOOL_CALLS][" + _LIST + _SHORT_ID + '{"name": "' + _NAME + '", "arguments": ' + _GIVEN
                 + ', "id": "{{ c.id }}"}' + _NEXT + "]"),
        '[TOOL_CALLS][{"name": "look", "arguments": {"place": "Rome", "days": 3}, "id": "abcdefg12"}, '
        '{"name": "look", "arguments": {"place": "Oslo \\"x\\""}, "id": "abcdefg34"}]',
        _BOTH,
        text="",
        ids=("abcdefg12", "abcdefg34"),
    ),
    ToolFamily(
        "mistral-small-3.2",
        template(_EACH + _SHORT_ID + "[TOOL_CALLS]" + _NAME + "[CALL_ID]{{ c.id }}[ARGS]" + _GIVEN + _NEXT),
        'I look.[TOOL_CALLS]look[CALL_ID]abcdefg12[ARGS]{"place": "Rome", "days": 3}'
        '[TOOL_CALLS]look[CALL_ID]abcdefg34[ARGS]{"place": "Oslo \\"x\\""}',
        _BOTH,
        ids=("abcdefg12", "abcdefg34"),
    ),
    ToolFamily(
        "ministral",
        template(_EACH + "[TOOL_CALLS]" + _NAME + "[ARGS]{{ c.function.arguments if c.function.arguments is string "
                 "else c.function.arguments | tojson }}" + _NEXT),
        'I look.[TOOL_CALLS]look[ARGS]{"place": "Rome", "days": 3}[TOOL_CALLS]look[ARGS]{"place": "Oslo \\"x\\""}',
        _BOTH,
    ),
    ToolFamily(
        "gpt-oss",
        _HARMONY,
        "<|channel|>commentary<|message|>I look.<|end|><|start|>assistant to=functions.look<|channel|>commentary json"
        '<|message|>{"place": "Rome", "days": 3}<|call|>',
        (_ROME,),
    ),
    ToolFamily(
        "deepseek-v3",
        template("<｜tool▁calls▁begin｜>" + _EACH + "{{ '\\n' if not loop.first }}<｜tool▁call▁begin｜>function"
                 "<｜tool▁sep｜>" + _NAME + _FENCE + _GIVEN + "\n```<｜tool▁call▁end｜>" + _NEXT
                 + "<｜tool▁calls▁end｜>"),
        "I look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n"
        '{"place": "Rome", "days": 3}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n'
        '```json\n{"place": "Oslo \\"x\\""}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        _BOTH,
    ),
    ToolFamily(
        "deepseek-v3.1",
        template("<｜tool▁calls▁begin｜>" + _EACH + "<｜tool▁call▁begin｜>" + _NAME + "<｜tool▁sep｜>" + _GIVEN
                 + "<｜tool▁call▁end｜>" + _NEXT + "<｜tool▁calls▁end｜>"),
        'I look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{"place": "Rome", "days": 3}'
        '<｜tool▁call▁end｜><｜tool▁call▁begin｜>look<｜tool▁sep｜>{"place": "Oslo \\"x\\""}<｜tool▁call▁end｜>'
        "<｜tool▁calls▁end｜>",
        _BOTH,
    ),
    ToolFamily(
        "deepseek-v3.2",
        template("<｜DSML｜function_calls>\n" + _EACH + '<｜DSML｜invoke name="' + _NAME + '">\n' + _EACH_ARGUMENT
                 + "<｜DSML｜parameter name=\"{{ k }}\" string=\"{{ 'true' if v is string else 'false' }}\">" + _PLAIN
                 + "</｜DSML｜parameter>\n" + _NEXT + "</｜DSML｜invoke>\n" + _NEXT + "</｜DSML｜function_calls>",
                 before="{{ '\\n\\n' }}"),
        'I look.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="look">\n'
        '<｜DSML｜parameter name="place" string="true">'
        'Rome</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">3</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n"
        '<｜DSML｜invoke name="look">\n<｜DSML｜parameter name="place" string="true">Oslo "x"</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        _BOTH,
    ),
    ToolFamily(
        "glm-4.6",
        template(_EACH + "{{ '\\n' }}<tool_call>" + _NAME + "\n" + _EACH_ARGUMENT
                 + "<arg_key>{{ k }}</arg_key>\n<arg_value>"
                 + _PLAIN + "</arg_value>\n" + _NEXT + "</tool_call>" + _NEXT),
        "I look.\n<tool_call>look\n<arg_key>place</arg_key>\n<arg_value>Rome</arg_value>\n<arg_key>days</arg_key>\n"
        '<arg_value>3</arg_value>\n</tool_call>\n<tool_call>look\n<arg_key>place</arg_key>\n<arg_value>Oslo "x"'
        "</arg_value>\n</tool_call>",
        _BOTH,
    ),
    ToolFamily(
        "kimi-k2",
        template("<|tool_calls_section_begin|>" + _EACH + "<|tool_call_begin|>{{ c.id }}<|tool_call_argument_begin|>"
                 + _GIVEN + "<|tool_call_end|>" + _NEXT + "<|tool_calls_section_end|>"),
        "I look.<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>"
        '{"place": "Rome", "days": 3}<|tool_call_end|><|tool_call_begin|>functions.look:1<|tool_call_argument_begin|>'
        '{"place": "Oslo \\"x\\""}<|tool_call_end|><|tool_calls_section_end|>',
        _BOTH,
        ids=("functions.look:0", "functions.look:1"),
    ),
    ToolFamily(
        "minimax-m2",
        template("{{ '\\n' }}<minimax:tool_call>\n" + _EACH + '<invoke name="' + _NAME + '">\n' + _EACH_ARGUMENT
                 + '<parameter name="{{ k }}">' + _PLAIN + "</parameter>\n" + _NEXT + "</invoke>\n" + _NEXT
                 + "</minimax:tool_call>"),
        'I look.\n<minimax:tool_call>\n<invoke name="look">\n<parameter name="place">Rome</parameter>\n'
        '<parameter name="days">3</parameter>\n</invoke>\n<invoke name="look">\n<parameter name="place">Oslo "x"'
        "</parameter>\n</invoke>\n</minimax:tool_call>",
        _BOTH,
    ),
    ToolFamily(
        "seed-oss",
        template(_EACH + "{{ '\\n' }}<seed:tool_call>\n<function=" + _NAME + ">\n" + _EACH_ARGUMENT
                 + "<parameter={{ k }}>" + _PLAIN + "</parameter>\n" + _NEXT
                 + "</function>\n</seed:tool_call>" + _NEXT),
        "I look.\n<seed:tool_call>\n<function=look>\n<parameter=place>Rome</parameter>\n<parameter=days>3</parameter>\n"
        '</function>\n</seed:tool_call>\n<seed:tool_call>\n<function=look>\n<parameter=place>Oslo "x"</parameter>\n'
        "</function>\n</seed:tool_call>",
        _BOTH,
    ),
    ToolFamily(
        "command-a",
        template("<|START_ACTION|>[\n" + "{% for c in m.tool_calls %}" + '    {"tool_call_id": "{{ c.id }}", '
                 '"tool_name": "' + _NAME + '", "parameters": ' + _GIVEN + "}{{ ',\\n' if not loop.last else '\\n' }}"
                 + _NEXT + "]<|END_ACTION|>"),
        '<|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "look", "parameters": {"place": "Rome", "days": 3}}'
        ',\n    {"tool_call_id": "1", "tool_name": "look", "parameters": {"place": "Oslo \\"x\\""}}\n]<|END_ACTION|>',
        _BOTH,
        text="",
        ids=("0", "1"),
    ),
    ToolFamily(
        "granite-3",
        template("", defined="{# <|tool_call|> #}" + DEFINED),
        'I look.\n<|tool_call|>[{"name": "look", "arguments": {"place": "Rome", "days": 3}}, '
        '{"name": "look", "arguments": {"place": "Oslo \\"x\\""}}]',
        _BOTH,
    ),
    ToolFamily(
        "phi-4-mini",
        template("", defined="{# <|tool_call|> <|/tool_call|> #}" + DEFINED),
        'I look.\n<|tool_call|>[{"name": "look", "arguments": {"place": "Rome", "days": 3}}]<|/tool_call|>',
        (_ROME,),
    ),
    ToolFamily(
        "lfm-2",
        template("", defined="{# <|tool_list_start|> #}" + DEFINED),
        "I look.\n<|tool_call_start|>[look(place='Rome', days=3), look(place='Oslo \"x\"')]<|tool_call_end|>",
        _BOTH,
    ),
    ToolFamily(
        "gemma-4",
        template(_EACH + "<|tool_call>call:" + _NAME + "{{ '{' }}" + _EACH_ARGUMENT
                 + "{{ ',' if not loop.first }}{{ k }}:"
                 "{{ '<|\"|>' + v + '<|\"|>' if v is string else v | tojson }}" + _NEXT + "}<tool_call|>" + _NEXT),
        'I look.<|tool_call>call:look{place:<|"|>Rome<|"|>,days:3}<tool_call|>'
        '<|tool_call>call:look{place:<|"|>Oslo "x"<|"|>}<tool_call|>',
        _BOTH,
    ),
    ToolFamily(
        "functionary-3.1",
        template(_EACH + "<function=" + _NAME + ">" + _GIVEN + "</function>" + _NEXT),
        'I look.<function=look>{"place": "Rome", "days": 3}</function>'
        '<function=look>{"place": "Oslo \\"x\\""}</function>',
        _BOTH,
    ),
    ToolFamily(
        "nemotron-2",
        template("<TOOLCALL>[" + _LIST + '{"name": "' + _NAME + '", "arguments": ' + _GIVEN + "}" + _NEXT
                 + "]</TOOLCALL>", before="{{ '\\n' }}"),
        'I look.\n<TOOLCALL>[{"name": "look", "arguments": {"place": "Rome", "days": 3}}, '
        '{"name": "look", "arguments": {"place": "Oslo \\"x\\""}}]</TOOLCALL>',
        _BOTH,
    ),
    ToolFamily(
        "apertus",
        template("<|tools_prefix|>[" + _LIST + '{"' + _NAME + '": ' + _GIVEN + "}" + _NEXT + "]<|tools_suffix|>"),
        'I look.<|tools_prefix|>[{"look": {"place": "Rome", "days": 3}}, {"look": {"place": "Oslo \\"x\\""}}]'
        "<|tools_suffix|>",
        _BOTH,
    ),
    ToolFamily(
        "command-r",
        template("{{ '\\n' }}Action:" + _FENCE + "[" + _LIST + '{"tool_name": "' + _NAME
                 + '", "parameters": ' + _GIVEN + "}" + _NEXT + "]\n```"),
        'I look.\nAction:\n```json\n[{"tool_name": "look", "parameters": {"place": "Rome", "days": 3}}, '
        '{"tool_name": "look", "parameters": {"place": "Oslo \\"x\\""}}]\n```',
        _BOTH,
    ),
    ToolFamily(
        "no room for tools",
        "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no such role') }}{% endif %}"
        "<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        'I look.\n<tool_call>\n{"name": "look", "arguments": {"place": "Rome", "days": 3}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look", "arguments": {"place": "Oslo \\"x\\""}}\n</tool_call>',
        _BOTH,
        native=False,
    ),
)  # fmt: skip
