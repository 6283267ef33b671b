"""Guesses the next tokens from those that stood in prompt and answer before: where the last few tokens stood earlier,
what followed them there may follow them here.

Cheap to keep: per token two entries of a dictionary and of an array, some 25 MB for 100,000 tokens, and no model.
"""

from array import array
from collections.abc import Sequence

_SHORTEST, _LONGER = 2, 4
"""Tokens that have to agree. Places where the longer piece agrees are looked up first."""
_LONGEST = 32
"""Tokens compared backwards; of places where all of them agree, the most recent counts."""
_CANDIDATES = 8
"""Places looked at for one guess, the most recent first."""
_CONFIRMED = 8
"""By how many tokens more a place seems to agree whose continuation was right so far."""
_RESUME_AFTER, _RESUME_WITHIN = 6, 24
"""After so many right tokens a wrong one is taken for a change in a copy, and the copy is taken up again within so many
tokens after it."""
_BITS = 20  # no vocabulary has as many tokens
_MASK, _SHORT_MASK = (1 << _BITS * _LONGER) - 1, (1 << _BITS * _SHORTEST) - 1


class NgramDrafter:
    """Holds the tokens of one conversation, and guesses how they go on.

    `matched` is how many of the last tokens agreed with those before the place that the last draft came from.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.matched = 0
        # By the key of some tokens, the position after the last place where they stood; and for each token, the one
        # before it with the same key.
        self._indexes = tuple((size, dict[int, int](), array("i")) for size in (_LONGER, _SHORTEST))
        self._next = self._left = -1  # where the next token should stand again; where one stood that did not
        self._run = self._since = 0

    def extend(self, tokens: Sequence[int]) -> None:
        """More tokens, as they follow in the conversation."""
        held, key = self.tokens, self._key(len(self.tokens), _LONGER)
        (_, longer, longer_before), (_, shorter, shorter_before) = self._indexes
        for token in tokens:
            if self._next >= 0 or self._left >= 0:
                self._follow(token)
            held.append(token)
            position = len(held)
            key = (key << _BITS | token) & _MASK
            short = key & _SHORT_MASK
            if position >= _LONGER:
                longer_before.append(longer.get(key, -1))
                longer[key] = position
            else:
                longer_before.append(-1)
            if position >= _SHORTEST:
                shorter_before.append(shorter.get(short, -1))
                shorter[short] = position
            else:
                shorter_before.append(-1)

    def replace(self, tokens: Sequence[int]) -> None:
        """Hold `tokens` instead, keeping what is known of those at the beginning that are the same."""
        held, new = self.tokens, list(tokens)
        same = min(len(held), len(new))
        if held[:same] != new[:same]:
            same = next(index for index in range(same) if held[index] != new[index])
        self._truncate(same)
        self.extend(new[same:])

    def draft(self, most: int) -> list[int]:
        """What may come next: up to `most` tokens, none where nothing alike stood before."""
        place, self.matched = self._best()
        if self.matched < _LONGER and self._left >= 0:
            resumed = self._resumed()
            place, self.matched = (resumed, _LONGER) if resumed >= 0 else (place, self.matched)
        if place < 0 or most <= 0:
            return []
        if place != self._next:
            self._next, self._run = place, self.matched
        found, period = self.tokens[place : place + most], len(self.tokens) - place
        while len(found) < most:  # the end is reached: it repeats itself
            found.append(found[-period])
        return found

    def _best(self) -> tuple[int, int]:
        """Where the last tokens stood before, and how many of them; (-1, 0) where nowhere."""
        end = len(self.tokens)
        best, most, best_score = -1, 0, 0
        for size, _, before in self._indexes:
            if end < size:
                continue
            place = before[end - 1]
            for _ in range(_CANDIDATES):
                if place < 0:
                    break
                agreed = self._agreed(place, size)
                score = agreed + (_CONFIRMED if place == self._next else 0)
                if score > best_score:
                    best, most, best_score = place, agreed, score
                if agreed == _LONGEST:
                    break
                place = before[place - 1]
            if best >= 0:
                break
        return best, most

    def _agreed(self, place: int, known: int) -> int:
        """How many tokens before `place` are those at the end; `known` of them are already known to be."""
        tokens, end = self.tokens, len(self.tokens)
        agreed, most = known, min(_LONGEST, place)
        while agreed < most and tokens[place - agreed - 1] == tokens[end - agreed - 1]:
            agreed += 1
        return agreed

    def _resumed(self) -> int:
        """Where the copy goes on that was left, after what was changed in it; -1 where that cannot be said."""
        left, tokens = self._left, self.tokens
        here = tokens[left : min(left + _RESUME_WITHIN, len(tokens) - 1)]
        if tokens[-1] in here:
            return left + here.index(tokens[-1]) + 1
        return left + 1 if self._since == 0 and left + 1 < len(tokens) else -1  # one token in place of one

    def _follow(self, token: int) -> None:
        """Note whether the place that the last draft came from goes on with `token`."""
        if self._next >= 0:
            if self.tokens[self._next] == token:
                self._next += 1
                self._run += 1
                return
            self._left, self._since = (self._next if self._run >= _RESUME_AFTER else -1), 0
            self._next, self._run = -1, 0
        elif self._left >= 0:
            self._since += 1
            if self._since > _RESUME_WITHIN:
                self._left = -1

    def _truncate(self, length: int) -> None:
        """Forget all tokens from position `length` on."""
        for size, last, before in self._indexes:
            for position in range(len(self.tokens), max(length, size - 1), -1):
                key, earlier = self._key(position, size), before[position - 1]
                if earlier < 0:
                    del last[key]
                else:
                    last[key] = earlier
            del before[length:]
        del self.tokens[length:]
        self._next = self._left = -1
        self._run = 0

    def _key(self, position: int, size: int) -> int:
        """The `size` tokens before `position`, as one number."""
        key = 0
        for token in self.tokens[max(0, position - size) : position]:
            key = key << _BITS | token
        return key
