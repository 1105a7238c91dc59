"""Read files of earlier commits from git's objects; the working tree and the index stay as they are."""

import subprocess
from collections.abc import Sequence

from stages.foundation.errors import InputError
from stages.foundation.params_file import nearest


def commit_of(name: str) -> str:
    """Return the full hash of the commit that a tag, branch or hash names.

    Raises:
        InputError: if there is none, or this folder is not in a git repository.
    """
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode:
        raise InputError(f"{name!r}: no commit, tag or branch of this repository{nearest(name, _names())}; "
                         f"{_remedy()}, or `git log --oneline -- dvc.lock` for commits with results")
    return found.stdout.strip()


def head() -> str | None:
    """Return the commit that is checked out; None outside of git, or before the first commit."""
    found = git("rev-parse", "--verify", "--quiet", "HEAD")
    return found.stdout.strip() if found.returncode == 0 else None


def text_at(commit: str, path: str) -> str | None:
    """Return a file of a commit, by its path relative to this folder; None if the commit does not have it."""
    found = git("show", f"{commit}:./{path}")
    return found.stdout if found.returncode == 0 else None


def changed_files(commit: str, paths: Sequence[str]) -> list[str]:
    """Return the files under `paths` that differ between a commit and the working tree, untracked ones included, sorted."""
    differ = git("diff", "--name-only", "--relative", "-z", commit, "--", *paths)
    untracked = git("ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
    return sorted({name for found in (differ, untracked) for name in found.stdout.split("\0") if name})


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run git in this folder; raise InputError if there is no git."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8", errors="replace", check=False)
    except FileNotFoundError as error:
        raise InputError("git is not on the PATH; versions are commits, so install it, then run again") from error


def _names() -> list[str]:
    found = git("for-each-ref", "--format=%(refname:short)", "refs/tags", "refs/heads")
    return found.stdout.split()


def _remedy() -> str:
    if git("rev-parse", "--git-dir").returncode:
        return "this folder is not in a git repository: `git init`, commit dvc.lock"
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        return "this clone is shallow: `git fetch --unshallow --tags`"
    return "`git tag` lists tags, `git fetch --tags` brings those of the remote"
