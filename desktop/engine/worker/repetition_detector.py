"""Notices an answer that only repeats itself: the same few tokens over and over, and nothing else.

A small model, above all at temperature 0, can fall into saying one sentence or paragraph again and again, exactly,
until the context is full. What a person asked for can look alike for a while: a line written a hundred times, an array
of zeros, the empty rows of a table, a rule. So the repeated stretch has to be longer than such text commonly is.
"""

LONGEST_PERIOD = 400
"""Tokens in the longest piece whose repetition is noticed."""

REPEATS = 6
"""How often a piece has to have been said at least, however long it is. Somebody may well ask for five copies."""

LINE_TOKENS = 2048
"""Length of a repeated stretch that is never meant. A line of 20 tokens a hundred times is shorter, and so are an array
of 256 `0x00` or of 600 zeros, and a blank table of a hundred rows."""

PARAGRAPH_TOKENS = 1024
"""The same for a piece of at least `PROSE` different tokens, of which nobody wants so many copies."""

PROSE = 24
"""Rows of a table, lines of code, digits and rules have fewer different tokens than this."""

_BLOCK = 32


class RepetitionDetector:
    """Takes the tokens of one answer, and looks for each block of 32 in what stands 1 to 400 tokens before it.

    Periods of fewer than 4 tokens count too: a model whose numbers went wrong says one token for ever. A repetition is
    reported at most 63 tokens after it is long enough. A token costs some 0.1 µs, and up to 4 µs where many periods
    hold, as of a single token they all do.
    """

    def __init__(self) -> None:
        self._block: list[str] = []  # tokens as characters: a text is searched faster than a list, by one call
        self._recent = ""
        self._runs: dict[int, int] = {}

    def add(self, token: int) -> bool:
        """Take the next token; whether the answer now only repeats itself."""
        block = self._block
        block.append(chr(token))
        return len(block) == _BLOCK and self._repeats()

    def _repeats(self) -> bool:
        """Take the block that is complete."""
        before, block = self._recent[-LONGEST_PERIOD:], "".join(self._block)
        recent = self._recent = before + block
        self._block.clear()
        # For how many tokens on end each period has held, the shortest first.
        runs, held, here = {}, self._runs.get, len(before)
        found = recent.rfind(block, 0, -1)
        while found >= 0:
            runs[here - found] = held(here - found, 0) + _BLOCK
            found = recent.rfind(block, 0, found + _BLOCK - 1)
        self._runs = runs
        for period, run in runs.items():
            if run + period >= PARAGRAPH_TOKENS and run >= (REPEATS - 1) * period:
                # Any longer period that holds is a multiple of this one.
                return run + period >= LINE_TOKENS or len(set(recent[-period:])) >= PROSE
        return False
