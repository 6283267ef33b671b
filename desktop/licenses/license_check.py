"""Decides whether a model may be fetched or loaded, and records the decision. Every load calls this first.

`LicenseCheck` stands between `decide` and the engine: it finds out what a path holds, asks, and records what was loaded
and what was refused.

The built-in model waits for nobody, so its answer does not wait for the ledger's key either: a keyring may be locked,
and the ledger may not hold. Its loads are recorded all the same, beside the answer where that takes long
(`BackgroundRecorder`), and a person is told of one that could not be. Where the disk takes no record, it is not loaded.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from desktop.engine.engine_protocol import FileTouchedError, StopSignal
from desktop.errors import ForbiddenError, IntegrityError, ResourceError, StoppedError, UserError
from desktop.file_stamp import ModelFile
from desktop.licenses.built_in_model import is_built_in
from desktop.licenses.ledger import Ledger
from desktop.licenses.ledger_record import LedgerEvent
from desktop.licenses.license_subject import LicenseSubject
from desktop.licenses.license_texts import sha256_of, words_sha256
from desktop.licenses.license_verdict import LicenseVerdict, decide, file_changed_error, is_built_in_file
from desktop.licenses.policy import CombinedPolicy, Policy, forbids
from desktop.licenses.policy_file import PolicySource
from desktop.translation import tr

_NEVER = object()
_WAIT_S = 0.5  # a record takes a fiftieth of it, unless a keyring asks a person
_log = logging.getLogger(__name__)


class BackgroundRecorder:
    """Writes to `ledger` in the order of the calls. Listeners get the error of each record that could not be
    written."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._listeners: list[Callable[[UserError], None]] = []
        self._newest: threading.Thread | None = None
        self._lock = threading.Lock()

    def add_listener(self, on_unrecorded: Callable[[UserError], None]) -> None:
        """Call `on_unrecorded` with why something was not recorded, on a thread of its own."""
        self._listeners.append(on_unrecorded)

    def _tell(self, error: UserError) -> None:
        for listener in self._listeners:
            listener(error)

    def record(self, fact: LedgerEvent) -> None:
        """Record `fact`; where that takes long, as a keyring asks a person, return before it is done.

        Raises ResourceError where the disk refuses before this returns. Every other error goes to the listeners: the
        keyring is locked, the ledger is not intact, the disk refuses after this returned.
        """
        call = _PendingRecord()

        def write(before: threading.Thread | None) -> None:
            if before is not None:
                before.join()
            try:
                self._ledger.append(fact)
            except UserError as error:
                _log.warning("not recorded: %s %s: %s", fact.event, fact.model, error)
                if not (isinstance(error, ResourceError) and call.refuse(error)):
                    self._tell(unrecorded_error(error))
            except Exception as error:  # noqa: BLE001 - nobody else would hear of it
                _log.exception("not recorded: %s %s", fact.event, fact.model)
                self._tell(unrecorded_error(_internal_error(error)))

        with self._lock:
            mine = self._newest = threading.Thread(target=write, args=(self._newest,), name="ledger", daemon=True)
            mine.start()
        mine.join(_WAIT_S)
        if (refused := call.stop_waiting()) is not None:
            raise refused

    def wait(self, seconds: float | None = None) -> None:
        """Wait, at most so long, until everything is recorded, or could not be."""
        if self._newest is not None:
            self._newest.join(seconds)
            if self._newest.is_alive():
                _log.warning("not recorded: the ledger did not answer in time")


class _PendingRecord:
    """Whether the caller of `record` still waits to be told that the disk refuses."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = False
        self._refused: ResourceError | None = None

    def refuse(self, error: ResourceError) -> bool:
        """Have the caller raise `error`; False where the caller waits no longer."""
        with self._lock:
            self._refused = None if self._left else error
            return not self._left

    def stop_waiting(self) -> ResourceError | None:
        """End the caller's wait; the error that it has to raise, or None."""
        with self._lock:
            self._left = True
            return self._refused


def _internal_error(error: Exception) -> UserError:
    return UserError(tr("Something went wrong in Latchkey."), "", tr("The log says more."), technical=repr(error))


def unrecorded_error(error: UserError) -> IntegrityError:
    """The built-in model answers, and that it was loaded is not in the ledger: `error` says why."""
    return IntegrityError(
        tr("That the built-in model was loaded could not be recorded in the ledger."),
        " ".join(part for part in (error.title, error.detail) if part),
        tr("The built-in model answers all the same; no other model does. {remedy}").format(remedy=error.remedy),
        technical=error.technical,
    )


def _file_touched(path: Path) -> FileTouchedError:
    return FileTouchedError(
        tr("{file} was changed while it was in use.").format(file=path.name),
        tr("Another program wrote to it, moved it, or put another file in its place."),
        tr("Ask again: it is then read to its end once more, and used where it is still the same."),
    )


def _no_file_note() -> str:
    return tr("Not on this machine: there is no file, and so no hash of one.")


class HashedFiles(Protocol):
    """The files of a model that were read to their end: the model's hash, and each file as it was then."""

    @property
    def sha256(self) -> str: ...

    @property
    def files(self) -> tuple[ModelFile, ...]: ...

    def is_unchanged(self) -> bool:
        """Whether they are still the very same, untouched. Has to be cheap."""


class ModelHasher(Protocol):
    """Gives the hash of the model at `path`. `anew` reads the files even where a hash is cached; `stop` ends that with
    UserError."""

    def __call__(self, path: Path, *, anew: bool = False, stop: StopSignal | None = None) -> HashedFiles: ...


class LicenseCheck:
    """Admits model files for the engine, or raises what is missing.

    `subject_of` gives the model that a path holds, and raises LicenseError where the library does not know the file;
    `hash_model` what it hashes to as it is now, `text` a license's text in force by its hash. `recorder` records what
    happens to the built-in model.
    """

    def __init__(
        self,
        *,
        subject_of: Callable[[Path], LicenseSubject],
        hash_model: ModelHasher,
        ledger: Ledger,
        policy: PolicySource,
        license_names: Callable[[str], Iterable[str]],
        text: Callable[[str], bytes | None] = lambda sha256: None,
    ) -> None:
        self._subject_of = subject_of
        self._hash_model = hash_model
        self._ledger = ledger
        self._policy = policy
        self._license_names = license_names
        self._text = text
        self._words_sha256: dict[str, str] = {}
        self._admitted: dict[Path, HashedFiles] = {}
        self._checked: dict[Path, object] = {}
        self._remote: dict[Path, object] = {}
        self._closed = False
        self.recorder = BackgroundRecorder(ledger)

    def close(self) -> None:
        """Nothing more is decided: whoever asks about a long list of models, one by one, stops."""
        self._closed = True

    def verdict(self, subject: LicenseSubject, file_sha256: str | None = None) -> LicenseVerdict:
        """What the license check says of `subject` now: to fetch it, or to load it from a file of that hash. Raises
        StoppedError once it is closed."""
        if self._closed:
            raise StoppedError
        policy: Policy | CombinedPolicy | ForbiddenError
        try:
            policy = self._policy.current()
        except ForbiddenError as error:
            policy = error
        part = is_built_in_file(subject, file_sha256)
        ledger = None if part else self._ledger.state()
        return decide(subject, ledger, policy, self._license_names, file_sha256, self._same_words)

    def policy_refusal(self, subject: LicenseSubject) -> ForbiddenError | None:
        """Why the policy in force forbids `subject`, to be fetched or loaded; None where it does not."""
        try:
            return forbids(self._policy.current(), subject, self._license_names)
        except ForbiddenError as error:
            return error

    def admit(self, path: Path, stop: StopSignal | None = None) -> tuple[ModelFile, ...]:
        """The files of the model at `path`, which may be loaded now as they are. Raises UserError; a refusal is
        recorded. `stop` gives up reading them."""
        subject = self._subject_of(path)
        if subject.served_at:
            self._admit_served(path, subject)
            return ()
        hashed = self._hash_model(path, stop=stop)
        if is_built_in(hashed.sha256):  # that decides no hash that was kept
            hashed = self._hash_model(path, anew=True, stop=stop)
        before = self._admitted.get(path)
        if before is not None and before.files != hashed.files:  # as long as they are the same, others may hold them
            self._admitted.pop(path, None)
        stamp = self._stamp(hashed)
        verdict = self.verdict(subject, hashed.sha256)
        if verdict.error is not None:
            self._checked.pop(path, None)
            self._record_refusal(subject, hashed.sha256, verdict)
            raise verdict.error
        self._admitted[path] = hashed
        self._checked[path] = stamp
        return hashed.files

    def record_load(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        """The file at `path` was loaded, from `files` as they were admitted: record it, with the admitted hash.

        Raises IntegrityError where it is no longer the file that was admitted, or was touched since, and UserError
        where the record cannot be written.
        """
        subject = self._subject_of(path)
        if subject.served_at:
            self._ledger.append(subject.ledger_event("loaded", note=_no_file_note()))
            return
        hashed = self._unchanged(path)
        if path not in self._checked or (files and files != hashed.files):
            raise _file_touched(path)
        if subject.file_sha256 and hashed.sha256 != subject.file_sha256:
            raise file_changed_error(subject)
        note = "" if is_built_in(hashed.sha256) else self._white_space_note(subject)
        fact = subject.ledger_event("loaded", file_sha256=hashed.sha256, note=note)
        (self.recorder.record if is_built_in(hashed.sha256) else self._ledger.append)(fact)

    def record_served(self, path: Path, client: str) -> None:
        """The model at `path`, which is loaded, answers another program, called `client`: record it. Raises UserError
        as `record_load` does."""
        subject, hashed = self._subject_of(path), self._unchanged(path)
        fact = subject.ledger_event("served", file_sha256=hashed.sha256, note=client)
        (self.recorder.record if is_built_in(hashed.sha256) else self._ledger.append)(fact)

    def loaded_sha256(self, path: Path) -> str:
        """The hash of the model that was admitted at `path` last. Raises IntegrityError where none was, or where it
        was touched since. "" for a model that an endpoint runs: it has no file here."""
        return "" if path in self._remote else self._unchanged(path).sha256

    def check_loaded(self, path: Path, files: tuple[ModelFile, ...] = ()) -> None:
        """Return where the loaded file may stay loaded; raise UserError where it no longer may: it was revoked, say, or
        FileTouchedError where its file was touched, or is another one than the `files` that were loaded.

        Cheap where nothing changed, so that it can be asked every second and before every answer.
        """
        if path in self._remote:
            if self._remote[path] != self._served_stamp():
                self._admit_served(path, self._subject_of(path), recorded=False)
            return
        hashed = self._unchanged(path)
        if files and files != hashed.files:
            raise _file_touched(path)
        stamp = self._stamp(hashed)
        if self._checked.get(path, _NEVER) == stamp:
            return
        subject = self._subject_of(path)
        if is_built_in(subject.file_sha256) and not is_built_in(hashed.sha256):
            raise file_changed_error(subject)  # what was admitted is another file than the library now says
        verdict = self.verdict(subject, hashed.sha256)
        if verdict.error is not None:
            raise verdict.error
        self._checked[path] = stamp

    def _admit_served(self, path: Path, subject: LicenseSubject, *, recorded: bool = True) -> None:
        """Raise UserError where a model that an endpoint runs may not be used now; a refusal is `recorded` or not."""
        stamp, verdict = self._served_stamp(), self.verdict(subject)
        if verdict.error is not None:
            self._remote.pop(path, None)
            if recorded:
                self._record_refusal(subject, "", verdict)
            raise verdict.error
        self._remote[path] = stamp

    def _served_stamp(self) -> object:
        return self._ledger.stamp(), self._policy_stamp()

    def _unchanged(self, path: Path) -> HashedFiles:
        """What was admitted at `path`, where nothing touched it since. What was touched has to be read once more: that
        it holds the same bytes now does not say that it held them all the time."""
        hashed = self._admitted.get(path)
        if hashed is None or not hashed.is_unchanged():
            if self._admitted.get(path) is hashed:  # another engine may have had it admitted anew
                self._admitted.pop(path, None)
                self._checked.pop(path, None)
            raise _file_touched(path)
        return hashed

    def _same_words(self, accepted: str, in_force: str) -> bool:
        """Whether two texts, given by their hashes, differ in white space alone. What cannot be read is another."""
        if accepted == in_force:
            return True
        try:
            for sha256 in (accepted, in_force):
                data = b"" if sha256 in self._words_sha256 else self._ledger.text(sha256) or self._text(sha256)
                if data and sha256_of(data) == sha256:
                    self._words_sha256[sha256] = words_sha256(data)
        except IntegrityError:
            return False
        words = self._words_sha256.get(accepted)
        return words is not None and words == self._words_sha256.get(in_force)

    def _white_space_note(self, subject: LicenseSubject) -> str:
        """What is recorded of a load under texts that were accepted in another white space."""
        return " ".join(
            tr("{license} was accepted as {old}; the text in force, {new}, differs in white space alone.").format(
                license=each.needed.name, old=each.record.text_sha256[:16], new=each.needed.text_sha256[:16]
            )
            for each in self.verdict(subject).licenses
            if each.white_space_differs and each.record is not None
        )

    def _stamp(self, hashed: HashedFiles) -> object:
        """A value that differs once a verdict on the files that were admitted may be another."""
        return None if is_built_in(hashed.sha256) else self._ledger.stamp(), self._policy_stamp()

    def _policy_stamp(self) -> object:
        try:
            return self._policy.current()
        except ForbiddenError as error:
            return str(error)

    def _record_refusal(self, subject: LicenseSubject, sha256: str, verdict: LicenseVerdict) -> None:
        if verdict.refusal == "ledger" or verdict.error is None:
            return  # a ledger that does not hold takes nothing but a fresh acknowledgement
        needed = next((each for each in subject.needed if each.id == verdict.license), None)
        text = needed.text_sha256 if needed is not None else ""
        note = verdict.error.title
        fact = subject.ledger_event("refused", file_sha256=sha256, license=verdict.license, text_sha256=text, note=note)
        (self.recorder.record if is_built_in(sha256) else self._ledger.append)(fact)
