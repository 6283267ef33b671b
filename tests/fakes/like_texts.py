"""Texts that say like things many times over and are meant so: what people ask for, at the size that they ask for."""

import base64

_HTML_ROW = "  <tr>\n" + "    <td></td>\n" * 6 + "  </tr>\n"
_REFRAIN = (
    "Row, row, row your boat,\nGently down the stream,\nMerrily, merrily, merrily, merrily,\nLife is but a dream.\n\n"
)
_LETTER = (
    "Dear neighbour,\n\nOn Saturday we have a small party in the garden and it may get a little louder than usual until"
    " about eleven in the evening. If it is too much, please ring the bell or call us, and of course you are welcome to"
    " come by for a glass of lemonade.\n\nYours,\nAnna and Tom\n\n----\n\n"
)

LIKE_TEXTS = {
    "a word 50 times": "hello " * 50,
    "a word 500 times": "hello " * 500,
    "ha ha ha": "Ha" + " ha" * 300 + "!",
    "a line 100 times": "I will not talk in class.\n" * 100,
    "numbered lines": "".join(f"{n}. I will not talk in class.\n" for n in range(1, 301)),
    "five letters": _LETTER * 5,
    "a song": "".join(f"{verse}\n\n{_REFRAIN}" for verse in ("First we go left.", "Then we go right.") * 4),
    "a round sung five times": _REFRAIN * 5,
    "counting": ", ".join(map(str, range(1, 1500))),
    "600 zeros": "[" + "0, " * 599 + "0]",
    "a matrix of zeros": "[" + ("[" + "0, " * 15 + "0],\n " * 1) * 16 + "]",
    "256 bytes in C": "static const uint8_t table[256] = {\n" + ("    " + "0x00, " * 15 + "0x00,\n") * 16 + "};\n",
    "1,000 digits": "0" * 1000,
    "rules": ("-" * 100 + "\nA heading\n" + "=" * 100 + "\n") * 10,
    "a wide rule": "-" * 2000,
    "a table with like rows": "| Day | Hours | Note |\n|---|---|---|\n"
    + "".join(f"| {day} | 8 | |\n" for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday") * 20),
    "a blank table": "| | | | | |\n|---|---|---|---|---|\n" + "| | | | | |\n" * 100,
    "a blank HTML table": f"<table>\n{_HTML_ROW * 20}</table>\n",
    "squares of a board": '<div class="board">\n' + '  <div class="square"></div>\n' * 64 + "</div>\n",
    "an ASCII picture": "\n".join(" " * (40 - n) + "*" * (2 * n + 1) for n in range(40)),
    "a filled rectangle": ("#" * 60 + "\n") * 30,
    "a maze": ("#" + " " * 58 + "#\n") * 30,
    "JSON objects": "["
    + ",\n ".join(f'{{"id": {n}, "name": "", "tags": [], "done": false}}' for n in range(120))
    + "]",
    "like JSON objects": "[" + ",\n ".join(['{"x": 0, "y": 0}'] * 100) + "]",
    "inserts": "".join(f"INSERT INTO users (id, name, age) VALUES ({n}, 'User {n}', 20);\n" for n in range(100)),
    "asserts": "".join(f"    assert f({n}) == {n * n}\n" for n in range(150)),
    "prints": 'print("Hello, world!")\n' * 100,
    "a hex dump": "".join(f"{n * 16:08x}  {'00 ' * 8} {'00 ' * 8}|{'.' * 16}|\n" for n in range(64)),
    "base64 of nothing": base64.encodebytes(bytes(1500)).decode(),
    "a list of blanks": "- [ ] \n" * 100,
    "lorem ipsum": "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt. " * 20,
    "a mantra": "Om mani padme hum. " * 108,
}
