"""The policies of a machine, read from their files: the one at the fixed place, and those that are named besides.

Whatever keeps a file from being read as a policy forbids everything: that it may not be read, that it is a folder, a
pipe or a device, that a link on the way to it leads nowhere. Only where there is nothing at all is there no policy.
"""

import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from desktop.catalog.entries import Catalog
from desktop.catalog.toml_file import read_toml
from desktop.errors import ForbiddenError
from desktop.licenses.policy import PoliciesInForce, Policy
from desktop.licenses.policy_values import checked
from desktop.paths import further_policies
from desktop.translation import tr

_LARGEST = 1 << 20
_Stamp = tuple[int, ...]


class PolicySource(Protocol):
    """Where the policy in force comes from."""

    @property
    def exists(self) -> bool: ...

    def current(self) -> Policy | PoliciesInForce: ...


class PolicyFile:
    """One policy, read anew whenever its file changed. `path` is None where none can be set.

    `required`: it has to be there. `catalog` gives the catalog that names of licenses and models are checked against.
    """

    def __init__(
        self, path: Path | None, *, required: bool = False, catalog: Callable[[], Catalog | None] = lambda: None
    ) -> None:
        self.path = path
        self._required = required
        self._catalog = catalog
        self._read: tuple[_Stamp, Policy | ForbiddenError] | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a policy at all, in order or not."""
        return self.path is not None and (self._required or self._stamp(self.path) is not None)

    def current(self) -> Policy:
        """The policy. Raises ForbiddenError where there is one that does not hold: nothing may be loaded."""
        if self.path is None:
            return Policy()
        stamp = self._stamp(self.path)
        if stamp is None:
            if self._required:
                raise _broken(self.path, tr("it does not exist"))
            return Policy()
        if isinstance(stamp, ForbiddenError):
            raise stamp
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, self._read_now(self.path))
        if isinstance(self._read[1], ForbiddenError):
            raise self._read[1].with_traceback(None)
        return self._read[1]

    def _stamp(self, path: Path) -> _Stamp | ForbiddenError | None:
        """What differs once the file may be another; None where there is none, the error where nobody can tell."""
        try:
            status = path.stat()
        except FileNotFoundError:
            link = next((each for each in (path, *path.parents) if each.is_symlink()), None)
            dead = link is not None and not link.exists()
            return _broken(path, tr("a link on the way there leads nowhere")) if dead else None
        except (OSError, ValueError) as error:
            return _broken(path, getattr(error, "strerror", None) or str(error))
        if not stat.S_ISREG(status.st_mode):
            return _broken(path, tr("it is no file"))
        return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def _read_now(self, path: Path) -> Policy | ForbiddenError:
        try:
            return checked(msgspec.convert(read_toml(path, _LARGEST)[1], Policy), self._catalog())
        except OSError as error:
            return _broken(path, error.strerror or str(error))
        except ValueError as error:  # not UTF-8, not TOML, or not a policy
            return _broken(path, str(error))


class Policies:
    """All policies of a machine: what one of them forbids is forbidden, and one that does not hold forbids all."""

    def __init__(self, files: Sequence[PolicyFile]) -> None:
        self.files = tuple(files)

    @property
    def exists(self) -> bool:
        """Whether there is any."""
        return any(each.exists for each in self.files)

    def current(self) -> PoliciesInForce:
        """What they say now. Raises ForbiddenError where one of them does not hold."""
        return PoliciesInForce(tuple(each.current() for each in self.files if each.exists))


def find_policies(
    environ: Mapping[str, str], system: Path, *, catalog: Callable[[], Catalog | None] = lambda: None
) -> Policies:
    """The policy at `system`, the fixed place, which need not be there and which nothing takes off; besides it those in
    the environment's folders for system-wide settings; and what `LATCHKEY_POLICY` names, which has to be there."""
    files = [PolicyFile(each, catalog=catalog) for each in dict.fromkeys((system, *further_policies(environ)))]
    if named := environ.get("LATCHKEY_POLICY"):
        files.append(PolicyFile(Path(named), required=True, catalog=catalog))
    return Policies(files)


def _broken(path: Path, reason: str) -> ForbiddenError:
    return ForbiddenError(
        tr("Your organization's policy cannot be read, so no model may be loaded."),
        tr("{file}: {reason}.").format(file=path, reason=reason.rstrip(".")),
        tr("Ask whoever manages this computer to mend the file."),
    )
