"""Every mistake in params.yaml is answered by one line: the file, the key, what was found, what is allowed."""

import copy
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import toy_own
from dvc.utils.serialize import YAMLFileCorruptedError, load_yaml
from pydantic import ValidationError

from stages.checking import check_data_sets, check_models, known_components
from stages.checking.check_combinations import check_combinations
from stages.checking.check_params import checked_params, problems, refuse_unreadable_by_dvc
from stages.foundation import registry
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, data_set_names
from stages.foundation.params_file import read_params as read_plain
from stages.params import parse, read_params, section, value_at
from stages.report import main as report
from stages.splitting.split_settings import SplitEntry

ROOT = Path(__file__).parents[1]
REMOVED = object()
JUNK = [None, [], {}, "x", "", -1, 0, 1.5, True, 10**9, float("nan"), float("inf"), [None], [[1]], {"x": 1}, {1: 2}]

# (key, what is put there, what the one line says)
MISTAKES: list[tuple[str, Any, str]] = [
    ("seed", REMOVED, r"seed: expected a whole number from 0 to \d+, found None"),
    ("seed", -1, r"seed: expected a whole number from 0 to \d+, found -1"),
    ("seed", True, "seed: expected a whole number"),
    ("splits", {"n_splits": 5}, r"splits: unknown section \(did you mean 'split'\?\); allowed: seed, datasets, "),
    ("split", REMOVED, r"split: missing; add the line `split: \{\}`"),
    ("split", [5], r"split: expected a mapping with n_splits, n_repeats, n_inner_splits, datasets, found \[5\]"),
    ("split.n_split", 5, r"split\.n_split: unknown key \(did you mean 'n_splits'\?\); allowed: n_splits, n_repeats, n_inner_splits"),
    ("split.n_splits", 1, "split.n_splits: expected at least 2, found 1; 'n_splits' is outer folds"),
    ("split.n_splits", "many", "split.n_splits: expected a whole number, found 'many'"),
    ("split.n_splits", "5", "split.n_splits: expected a whole number, found '5'"),
    ("split.n_splits", True, "split.n_splits: expected a whole number, found True"),
    ("split.n_repeats", 2.5, "split.n_repeats: expected a whole number, found 2.5"),
    ("leakage", [], r"leakage: expected a mapping with fail, warn, ignore, gaps, datasets, found \[\]"),
    ("leakage", {"fail": ["duplicates-across-folds"]}, r"leakage\.fail: no code 'duplicates-across-folds' \(did you mean "
     r"'duplicate-across-folds'\?\); there are: all, conflicting-targets, duplicate-across-folds, "),
    ("leakage", {"fail": "all"}, r"leakage\.fail: expected a list, found 'all'; 'fail' is codes \(docs/leaks\.md\), `all`, or "),
    ("leakage", {"stop": []}, r"leakage\.stop: unknown key; allowed: fail, warn, ignore, gaps, datasets"),
    ("leakage", {"fail": ["all"], "ignore": ["all"]}, "leakage: 'all' is in fail and in ignore; keep one"),
    ("leakage", {"datasets": {"emojy": {}}}, r"leakage\.datasets: no entry under datasets 'emojy' \(did you mean 'emoji'\?\)"),
    ("leakage", {"datasets": {"emoji": {"ignore": ["copies/image"]}}}, r"leakage\.datasets\.emoji\.ignore: no code 'copies'; there are: "),
    ("leakage", {"datasets": {"emoji": {"warn": ["all"], "fail": ["all"]}}}, r"leakage\.datasets\.emoji: 'all' is in fail and in warn"),
    ("train.scoring", "accuracy", "train.scoring: expected a mapping"),
    ("train.scoring", {"binary": "acuracy"}, r"train\.scoring\.binary: no .*'acuracy' \(did you mean 'accuracy'\?\); there are: accuracy"),
    ("train.scoring", {"multiclass": "log_loss"}, "scoring.multiclass: 'log_loss' cannot choose .*; allowed: accuracy, balanced_accuracy"),
    ("train.scoring", {"regression": "accuracy"}, "train.scoring.regression: 'accuracy' cannot choose .*; allowed: mae, q2, "),
    ("evaluate.confidence", 95, "evaluate.confidence: expected less than 1.0, found 95"),
    ("evaluate.confidence", float("nan"), "evaluate.confidence: expected a finite number, found nan"),
    ("flow.cron", "every night", r"flow\.cron: expected five fields \(minute hour day month weekday\), found 'every night'"),
    ("flow.cron", "0 3 31 2 *", r"flow\.cron: day 31 never comes in month 2; L is the last day of a month, found '0 3 31 2 \*'"),
    ("flow.cron", "0 3 31 4,6-6 *", r"flow\.cron: day 31 never comes in month 4,6-6; "),
    ("flow.timezone", "Europe/Pariss", r"flow\.timezone: unknown time zone \(did you mean 'Europe/Paris'\?\)"),
    ("flow.workers", 0, "flow.workers: expected at least 1, found 0"),
    ("datasets", {}, "datasets: expected a mapping with at least one entry, found {}"),
    ("datasets.emojis", {"target": "category", "modalities": ["text"]}, r"datasets\.emojis: no .*'emojis' \(did you mean 'emoji'\?\)"),
    ("datasets.9", {"target": "category", "modalities": ["text"]}, "datasets: '9' is not a valid name .*; use letters, digits and _"),
    ("models.", {}, "models: '' is not a valid name"),
    ("datasets.emoji.rows", 0, "datasets.emoji.rows: expected 'all' or at least 1, found 0"),
    ("datasets.emoji.rows", 10**7, "datasets.emoji.rows: 10000000 is impossible; allowed: all, or 1 to "),
    ("datasets.emoji.rows", "some", "datasets.emoji.rows: expected 'all' or a whole number, found 'some'"),
    ("datasets.emoji.target", REMOVED, "datasets.emoji.target: missing; 'target' is what is predicted"),
    ("datasets.emoji.target", "categroy", r"target: no target 'categroy' \(did you mean 'category'\?\); there are: category"),
    ("datasets.emoji.modalities", [], "datasets.emoji.modalities: expected a list of at least 1, found "),
    ("datasets.emoji.modalities", "text", "datasets.emoji.modalities: expected a list or a mapping, found 'text'"),
    ("datasets.emoji.modalities", ["sound"], "datasets.emoji.modalities: no modality 'sound'; there are: image, text"),
    ("datasets.emoji.modalities", ["text", "text"], "datasets.emoji.modalities: a name occurs twice"),
    ("datasets.emoji.option", {}, r"datasets\.emoji\.option: unknown key \(did you mean 'options'\?\)"),
    ("datasets.emoji.options", {"colour": 1}, "datasets.emoji.options.colour: unknown key; allowed: no keys"),
    ("features.emoji-image", REMOVED, "features: 'emoji-image' is missing; .* so add `emoji-image: {dataset: emoji, modality: image}`"),
    ("features.emoji-sound", {"dataset": "emoji", "modality": "audio"}, "emoji-sound: no modality 'sound'; there are: image, text"),
    ("features.picture", {"dataset": "emoji", "modality": "image"}, "picture: expected the key '<data set>-<modality name>'"),
    ("features.emoji-image.dataset", REMOVED, "features.emoji-image: expected a mapping with 'dataset' and 'modality'"),
    ("features.emoji-image.dataset", "emojy", r"dataset: no entry under datasets 'emojy' \(did you mean 'emoji'\?\)"),
    ("features.emoji-image.modality", "text", "features.emoji-image.modality: 'text' cannot read emoji's 'image', which is of"),
    ("features.emoji-image.modality", "imag", r"features\.emoji-image\.modality: no .*'imag' \(did you mean 'image'\?\)"),
    ("features.emoji-image.sizes", [8, 8], r"features\.emoji-image\.sizes: unknown key \(did you mean 'size'\?\); allowed: .*size"),
    ("features.emoji-image.size", [8], r"features\.emoji-image\.size\.1: missing; 'size' is "),
    ("features.emoji-image.colour", "red", "features.emoji-image.colour: expected 'rgb'.* found 'red'"),
    ("models", None, "models: expected a mapping with at least one entry, found None"),
    ("models.kn", {}, r"models\.kn: no .*'kn' \(did you mean 'knn'\?\); there are: .*knn, "),
    ("models.knn.K", [1], r"models\.knn\.K: unknown key; allowed: n_neighbors, metric, weights"),
    ("models.knn.n_neighbors", 3, "models.knn.n_neighbors: expected a list, found 3; 'n_neighbors' is "),
    ("models.knn.n_neighbors", [0], "models.knn.n_neighbors: every number of neighbors must be at least 1"),
    ("models.knn.n_neighbors", [9999], r"models\.knn: every configuration needs 9999 training rows or more, .* fold of '\w+' has "),
    ("models.knn.metric", ["l3"], r"models\.knn\.metric\.0: expected 'manhattan', 'euclidean' or 'cosine', found 'l3'"),
    ("models.knn.k", [3], r"models\.knn\.k: this key was renamed to 'n_neighbors'; allowed: n_neighbors, metric, weights"),
    ("models.mlp.components", 3, r"models\.mlp\.components: this key was renamed to 'n_components'; allowed: "),
    ("models.mlp.hidden_layer_sizes", [[8, 0]], r"models\.mlp\.hidden_layer_sizes\.0\.1: expected at least 1, found 0"),
    ("models.mlp.optimizer", ["lbgs"], r"models\.mlp\.optimizer: no 'lbgs' under stages/optimizers/; there are: "),
    ("train.select", {"binary": "accuracy"}, r"train\.select: this key was renamed to 'scoring'; allowed: scoring, .*, keep"),
    ("train.combinations", {"emojy": []}, r"train\.combinations: no entry under datasets 'emojy' \(did you mean 'emoji'\?\)"),
    ("train.combinations", {"emoji": [["image", "txt"]]}, r"train\.combinations\.emoji: no modality 'txt' \(did you mean 'text'\?\)"),
    ("train.combinations", {"emoji": [["image", "image"]]}, r"combinations\.emoji: a modality occurs twice in \[image, image\]; keep one"),
    ("train.combinations", {"emoji": [["image", "text"], ["text", "image"]]}, r"emoji: \[text, image\] occurs twice, in this order or an"),
    ("train.combinations", {"emoji": [[]]}, r"train\.combinations\.emoji\.0: expected a list of at least 1"),
    ("train.combinations", {"emoji": "all"}, r"train\.combinations\.emoji: expected a list, found 'all'"),
    ("train.calibration", "platt", r"train\.calibration: expected 'none', 'temperature', 'sigmoid' or 'isotonic', found 'platt'"),
    ("evaluate.gallery", 51, r"evaluate\.gallery: expected at most 50, found 51"),
    ("split.folds", 5, r"split\.folds: this key was renamed to 'n_splits'; allowed: n_splits, n_repeats, n_inner_splits"),
    ("models.svm.C", [float("inf")], r"models\.svm\.C\.0: expected a finite number, found inf"),
    ("models.dummy", {}, r"models\.dummy: now the control 'constant'; remove this line, and put `constant: \{\}` under `controls:`"),
    ("fusions", {}, r"fusions: expected a mapping with at least one entry, found \{\}; `fusions: \{early: \{\}\}` is what holds without"),
    ("fusions.late", {}, r"fusions\.late: no file under stages/fusions/ for 'late' \(did you mean 'late_mean'\?\); there are: early, "),
    ("fusions.late_stacked.C", [], r"fusions\.late_stacked\.C: expected "),
    ("fusions.early_weighted.n_steps", 0, r"fusions\.early_weighted\.n_steps: expected at least 1, found 0"),
    ("fusions", {"early_weighted": {}}, r"fusions\.early_weighted: it starts from what is trained with equal weights; add `early: "),
    ("controls", None, "controls: expected a mapping with at least one entry, found None; add `controls: {constant: {}}`"),
    ("controls.constant", [], r"controls\.constant: expected a mapping with no keys, found \[\]"),
    ("controls.persistance", {}, r"controls\.persistance: no .*'persistance' \(did you mean 'persistence'\?\); there are: constant, "),
    ("learning_curves", ["linear"], r"learning_curves: expected a mapping of models, found \['linear'\]; `learning_curves: \{\}`"),
    ("learning_curves.lenear", {}, r"learning_curves: models has no entry 'lenear' \(did you mean 'linear'\?\); .*; add it there, or "),
    ("learning_curves.linear.n_halvings", 0, r"learning_curves\.linear\.n_halvings: expected at least 1, found 0; 'n_halvings' is how"),
    ("learning_curves.linear.datasets", ["emojy"], r"learning_curves\.linear\.datasets: no entry under datasets 'emojy' \(did you mean "),
    ("learning_curves.linear.datasets", [], r"linear\.datasets: expected a list of at least 1, found \[\]; .*; for none, leave the"),
    ("read_weights.knn", {}, r"read_weights: 'knn' is no linear model; expected one of linear, svm; remove it here"),
    ("read_weights.swm", {}, r"read_weights: models has no entry 'swm' \(did you mean 'svm'\?\); .*; add it there, or remove it here"),
    ("read_weights.svm.n_terms", 0, r"read_weights\.svm\.n_terms: expected at least 1, found 0; 'n_terms' is terms of sparse"),
    ("read_weights.svm.terms", 3, r"read_weights\.svm\.terms: unknown key .*; allowed: datasets, n_terms, n_shown"),
    ("read_weights.svm.datasets", ["emojy"], r"read_weights\.svm\.datasets: no entry under datasets 'emojy' \(did you mean 'emoji'"),
    ("read_weights", ["svm"], r"read_weights: expected a mapping of models, found \['svm'\]; `read_weights: \{\}` switches it off"),
    ("bias_variance.knn", {"parameter": "n_neighbors", "datasets": []}, r"knn\.datasets: expected a list of at least 1, found"),
    ("bias_variance.knn", {}, r"bias_variance\.knn\.parameter: missing; 'parameter' is parameter of the model whose values are compared"),
    ("bias_variance.knn", {"parameter": "neighbors"}, r"bias_variance\.knn\.parameter: knn has no 'neighbors' \(did you mean 'n_nei"),
    ("bias_variance.knn", {"parameter": "n_neighbors", "values": [0, 3]}, r"bias_variance\.knn\.values: every number of neighbors must "),
    ("representations.mlp", {"learners": ["linear"]}, r"representations\.mlp\.learners\.0: expected 'knn' or 'svm', found 'linear'"),
    ("representations.mlp", {"learners": []}, r"representations\.mlp\.learners: expected a list of at least 1, found \[\]"),
    ("representations.svm", {}, r"representations\.svm: svm has no representation; allowed: mlp, network"),
    ("representations.mpl", {}, r"representations: models has no entry 'mpl' \(did you mean 'mlp'\?\)"),
    ("conditions", ["knn"], r"conditions: expected a mapping with missing, corruptions, models, datasets, found \['knn'\]"),
    ("conditions", {"corruption": {}}, r"conditions\.corruption: unknown key \(did you mean 'corruptions'\?\); allowed: missing, corr"),
    ("conditions", {"knn": {"missing": [1]}},
     r"conditions\.knn: this key was renamed to 'models'; allowed: missing, corruptions, models, datasets"),
    ("conditions", {"corruptions": {"imgae": {}}},
     r"conditions\.corruptions\.imgae: no file under stages/modalities/ for 'imgae' \(did you mean "),
    ("conditions", {"corruptions": {"image": {"gaussian": None}}},
     r"corruptions\.image\.gaussian: no corruption of modality 'image' 'gaus"),
    ("conditions", {"corruptions": {"image": {"blur": [0.7]}}},
     r"image\.blur: strength of corruption 'blur' is 0\.7; expected 0 to 0\.5 "),
    ("conditions", {"corruptions": {"text": {"typos": []}}},
     r"text\.typos: no strength; list some above 0, or write null for its own: 0"),
    ("conditions", {"corruptions": {"text": {"typos": [0.2, 0.1]}}},
     r"text\.typos: expected strengths above 0 .*, found \[0\.2, 0\.1\]"),
    ("conditions", {"corruptions": {"text": {"typos": [0, 0.1]}}}, r"text\.typos: expected strengths above 0 .*, found \[0\.0, 0\.1\]"),
    ("conditions", {"corruptions": "every"}, r"conditions\.corruptions: expected .*'all'.*found 'every'"),
    ("conditions", {"missing": [0.5, 1.5]},
     r"conditions\.missing\.1: expected at most 1\.0, found 1\.5; 'missing' is probabilities of a"),
    ("conditions", {"missing": [0.5, 0.5]}, r"conditions\.missing: expected strengths above 0 .*, found \[0\.5, 0\.5\]"),
    ("conditions", {"datasets": ["emojy"]}, r"conditions\.datasets: no entry under datasets 'emojy' \(did you mean 'emoji'\?\)"),
    ("conditions", {"models": ["kn"]}, r"conditions\.models: no entry under models 'kn' \(did you mean 'knn'\?\)"),
    ("bias_variance.linear", {"parameter": "max_iter"}, r"bias_variance\.linear: 'max_iter' has 1 value\(s\) in the grid of models\.lin"),
]


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    """Return the repository's own parameters."""
    return read_params(ROOT / PARAMS)


def with_value(params: dict[str, Any], key: str | tuple[Any, ...], value: Any) -> dict[str, Any]:
    """Return a copy of `params` with another value (or none: REMOVED) under a key."""
    changed = copy.deepcopy(params)
    *parents, last = key.split(".") if isinstance(key, str) else key
    place: Any = changed
    for part in parents:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = copy.deepcopy(value)
    return changed


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside `value`, of a list of its first two items."""
    items = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    for part, inner in items:
        yield (*place, part)
        yield from places(inner, (*place, part))


def test_the_parameters_of_the_repository_are_right(right: dict[str, Any]) -> None:
    assert problems(right) == []


@pytest.mark.parametrize(("key", "value", "line"), MISTAKES, ids=[f"{key}={'-' if it is REMOVED else it}" for key, it, _ in MISTAKES])
def test_a_mistake_is_one_line(right: dict[str, Any], key: str, value: Any, line: str) -> None:
    found = problems(with_value(right, key, value))
    matching = [message for message in found if re.search(line, message)]
    assert len(matching) == 1, found
    assert matching[0].startswith("params.yaml: ")
    assert len(found) == 1 or key in ("datasets", "features.emoji-image.dataset"), found


@pytest.mark.parametrize(("kind", "name"), [("datasets", ".."), ("datasets", 1), ("datasets", "a/b"), ("features", 7), ("models", True)])
def test_what_cannot_be_a_name_is_told_once(right: dict[str, Any], kind: str, name: Any) -> None:
    found = problems({**right, kind: {**right[kind], name: {}}})
    assert len(found) == 1 and found[0].startswith(f"params.yaml: {kind}: {name!r} is not a valid name")


@pytest.mark.parametrize(("key", "value", "line"), [
    ("target.task", "classes", "target.task: expected 'binary', .* or 'regression', found 'classes'; 'task' is a file under stages/"),
    ("target.colum", "marks", r"target\.colum: unknown key \(did you mean 'column'\?\); allowed: column, columns, task, separator, empty"),
    ("modalities.facts.modalty", "x", r"facts\.modalty: unknown key \(did you mean 'modality'\?\); allowed: modality, column, columns"),
    ("modalities", ["facts"], "own data needs `target: {column: …, task: …}` and `modalities: {name: "),
    ("source", REMOVED, "datasets.marks: no file under .* 'marks'.*; own data needs `source:`"),
])  # fmt: skip
def test_a_mistake_in_own_data_is_one_line_about_the_inmost_key(right: dict[str, Any], key: str, value: Any, line: str) -> None:
    own = {**right, "datasets": {"marks": toy_own.DATASETS["marks"]},
           "features": {name: entry for name, entry in toy_own.FEATURES.items() if name.startswith("marks-")}}
    found = problems(with_value(own, f"datasets.marks.{key}", value))
    assert len(found) == 1 and re.search(line, found[0]), found


def test_what_only_dvc_cannot_read_is_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In braces, libyaml takes the colon of an address for the end of a key; DVC reads with it."""
    monkeypatch.chdir(tmp_path)
    for text, refused in (("{tracking_uri: sqlite:///mlflow.db}", True), ("{tracking_uri: 'sqlite:///mlflow.db'}", False),
                          ("\n  tracking_uri: sqlite:///mlflow.db", False)):
        PARAMS.write_text(f"seed: 1\npublish: {text}\n", encoding="utf-8")
        assert read_params()["publish"] == {"tracking_uri": "sqlite:///mlflow.db"}
        if not refused:
            assert load_yaml(PARAMS.as_posix()) == read_params()
            refuse_unreadable_by_dvc(PARAMS)
            continue
        with pytest.raises(YAMLFileCorruptedError):
            load_yaml(PARAMS.as_posix())
        with pytest.raises(InputError, match=r"^params\.yaml: line 2: DVC cannot read it: found unexpected ':'; put text with a colon"):
            checked_params()


@pytest.mark.parametrize(("name", "shown"), [("true", "True"), ("1", "1")])
def test_a_data_set_whose_name_is_no_text_is_refused_by_whatever_reads_it(
    name: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    PARAMS.write_text(f"datasets: {{{name}: {{rows: all}}}}\n", encoding="utf-8")
    for read in (report, lambda: data_set_names(read_plain())):
        with pytest.raises(InputError, match=rf"^params\.yaml: datasets: the name {shown} is not text; put it in quotes, a letter first$"):
            read()
    PARAMS.write_text("datasets: []\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^params\.yaml: datasets: expected a mapping of data sets, found \[\]$"):
        report()


def test_several_mistakes_are_told_at_once(right: dict[str, Any]) -> None:
    found = problems(with_value(with_value(right, "split.n_splits", 0), "models.knn.n_neighbors", []))
    assert len(found) == 2


def test_no_value_anywhere_brings_a_traceback(right: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the data sets one that is packaged and one of a person's own: all others have the same keys."""
    datasets = {"emoji": right["datasets"]["emoji"], "marks": toy_own.DATASETS["marks"]}
    features = {key: value for key, value in {**right["features"], **toy_own.FEATURES}.items() if key.startswith(("emoji-", "marks-"))}
    small = {**right, "datasets": datasets, "features": features}
    assert problems(small) == []
    # the folders of components, read a hundred thousand times, do not change meanwhile
    for module in (registry, known_components, check_data_sets, check_models):
        monkeypatch.setattr(module, "names", cache(registry.names))
    for place in places(small):
        for junk in JUNK:
            for line in problems(with_value(small, place, junk)):
                assert line.startswith("params.yaml: "), (place, junk, line)
                assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("seed: 1\nseed: 2\n", "params.yaml: line 2: .*duplicate key \"seed\".*; keep one"),
        ("models: {knn: {k: [1], k: [2]}}\n", "params.yaml: line 1: .*duplicate key \"k\""),
        ("seed: [1, 2\nmodels: 3\n", "params.yaml: line 2: not valid YAML: "),
        ("a:\n\t- 1\n", "params.yaml: line 2: not valid YAML: .*"),
        ("a:\n  b: 1\n\tc: 2\n", "params.yaml: line 3: not valid YAML: .*; indent with blanks, not with tabs"),
        ("seed: 1\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> b\n", r"params.yaml: line 2: a merge conflict \('<<<<<<< HEAD'\); keep one"),
        ("datasets: {d: {\n", "params.yaml: line 2: not valid YAML: .*; a bracket or quote is left open"),
        ("datasets: &a {d: *a}\n", r"params\.yaml: datasets\.d: contains itself, by an alias"),
        ("seed: &a [[*a]]\n", r"params\.yaml: seed\.0\.0: contains itself"),
        ("datasets: {d: {types: {2024-01-01: date}}}\n", r"params\.yaml: datasets\.d\.types: the key .*2024, 1, 1.* is not text; put it"),
        ("? [a, b]\n: 1\n", r"params\.yaml: top level: the key \('a', 'b'\) is not text"),
        ("- seed\n", "params.yaml: expected a mapping of sections .*, found list"),
        ("", "params.yaml: expected a mapping of sections .*, found nothing"),
    ],
)
def test_what_is_no_params_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=line) as caught:
        read_params()
    assert len(str(caught.value).splitlines()) == 1


def test_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_bytes(b"seed: \xff\n")
    with pytest.raises(InputError, match=r"params\.yaml: not UTF-8: byte 6 is 0xff; save the file as UTF-8"):
        read_params()


def test_no_params_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"params\.yaml: not found .*; run from the repository's root"):
        read_params()


def test_numbers_are_read_as_dvc_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("rate: 1e-4\nword: no\nten: 010\n", encoding="utf-8")
    assert read_params(path) == {"rate": 1e-4, "word": "no", "ten": 10}


def test_a_stage_reads_its_own_keys_from_a_file_that_holds_no_others() -> None:
    params = {"split": {"n_splits": 3}}
    assert section(params, "split", SplitEntry) == SplitEntry(n_splits=3, n_repeats=1, n_inner_splits=3)
    with pytest.raises(InputError, match=r"top level: 'spilt' is missing \(did you mean 'split'\?\)"):
        value_at(params, "spilt")
    with pytest.raises(InputError, match=r"split\.n_splits: expected a mapping with key 'x', found 3"):
        value_at(params, "split.n_splits.x")


def test_an_empty_section_takes_the_defaults() -> None:
    assert parse(None, "split", SplitEntry) == SplitEntry()
    with pytest.raises(InputError, match=r"split: expected a mapping with n_splits, n_repeats, n_inner_splits, datasets, found 0"):
        parse(0, "split", SplitEntry)


def run_check(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.check", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_writes_a_constant_per_data_set(workspace: Path) -> None:
    assert run_check(workspace).returncode == 0
    before = (workspace / "data/check/emoji.json").read_bytes()
    text = (workspace / "params.yaml").read_text(encoding="utf-8")
    (workspace / "params.yaml").write_text(text.replace("n_splits: 5", "n_splits: 4"), encoding="utf-8")
    assert run_check(workspace).returncode == 0
    assert (workspace / "data/check/emoji.json").read_bytes() == before


def test_the_command_tells_every_mistake_and_exits_1(workspace: Path) -> None:
    text = (workspace / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("n_splits: 5", "n_splits: 0").replace("target: digit", "target: didgit")
    (workspace / "params.yaml").write_text(text, encoding="utf-8")
    done = run_check(workspace)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "2 mistake(s) in params.yaml" in done.stderr
    assert "params.yaml: split.n_splits: expected at least 2, found 0" in done.stderr
    assert "params.yaml: datasets.av_digits.target: no target 'didgit' (did you mean 'digit'?); there are: digit" in done.stderr


def test_the_command_explains_every_key(workspace: Path) -> None:
    text = run_check(workspace, "--help").stdout
    for key in ("datasets.<name>", "split: n_splits", "flow: cron", "models.knn: n_neighbors, metric",
                "features.<data set>-<modality name> (modality: text)"):
        assert key in text


def test_checking_needs_no_heavy_import() -> None:
    script = "import sys, stages.checking.check_params as c; c.problems(c.read_params()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    heavy = {"torch", "sklearn", "scipy.signal", "pandas", "matplotlib", "great_expectations", "mlflow", "prefect", "dvc"}
    assert heavy & set(done.stdout.split()) == set()


def test_of_more_than_six_modalities_the_combinations_must_be_named() -> None:
    """Single ones may be among them, and change nothing."""
    seven = {"datasets": {"many": {"modalities": list("abcdefg")}, "few": {"modalities": list("abcdef")}}}
    message = (r"^params\.yaml: datasets\.many\.modalities: 7 modalities have 127 combinations, too many to train all; name those to "
               r"train: `train: \{combinations: \{many: \[\[a, b\], \[a, b, c, d, e, f, g\]\]\}\}` "
               r"\(each modality alone is always trained\)$")  # fmt: skip
    with pytest.raises(InputError, match=message):
        check_combinations(seven | {"train": {}})
    check_combinations(seven | {"train": {"combinations": {"many": [["a"], ["g", "a"]]}}})
    check_combinations(seven | {"train": {"combinations": {"many": []}}})


def has_numbers(annotation: Any) -> bool:
    """Return whether a setting is a number, or holds some."""
    return annotation in (int, float) or any(has_numbers(part) for part in get_args(annotation) if not isinstance(part, str | int | float))


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in registry.KINDS for name in registry.names(kind)])
def test_no_setting_of_a_component_is_below_0_or_undefined(kind: str, name: str) -> None:
    """Bounds belong to the declaration of a setting, so that check refuses what a stage could not use."""
    settings = getattr(registry.component(kind, name), "settings", None)
    for field, info in getattr(settings, "model_fields", {}).items():
        if has_numbers(info.annotation):
            for value in (-1, -0.5, math.nan, math.inf):
                for given in (value, [value], [1, value]):
                    with pytest.raises(ValidationError):
                        settings(**{field: given})
