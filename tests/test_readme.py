"""What README.md and docs/ say is so: commands, keys, links, the graph, the results, and the examples of docs/extending.md."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import networkx as nx
import pytest
from dvc.cli import parse_args
from dvc.repo import Repo
from imports import ROOT, file_of
from ruamel.yaml import YAML

from stages.checking.check_data_sets import check_dataset
from stages.checking.check_features import check_feature
from stages.contracts.documents.evaluation_document import Evaluation
from stages.foundation.documents import read_document
from stages.foundation.params_file import read_params, value_at
from stages.reporting.readme import RESULTS, markers, results_table, short_table

FILES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
README, EXTENDING = PAGES["README.md"], PAGES["docs/extending.md"]
ALL = "\n".join(PAGES.values())
OTHER_COMMANDS = {"git", "rm", "source", "pip", "mlflow", "printf", "curl"}
LONGEST_README = 150


def blocks(text: str, language: str) -> list[tuple[str, str]]:
    """Return (what stands after the language, content) of every fenced block."""
    return re.findall(rf"^```{language}\b ?(.*?)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


# ---------------------------------------------------------------- commands
def commands() -> list[str]:
    """Return every command of every page, once."""
    lines = [line for _, block in blocks(ALL, "(?:ba)?sh") for line in block.splitlines()]
    return list(dict.fromkeys(filter(None, (line.partition("  #")[0].rstrip() for line in lines))))


def words_of(command: str) -> list[str]:
    """Return a command's words, less its comment and the variables before it."""
    words = shlex.split(command, comments=True)
    while re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    return words


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


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
        assert program in OTHER_COMMANDS, f"{program}: README and docs may use {sorted(OTHER_COMMANDS)}, make, python and dvc"


@pytest.mark.parametrize("module", sorted(set(re.findall(r"python -m ((?:stages|pipelines|docs|benchmarks)\.\w+)", ALL))))
def test_a_module_that_a_page_runs_is_there(module: str) -> None:
    assert file_of(module)


def test_the_help_of_check_lists_the_keys() -> None:
    result = subprocess.run([sys.executable, "-m", "stages.check", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for key in ("datasets.<name>", "split", "features.<data set>-<modality name> (modality: image)", "models.knn", "flow"):
        assert f"{key}: " in result.stdout


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make (\w[\w-]*)", ALL))))
def test_a_make_target_is_there(target: str) -> None:
    assert target in make_targets()


# ecoli is the example of docs/extending.md
@pytest.mark.parametrize("stage", sorted(set(re.findall(r"(?:dvc repro|ARGS=) ?(\w+@[\w-]+)", ALL)) - {"evaluate@ecoli"}))
def test_a_stage_is_there(stage: str) -> None:
    with Repo(str(ROOT)) as repo:
        assert stage in {found.addressing for found in repo.index.stages}


@pytest.mark.parametrize("page", ["README.md", "docs/own_data.md"])
def test_the_lines_for_own_data_are_understood(page: str) -> None:
    (_, lines), *_ = blocks(PAGES[page], "yaml")
    shown = YAML(typ="safe").load(lines)
    for name in shown["datasets"]:
        check_dataset(shown, name)
    for key in shown["features"]:
        check_feature(shown, key)


# ---------------------------------------------------------------- links, images, graph
def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as code hosts and the site make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).replace("\\", "") for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.is_file(), f"{page} links {target}"
        if anchor:
            assert anchor in anchors(PAGES[file.resolve().relative_to(ROOT).as_posix()]), f"{page} links {target}"


def test_images_are_small_and_shown() -> None:
    images = list((ROOT / "docs/images").glob("*.png"))
    assert images
    for image in images:
        assert image.stat().st_size < 300_000, image.name
        assert f"images/{image.name})" in ALL, f"{image.name} is not shown"


def test_the_readme_is_one_page() -> None:
    assert len(README.splitlines()) <= LONGEST_README


@pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # DVC's own use of pygtrie
def test_the_drawn_graph_is_dvcs() -> None:
    page = PAGES["docs/how_it_works.md"]
    (drawn,) = [block for _, block in blocks(page, "text") if "→" in block]
    edges = set(re.findall(r"(\w+) → (?=(\w+))", drawn))
    with Repo(str(ROOT)) as repo:
        stages = [(b.addressing.partition("@")[0], a.addressing.partition("@")[0]) for a, b in repo.index.graph.edges]
        graph = nx.DiGraph(edge for edge in stages if ":" not in "".join(edge))  # lessons have a dvc.yaml of their own
    assert edges == set(nx.transitive_reduction(graph).edges)
    rows = re.findall(r"^\| (\w+) \|", page.partition("| stage | once per |")[2].partition("\n\n")[0], flags=re.MULTILINE)
    assert set(rows) == set(graph.nodes)


# ---------------------------------------------------------------- results
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
    evaluations = [read_document(file, Evaluation) for file in files]
    for page, table in {"README.md": short_table, "docs/results.md": results_table}.items():
        assert shown(page) == table(evaluations), "run `python -m stages.report --readme`"


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_the_results_table_is_filled(page: str) -> None:
    """One that was added and has not run yet has no results."""
    ran = re.findall(r"^  evaluate@(\w+):$", (ROOT / "dvc.lock").read_text(encoding="utf-8"), flags=re.MULTILINE)
    shipped = [dataset for dataset in read_params(ROOT / "params.yaml")["datasets"] if dataset in ran]
    assert shipped
    for dataset in shipped:
        assert re.search(rf"^\| {dataset}(<br>open: [a-z, -]+)? \|", shown(page), flags=re.MULTILINE)


def shown(page: str) -> str:
    """Return the results table of a page."""
    start, end = markers(RESULTS)
    return PAGES[page].partition(start)[2].partition(end)[0].strip()


def test_what_the_docs_say_of_the_defaults_is_so() -> None:
    params = read_params(ROOT / "params.yaml")
    assert f"({params['models']['mlp']['n_components']} by default" in PAGES["docs/guarantees.md"]
    assert params["split"]["n_splits"] == 5 and "over five outer folds" in PAGES["docs/results.md"]


# ---------------------------------------------------------------- docs/extending.md
def write_examples(folder: Path) -> list[str]:
    """Write the examples into a copy of the product, but for those that somebody keeps already; return their files."""
    new = []
    for where, code in blocks(EXTENDING, "(?:python|yaml)"):
        name, _, mapping = where.partition(", in ")
        path = folder / name
        if mapping and code in path.read_text():
            continue
        if mapping:
            path.write_text(re.sub(rf"^({mapping}\b.*?= {{)", lambda m, code=code: f"{m[1]}\n{code}", path.read_text(), flags=re.MULTILINE))
        elif name == "params.yaml":
            for section, lines in re.findall(r"^(\w+:)\n((?: .*\n)+)", code, flags=re.MULTILINE):
                if lines in path.read_text():
                    continue
                path.write_text(re.sub(rf"^{section}\n", lambda m, lines=lines: m[0] + lines, path.read_text(), flags=re.MULTILINE))
        else:
            assert not path.exists() or path.read_text() == code, f"{name} is there already: choose another example"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
            new.append(name)
    return new


@pytest.mark.integration
def test_the_examples_pass_the_batteries(workspace: Path) -> None:
    shutil.copytree(ROOT / "tests", workspace / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", workspace)
    new = write_examples(workspace)
    added = [Path(name).with_suffix("").parts[2] for name in new if name.startswith("stages/")]
    kinds = ("datasets", "modalities", "models", "fusions", "controls", "metrics", "tasks")
    assert {Path(name).parts[1] for name in new if name.startswith("stages/")} == set(kinds)

    def run(*arguments: str) -> str:
        result = subprocess.run([sys.executable, "-m", *arguments], cwd=workspace, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run("stages.check")
    run("ruff", "check", *new)
    batteries = [f"tests/test_{kind}.py" for kind in (*kinds, "refit_seeds", "walls")]
    out = run("pytest", "-q", "-p", "no:cacheprovider", *batteries, "-k", " or ".join([*added, "test_every", "test_the_battery"]))
    assert int(re.search(r"(\d+) passed", out)[1]) > 30  # type: ignore[index]
    with Repo(str(workspace)) as repo:
        found = {stage.addressing for stage in repo.index.stages}
    assert {"train@ecoli-extra_trees", "train@emoji-parzen", "featurize@ecoli-membrane", "evaluate@ecoli"} <= found
