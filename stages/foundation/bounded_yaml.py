"""Parse YAML of bounded size, depth and expansion: a few aliases (`*name`) can stand for billions of values."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import CollectionNode, Node
from ruamel.yaml.scanner import Scanner

MAX_CHARACTERS = 2**17  # of the text; the parser reads about 60,000 in a second
MAX_DEPTH = 50
MAX_EXPANDED = 2**20  # characters, every alias written out
MAX_SCALAR = 100  # characters of a number or date
LIMITED = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp", "bool"))


class YamlTooLargeError(MarkedYAMLError):
    """The text is valid so far, but larger, deeper or longer than any params.yaml."""


def load_yaml(text: str) -> Any:
    """Return the value of a YAML 1.2 document, as plain Python objects (aliases share theirs).

    Raises:
        YAMLError: if it is not valid, or YamlTooLargeError if it is too large.
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlTooLargeError(problem=f"{len(text):,} characters; expected at most {MAX_CHARACTERS:,}")
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner, yaml.Composer, yaml.Constructor = _Scanner, _Composer, _Constructor
    return yaml.load(text)


class _Scanner(Scanner):
    """Refuses brackets that are nested too deeply: it would read all of them first, in a time that grows with their square."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: Any) -> None:
        if len(self.flow_context) >= MAX_DEPTH:
            raise YamlTooLargeError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


class _Composer(Composer):
    """Refuses what is nested too deeply while it is read, and then what aliases expand too far."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.parser.peek_event().start_mark
            raise YamlTooLargeError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node is not None:
            _expanded(node, {})
        return node


def _expanded(node: Node, known: dict[int, int]) -> int:
    """Return the characters of a node with all aliases in it written out; `known`: id → those of the nodes so far."""
    if id(node) not in known:
        known[id(node)] = 1  # inside itself, by an alias: stages/params.py refuses that with its key
        children = node.value if isinstance(node, CollectionNode) else ()
        flat = [child for item in children for child in (item if isinstance(item, tuple) else (item,))]
        size = 1 + (sum(_expanded(child, known) for child in flat) if isinstance(node, CollectionNode) else len(node.value))
        if size > MAX_EXPANDED:
            raise YamlTooLargeError(problem=f"its aliases (*) stand for more than {MAX_EXPANDED:,} characters; write out what is meant",
                                    problem_mark=node.start_mark)
        known[id(node)] = size
    return known[id(node)]


class _Constructor(SafeConstructor):
    """Names the line where a number, date or truth value cannot be read, for which ruamel.yaml raises Python's own errors."""

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if node.tag in LIMITED and len(node.value) > MAX_SCALAR:
            problem = (f"a number of {len(node.value):,} characters ({node.value[:20]}…); expected at most {MAX_SCALAR}; "
                       "put it in quotes if it is text")
            raise ConstructorError(problem=problem, problem_mark=node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, OverflowError) as error:
            kind = str(node.tag).rpartition(":")[2]
            raise ConstructorError(problem=f"{str(node.value)[:40]!r} cannot be read as {kind} ({error}); put it in quotes if it is text",
                                   problem_mark=node.start_mark) from error
