"""What README.md and docs/ say is so: commands, keys, links, the tree, the graph, the numbers, and the examples of docs/extending.md."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from catalogue import PAGE, catalogue
from dvc.cli import parse_args
from dvc.repo import Repo
from imports import ROOT, file_of
from ruamel.yaml import YAML

from stages.check import check_dataset, check_feature
from stages.contracts.task import TASKS
from stages.foundation.params_file import read_params, value_at
from stages.foundation.registry import component, names
from stages.foundation.tables import read_json
from stages.report import kept_evaluations
from stages.reporting.readme import KEPT, RESULTS, markers, results_table
from stages.training.train_settings import ScoringEntry

README = (ROOT / "README.md").read_text(encoding="utf-8")
START, END = markers(RESULTS)
KEPT_START, KEPT_END = markers(KEPT)
EXTENDING = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
DECISIONS = ROOT / "docs/decisions"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_CODE = {"__pycache__", "__init__.py"}
OTHER_COMMANDS = {"git", "rm", "source", "pip"}
NUMBERS = {7: "seven", 19: "nineteen"}  # as the README writes them


def blocks(text: str, language: str) -> list[tuple[str, str]]:
    """Return (what stands after the language, content) of every fenced block."""
    return re.findall(rf"^```{language}\b ?(.*?)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


# ---------------------------------------------------------------- commands
def commands() -> list[str]:
    return [line for _, block in blocks(README, "bash") for line in block.splitlines() if line.strip()]


def words_of(command: str) -> list[str]:
    """Return a command's words, less its comment and the variables before it."""
    words = shlex.split(command, comments=True)
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_the_commands_are_found() -> None:
    assert {words_of(command)[0] for command in commands()} >= {"make", "dvc", "python"}


@pytest.mark.parametrize("command", commands())
def test_a_command_exists(command: str) -> None:
    program, *rest = words_of(command)
    if program == "make":
        assert rest[0] in make_targets()
        assert all(word.startswith("ARGS=") for word in rest[1:])
    elif program == "python":
        assert rest[0] == "-m" and file_of(rest[1]), command
    elif program == "dvc":
        parse_args(rest)  # ends the test where DVC does not know a word
        for setting in re.findall(r"-S (\S+)=", " ".join(rest)):
            value_at(read_params(ROOT / "params.yaml"), setting)
    else:
        assert program in OTHER_COMMANDS, f"{program}: the README may use {sorted(OTHER_COMMANDS)}, make, python and dvc"


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?:stages|pipelines)\.\w+)", README))))
def test_a_module_that_the_readme_runs_is_there(module: str) -> None:
    assert file_of(module)


def test_the_help_of_check_lists_the_keys() -> None:
    result = subprocess.run([sys.executable, "-m", "stages.check", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for key in ("datasets.<name>", "split", "features.<data set>-<label> (modality: image)", "models.knn", "flow"):
        assert f"{key}: " in result.stdout


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w+)", "\n".join(page.read_text(encoding="utf-8") for page in PAGES)))))
def test_a_make_target_is_there(target: str) -> None:
    assert target in make_targets()


@pytest.mark.parametrize("stage", sorted(set(re.findall(r"(?:dvc repro|ARGS=) ?(\w+@[\w-]+)", README))))
def test_a_stage_is_there(stage: str) -> None:
    with Repo(str(ROOT)) as repo:
        assert stage in {found.addressing for found in repo.index.stages}


def test_python_in_the_readme_compiles() -> None:
    assert blocks(README, "python")
    for _, code in blocks(README, "python"):
        compile(code, "README.md", "exec")


@pytest.mark.parametrize("page", ["README.md", "docs/own_data.md"])
def test_the_lines_for_own_data_are_understood(page: str) -> None:
    (_, lines), *_ = blocks((ROOT / page).read_text(encoding="utf-8"), "yaml")
    shown = YAML(typ="safe").load(lines)
    for name in shown["datasets"]:
        check_dataset(shown, name)
    for key in shown["features"]:
        check_feature(shown, key)


# ---------------------------------------------------------------- links, tree, graph
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links {target}"


def test_pictures_are_small() -> None:
    pictures = list((ROOT / "docs/images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 300_000, picture.name
        assert f"docs/images/{picture.name}" in README, f"{picture.name} is not shown"


def test_every_decision_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (DECISIONS / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.name for page in DECISIONS.glob("*.md")} - {"README.md"}


def tree() -> dict[str, str]:
    """Return path → what the README's tree says of it."""
    ((_, block),) = [found for found in blocks(README, "text") if "stages/" in found[1]]
    found: dict[str, str] = {}
    above: list[str] = []
    for line in block.splitlines():
        name, _, about = line.strip().partition(" ")
        depth = (len(line) - len(line.lstrip())) // 2
        above = [*above[:depth], name]
        found["".join(above)] = about.strip()
    return found


def test_the_tree_names_every_file_of_the_product_and_no_other() -> None:
    on_disk = {
        path.relative_to(ROOT).as_posix() + "/" * path.is_dir()
        for package in ("stages", "pipelines")
        for path in (ROOT / package).rglob("*")
        if not NOT_CODE & set(path.parts) and not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    }
    listed = {path for path in tree() if path.startswith(("stages/", "pipelines/"))} - {"stages/", "pipelines/"}
    assert listed - on_disk == set(), "in the README's tree, not on disk"
    assert on_disk - listed == set(), "on disk, not in the README's tree: add a line that says what it is for"


def test_the_rest_of_the_tree_is_there() -> None:
    assert all(tree().values()), "each entry says what it is"
    made_by_a_run = {"dvc.lock"}
    assert {path for path in tree() if not (ROOT / path).exists()} <= made_by_a_run


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's own use of pygtrie
def test_the_drawn_graph_is_dvcs() -> None:
    ((_, drawn),) = blocks(README, "mermaid")
    edges = set(re.findall(r"(\w+) --> (\w+)", drawn))
    with Repo(str(ROOT)) as repo:
        graph = nx.DiGraph((b.addressing.partition("@")[0], a.addressing.partition("@")[0]) for a, b in repo.index.graph.edges)
    assert edges == set(nx.transitive_reduction(graph).edges)
    rows = re.findall(r"^\| (\w+) \|", README.partition("| stage | once per |")[2].partition("\n\n")[0], flags=re.MULTILINE)
    assert set(rows) == set(graph.nodes)


# ---------------------------------------------------------------- numbers and licences
def unchanged_since_the_commit(*paths: str) -> bool:
    tracked = subprocess.run(["git", "ls-files", "--error-unmatch", *paths], cwd=ROOT, capture_output=True, check=False)
    differs = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *paths], cwd=ROOT, capture_output=True, check=False)
    return tracked.returncode == 0 and differs.returncode == 0


def test_the_results_are_those_of_the_evaluation_files() -> None:
    datasets = read_params(ROOT / "params.yaml")["datasets"]
    files = [ROOT / "data/evaluation" / dataset / "evaluation.json" for dataset in datasets]
    if not all(file.is_file() for file in files):
        pytest.skip("data/evaluation is not there or not whole: nothing to compare with (`make run`)")
    if not unchanged_since_the_commit("params.yaml", "dvc.lock"):
        pytest.skip("params.yaml or dvc.lock differs from the commit: the results are not those that the README shows")
    shown = README.partition(START)[2].partition(END)[0].strip()
    assert shown == results_table([read_json(file) for file in files]), "run `python -m stages.report --readme`"


def test_the_results_table_is_filled() -> None:
    shown = README.partition(START)[2].partition(END)[0]
    for dataset in read_params(ROOT / "params.yaml")["datasets"]:
        assert f"| {dataset} |" in shown


def test_the_table_of_kept_results_is_that_of_the_kept_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    shown = README.partition(KEPT_START)[2].partition(KEPT_END)[0].strip()
    assert shown == results_table(kept_evaluations()), "run `python -m stages.report --readme`"


def test_the_catalogue_is_what_the_data_sets_say() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == catalogue(), "run `python -m tests.catalogue`"


def table_rows(head: str) -> dict[str, list[str]]:
    """Return first cell → the others, of the README's table that begins with `head`."""
    lines = README.partition(f"\n{head}")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in rows}


def test_every_modality_is_named_with_the_data_sets_that_have_it() -> None:
    having: dict[str, list[str]] = {name: [] for name in names("modalities")}
    for dataset in names("datasets"):
        for modality in dict.fromkeys(component("datasets", dataset).modalities.values()):
            having[modality].append(dataset)
    shown = {name: cells[-1].split(", ") for name, cells in table_rows("| modality |").items()}
    assert shown == having


def test_every_task_is_named_with_its_metrics() -> None:
    rows = table_rows("| task |")
    assert list(rows) == list(TASKS)
    for task, (_, chosen_by, others) in rows.items():
        chosen = getattr(ScoringEntry(), task)
        scoring = {name: component("metrics", name) for name in names("metrics") if task in component("metrics", name).tasks}
        assert chosen_by == scoring.pop(chosen).title
        assert sorted(others.split(", ")) == sorted(metric.title for metric in scoring.values())
        assert value_at(read_params(ROOT / "params.yaml"), f"train.scoring.{task}") == chosen


def test_what_the_readme_says_of_the_defaults_is_so() -> None:
    params = read_params(ROOT / "params.yaml")
    assert f"{NUMBERS[len(names('datasets'))]} data sets" in README
    assert f"{NUMBERS[len(params['datasets'])].capitalize()} run by default" in README
    assert f"({params['models']['mlp']['components']} by default" in README
    assert params["split"]["n_splits"] == 5 and "over five outer folds" in README


# ---------------------------------------------------------------- docs/extending.md
def write_examples(folder: Path) -> list[str]:
    """Write the examples into a copy of the product; return the new files."""
    new = []
    for where, code in blocks(EXTENDING, "(?:python|yaml)"):
        name, _, mapping = where.partition(", in ")
        path = folder / name
        if mapping:
            path.write_text(re.sub(rf"^({mapping}\b.*?= {{)", lambda m, code=code: f"{m[1]}\n{code}", path.read_text(), flags=re.MULTILINE))
        elif name == "params.yaml":
            for section, lines in re.findall(r"^(\w+:)\n((?: .*\n)+)", code, flags=re.MULTILINE):
                path.write_text(re.sub(rf"^{section}\n", lambda m, lines=lines: m[0] + lines, path.read_text(), flags=re.MULTILINE))
        else:
            assert not path.exists(), f"{name} is there already: choose another example"
            path.write_text(code)
            new.append(name)
    return new


def test_the_examples_pass_the_batteries(workspace: Path) -> None:
    shutil.copytree(ROOT / "tests", workspace / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", workspace)
    new = write_examples(workspace)
    added = [Path(name).stem for name in new if name.startswith("stages/")]
    assert {Path(name).parts[1] for name in new if name.startswith("stages/")} == {"datasets", "modalities", "models", "metrics"}

    def run(*arguments: str) -> str:
        result = subprocess.run([sys.executable, "-m", *arguments], cwd=workspace, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run("stages.check")
    run("ruff", "check", *new)
    batteries = [f"tests/test_{kind}.py" for kind in ("datasets", "modalities", "models", "metrics", "walls")]
    out = run("pytest", "-q", "-p", "no:cacheprovider", *batteries, "-k", " or ".join([*added, "test_every", "test_the_battery"]))
    assert int(re.search(r"(\d+) passed", out)[1]) > 30  # type: ignore[index]
    with Repo(str(workspace)) as repo:
        found = {stage.addressing for stage in repo.index.stages}
    assert {"train@ecoli-ridge", "train@emoji-ridge", "featurize@ecoli-membrane", "evaluate@ecoli"} <= found
