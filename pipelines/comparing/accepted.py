"""The accepted version: the commit in accepted.json, which git tracks (docs/decisions/0071-the-accepted-version.md)."""

from pipelines.comparing.git_objects import head, text_at
from pipelines.comparing.versions import lock_hash
from pipelines.publishing.lock_entries import LOCK
from stages.contracts.documents.accepted_document import AcceptedVersion
from stages.contracts.paths import accepted_path
from stages.foundation.documents import read_document, write_document
from stages.foundation.errors import InputError


def accept() -> str:
    """Record the commit that is checked out as accepted; return a line that says so.

    Raises:
        InputError: if the dvc.lock of the workspace is not that of the commit: its results could not be found again.
    """
    if not LOCK.is_file():
        raise InputError(f"{LOCK}: not found, so nothing has been run yet; `make run` (or `dvc repro`) first")
    commit, lock = head(), lock_hash(LOCK.read_text(encoding="utf-8"))
    if commit is None:
        raise InputError("there is no commit yet; a version is accepted by its commit: `git add -A`, `git commit`, then accept")
    committed = text_at(commit, LOCK.as_posix())
    if committed is None or lock_hash(committed) != lock:
        raise InputError(f"{LOCK} differs from that of the commit {commit[:8]}, so no commit holds these results; `git add {LOCK}`, "
                         "`git commit`, then accept")
    write_document(accepted_path(), AcceptedVersion(commit=commit, lock=lock))
    return f"accepted: {commit[:8]}; commit {accepted_path()} so that others and scheduled runs compare with it"


def is_accepted() -> bool:
    """Return whether a version was ever accepted."""
    return accepted_path().is_file()


def accepted_commit() -> str:
    """Return the accepted commit.

    Raises:
        InputError: if none was accepted, or accepted.json is not valid.
    """
    if not is_accepted():
        raise InputError(f"{accepted_path()}: not found, so no version was accepted yet; name one (`make compare ARGS=<commit or tag>`), "
                         "or accept the one that is checked out: `make compare ARGS=--accept`")
    return read_document(accepted_path(), AcceptedVersion).commit
