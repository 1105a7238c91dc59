"""dvc.lock line by line is what DVC would have written, and what is not laid out as DVC does it is left to DVC."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.dvcfile import Lockfile, ProjectFile
from dvc.repo import Repo
from dvc.utils.serialize import dumps_yaml, load_yaml
from dvc.utils.strictyaml import YAMLSyntaxError

import pipelines.running.dvc_lock
from pipelines.running.dvc_graph import steps
from pipelines.running.dvc_lock import HEAD, StagewiseLockfile, blocks_of, sort_locks, text_of
from stages.foundation.errors import InputError

ROOT = Path(__file__).parents[1]
GRAPH = """stages:
  each:
    foreach: [one, two]
    do:
      cmd: cp in.txt ${item}.txt
      deps: [in.txt]
      params:
        - p.yaml: [long, number]
      outs:
        - ${item}.txt
"""


def test_the_blocks_are_those_that_dvc_writes() -> None:
    text = (ROOT / "dvc.lock").read_text("utf-8")
    blocks = blocks_of(text)
    assert blocks is not None and text_of(blocks) == text
    entries = load_yaml(str(ROOT / "dvc.lock"))["stages"]
    assert list(entries) == list(blocks)
    for name, entry in entries.items():
        assert dumps_yaml({"schema": "2.0", "stages": {name: entry}}) == text_of({name: blocks[name]})


@pytest.mark.parametrize("text", [
    "", "stages:\n  a:\n    cmd: b\n", HEAD + "  a: {}\n", HEAD + "  a:\n    cmd: b\ndatasets:\n- name: c\n",
    HEAD + "  a:\n    cmd: b\n  a:\n    cmd: c\n", HEAD + "  'odd name':\n    cmd: b\n",
    HEAD + "  a:\n    C: &id001\n    - 1\n    gamma: *id001\n", HEAD + "  a:\n    C: &h 1\n  b:\n    C: [1, *h]\n", HEAD,
])  # fmt: skip
def test_another_layout_is_left_to_dvc(text: str) -> None:
    assert blocks_of(text) is None


def _reproduced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return dvc.lock after each of: a first run, a changed input, another order, a lock with a comment, values that stand twice."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    Repo.init(no_scm=True).close()
    Path("dvc.yaml").write_text(GRAPH)
    Path("p.yaml").write_text(f"long: {'many words ' * 30}\nnumber: 1.0e-7\n")
    found = []
    for text, targets in (("a", ["each@two"]), ("b", ["each@one", "each@two"]), ("c", ["each@one"]), ("d", ["each@one"])):
        Path("in.txt").write_text(text)
        with Repo(".") as repo:
            for target in targets:
                repo.reproduce(target, single_item=True)
        found.append(Path("dvc.lock").read_text())
        if text == "c":
            Path("dvc.lock").write_text("# by hand\n" + found[-1])
    Path("dvc.lock").write_text(found[-1].removeprefix("# by hand\n"))
    Path("p.yaml").write_text("long: &long [1, 2]\nnumber: [*long, *long]\n")
    with Repo(".") as repo:
        for target in ("each@one", "each@two"):
            repo.reproduce(target, single_item=True)
    with Repo(".") as repo:
        assert not repo.status()
    found.append(Path("dvc.lock").read_text())
    assert "*id002" in found[-1]
    return found


def test_a_run_leaves_the_same_bytes_as_dvc_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = _reproduced(tmp_path / "theirs", monkeypatch)
    monkeypatch.setattr("dvc.dvcfile.Lockfile", StagewiseLockfile)
    replaced: list[Path] = []
    replace: Callable[..., None] = pipelines.running.dvc_lock._replace
    monkeypatch.setattr(pipelines.running.dvc_lock, "_replace", lambda path, blocks: (replaced.append(path), replace(path, blocks)))
    assert _reproduced(tmp_path / "ours", monkeypatch) == theirs
    assert len(replaced) == 4  # not those where there is a comment or an anchor


def test_a_stages_lines_are_read_alone_and_what_is_wrong_in_them_dvc_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    Path("dvc.lock").write_text(HEAD + "  a:\n    cmd: b\n  broken:\n    cmd: [1\n  odd:\n    nonsense: 1\n")
    with Repo(".") as repo:
        entries = StagewiseLockfile(repo, "dvc.lock").load()["stages"]
        assert entries["a"] == {"cmd": "b"} and list(entries) == ["a", "broken", "odd"] and entries.get("c") is None
        for name in ("broken", "odd"):
            with pytest.raises(YAMLSyntaxError) as ours:
                entries[name]
            with pytest.raises(YAMLSyntaxError) as theirs:
                Lockfile(repo, "dvc.lock").load()
            assert str(ours.value) == str(theirs.value)


def test_a_link_and_its_targets_mode_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").write_text(HEAD + "  a:\n    cmd: b\n")
    (tmp_path / "elsewhere").chmod(0o640)
    Path("dvc.lock").symlink_to("elsewhere")
    pipelines.running.dvc_lock._replace(Path("dvc.lock"), {"c": "    cmd: d\n"})
    assert Path("dvc.lock").is_symlink() and Path("elsewhere").read_text() == HEAD + "  c:\n    cmd: d\n"
    assert Path("elsewhere").stat().st_mode & 0o777 == 0o640


def test_dvc_makes_its_lock_file_by_the_name_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvc.dvcfile.Lockfile", StagewiseLockfile)
    with Repo(str(ROOT)) as repo:
        assert isinstance(ProjectFile(repo, "dvc.yaml")._lockfile, StagewiseLockfile)


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's own use of pygtrie
def test_stages_stand_in_the_graphs_order_and_those_that_it_no_longer_has_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    Path("dvc.yaml").write_text("stages:\n  z: {cmd: touch z, outs: [z]}\n  a: {cmd: cp z a, deps: [z], outs: [a]}\n")
    lines = {name: f"    cmd: {name}\n" for name in ("gone@b", "a", "gone@a", "z")}
    Path("dvc.lock").write_text(text_of(lines))
    sort_locks()
    assert list((blocks_of(Path("dvc.lock").read_text()) or {}).items()) == [(name, lines[name]) for name in ("z", "a", "gone@a", "gone@b")]


@pytest.mark.filterwarnings("ignore:_NoneStep:DeprecationWarning")  # DVC's use of pygtrie
@pytest.mark.parametrize(("file", "remedy"), [
    ("dvc.yaml", "keep one side of each conflict and delete the marks"),
    ("dvc.lock", "take one side whole (`git checkout --ours dvc.lock`, or --theirs); the next run corrects it"),
])
def test_a_merge_conflict_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, remedy: str) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    Path("dvc.yaml").write_text("stages:\n  one:\n    cmd: echo 1\n")
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  one:\n    cmd: echo 1\n")
    assert [step.name for step in steps()] == ["one"]
    text = Path(file).read_text()
    Path(file).write_text(text.replace("    cmd", "<<<<<<< HEAD\n    cmd") + "=======\n    cmd: echo 2\n>>>>>>> other\n")
    line = 3 if file == "dvc.yaml" else 4
    with pytest.raises(InputError) as caught:
        steps()
    assert str(caught.value) == f"{file}: line {line}: a merge conflict ('<<<<<<< HEAD'); {remedy}"
