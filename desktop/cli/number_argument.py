"""The types of arguments that are numbers. Each says in its refusal what it takes, whatever it was given."""

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

from desktop.translation import tr

_Number = TypeVar("_Number", int, float)


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type for argparse: a whole number from `least` on, up to `most` if there is such a bound."""
    if most is None:
        wanted = tr("must be a whole number, {least} or more").format(least=least)
    else:
        wanted = tr("must be a whole number between {least} and {most}").format(least=least, most=most)
    return _bounded(int, least, most, wanted)


def decimal_number(least: float, most: float | None = None) -> Callable[[str], float]:
    """A type for argparse: a finite number from `least` on, up to `most` if there is such a bound."""
    if most is None:
        wanted = tr("must be a number, {least} or more").format(least=least)
    else:
        wanted = tr("must be a number between {least} and {most}").format(least=least, most=most)
    return _bounded(_finite, least, most, wanted)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _bounded(
    convert: Callable[[str], _Number], least: _Number, most: _Number | None, wanted: str
) -> Callable[[str], _Number]:
    def read(text: str) -> _Number:
        try:
            value = convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(wanted) from None
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(wanted)
        return value

    return read
