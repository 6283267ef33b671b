"""The real model, imported and accepted, as the tests of `tests/real` have it."""

from tests.real.conftest import _imported_once, imported  # noqa: F401 - fixtures
