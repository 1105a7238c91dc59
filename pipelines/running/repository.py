"""Open DVC's workspace with cached parsing of YAML.

DVC parses params.yaml eight times for each stage, and dvc.yaml once, 7 ms each; the same text gives the same data.
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any

from dvc.exceptions import NotDvcRepoError
from dvc.repo import Repo
from dvc.scm import SCMError
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml, parse_yaml

from stages.foundation.errors import InputError

_parsed = lru_cache(maxsize=8)(parse_yaml)


def opened(**settings: Any) -> Repo:
    """Return the DVC workspace of this folder; close it, or use it as a context manager.

    Raises:
        InputError: if the folder is none, or not a git repository.
    """
    _yaml.parse_yaml = strictyaml.parse_yaml = parse_once
    try:
        return Repo(".", **settings)
    except NotDvcRepoError as error:
        raise InputError("this folder has no .dvc/, so it is no workspace; go to the one you mean, or `git checkout -- .dvc`") from error
    except SCMError as error:
        raise InputError("this folder is not a git repository, which DVC asks for; `git init`, or `dvc config core.no_scm true`, then "
                         "run again") from error


def parse_once(text: str, path: str, typ: str = "safe") -> Any:
    """Return a copy of parsed YAML from the cache."""
    return deepcopy(_parsed(text, path)) if typ == "safe" else parse_yaml(text, path, typ)
