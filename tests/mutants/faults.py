"""Small faults, each of which some test must find. `make mutants` seeds them one at a time (tests/mutants/__main__.py).

`text` occurs exactly once in `file` (tests/test_mutants.py); short texts outlive edits around them. `tests` are pytest's arguments: files,
or tests in a file that takes long. A fault without observable effect does not belong here.
"""

from dataclasses import dataclass

STATISTICS, COMPARISONS = "stages/evaluation/statistics.py", "stages/evaluation/comparisons.py"
ASSIGN, SPLIT, CHOICE = "stages/splitting/assign_folds.py", "stages/split.py", "stages/model_selection/choice.py"
LEASE, FETCH, INSIDE = "stages/foundation/lease.py", "stages/ingestion/fetch.py", "stages/own_data/paths_inside.py"
CHECKED, SAMPLING = "stages/evaluation/checked_predictions.py", "stages/ingestion/row_sampling.py"
VOTES, TOPK = "stages/models/knn/compiled_votes.py", "stages/models/knn/topk.py"
READY, LOCK_ENTRIES = "pipelines/running/ready_steps.py", "pipelines/publishing/lock_entries.py"


def some_of(module: str, words: str) -> tuple[str, ...]:
    """Return the arguments that select a module's tests by words in their names: all of it would take long."""
    return f"tests/test_{module}.py", "-k", words


OF_STATISTICS, OF_SPLIT, OF_COMPARISONS = ("tests/test_statistics.py",), ("tests/test_split.py",), ("tests/test_comparisons.py",)
OF_METRICS, OF_READY, OF_RECORDS = ("tests/test_metrics.py",), ("tests/test_ready_steps.py",), ("tests/test_records.py",)
OF_INGEST, OF_SHARES, OF_INSIDE = ("tests/test_ingest.py",), ("tests/test_bad_shares.py",), ("tests/test_paths_inside.py",)
OF_PROTOCOL, OF_TABLES, OF_STALE = ("tests/test_protocol.py",), ("tests/test_tables.py",), ("tests/test_leftovers.py",)
OF_FOLDS = ("tests/test_own_folds.py",)
OF_LOCK_FILE, OF_TASKS, OF_FUSION = ("tests/test_lock_file.py",), ("tests/test_tasks.py",), ("tests/test_fusion.py",)


@dataclass(frozen=True)
class Mutant:
    """A fault. what: how the product would misbehave."""

    name: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]
    what: str

    def seeded(self, source: str) -> str:
        """Return the source with the fault."""
        return source.replace(self.text, self.replacement)


MUTANTS = (
    # ---------------------------------------------------------------- intervals and tests
    Mutant("overlap ignored", STATISTICS, "(1 / values.size + test_per_train)", "(1 / values.size)", OF_STATISTICS,
           "the plain t-interval, too narrow for folds that share training rows"),
    Mutant("variance of a population", STATISTICS, "values.var(ddof=1)", "values.var()", OF_STATISTICS, "too small a variance"),
    Mutant("one degree of freedom more", STATISTICS, "half = float(stdtrit(defined.size - 1,", "half = float(stdtrit(defined.size,",
           OF_STATISTICS, "intervals of means too narrow"),
    Mutant("one-sided interval", STATISTICS, "(1 + confidence) / 2)) * _standard_error(", "confidence)) * _standard_error(",
           OF_STATISTICS, "95 % is in fact 90 %"),
    Mutant("one-sided test", STATISTICS, "p = float(2 * stdtr(", "p = float(stdtr(", OF_STATISTICS, "p is half of what it should be"),
    Mutant("two folds suffice", STATISTICS, "FEWEST_FOLDS = 3", "FEWEST_FOLDS = 2", OF_STATISTICS, "claims from two folds"),
    Mutant("Bonferroni", STATISTICS, "(len(order) - rank) * p[i]", "len(order) * p[i]", OF_STATISTICS, "too strict for all but the first"),
    Mutant("undefined tests count", STATISTICS, "(len(order) - rank)", "(len(p) - rank)", OF_STATISTICS, "NaN counts as a test"),
    Mutant("corrected p fall", STATISTICS, "max(largest, min(1.0, (len(order) - rank) * p[i]))", "min(1.0, (len(order) - rank) * p[i])",
           OF_STATISTICS, "a larger p is corrected to a smaller one"),
    Mutant("certain difference", STATISTICS, "2 * (tail + 1) / (defined.size + 1)", "2 * tail / defined.size", OF_STATISTICS, "p of 0"),
    Mutant("larger tail", STATISTICS, "tail = min(", "tail = max(", OF_STATISTICS, "every bootstrapped difference looks like chance"),
    Mutant("draws without replacement", STATISTICS, "generator.integers(0, names.size, names.size)", "generator.permutation(names.size)",
           OF_STATISTICS, "bootstrap draws that do not vary"),
    Mutant("narrow percentiles", STATISTICS, "[(1 - confidence) / 2, (1 + confidence) / 2]", "[1 - confidence, confidence]",
           OF_STATISTICS, "a bootstrapped interval of 95 % is in fact one of 90 %"),
    Mutant("sizes of folds swapped", CHECKED, "fold.rows.size / fold.n_train", "fold.n_train / fold.rows.size",
           OF_COMPARISONS, "the correction for overlap is that of other folds"),
    # ---------------------------------------------------------------- comparisons, choice of the best
    Mutant("more is always better", "stages/evaluation/scores.py", "return value if metric.greater_is_better else -value", "return value",
           OF_COMPARISONS, "the largest error leads the leaderboard"),
    Mutant("one group too few", "stages/evaluation/scores.py", "< FEWEST_GROUPS", "<= FEWEST_GROUPS", OF_COMPARISONS,
           "no interval where the documented number of groups is there"),
    Mutant("worst of a learner", COMPARISONS, "return max(candidates", "return min(candidates", OF_COMPARISONS, "losers are compared"),
    Mutant("fusion against pairs", COMPARISONS, "if len(b.modalities) == 1]", "if len(b.modalities) < largest]", OF_COMPARISONS,
           "of three modalities the fusion family holds undeclared tests"),
    Mutant("parts of a fusion as the whole", COMPARISONS, "== largest > 1", "> 1", OF_COMPARISONS,
           "combinations of some modalities are tested as all of them"),
    Mutant("first learner expected better", COMPARISONS, "a = best_of(scores, pair, metric)", "a = pair[0]", OF_COMPARISONS,
           "a difference between learners is given from the wrong side"),
    Mutant("uncorrected verdict", COMPARISONS, "verdict(gain, corrected,", "verdict(gain, difference.p,",
           OF_COMPARISONS, "verdicts without correction for the number of tests"),
    Mutant("level turned round", COMPARISONS, "corrected < 1 - confidence", "corrected < confidence", OF_COMPARISONS,
           "nearly every difference is called shown"),
    Mutant("baselines learn", COMPARISONS, "if model not in self.baselines]", "]", OF_COMPARISONS, "baselines enter the learners' family"),
    Mutant("fusion against the worst", "stages/evaluation/summary.py", "max(fused) - max(single)", "max(fused) - min(single)",
           OF_COMPARISONS, "the gain of fusion is overstated"),
    Mutant("one score for all models", "stages/evaluation/summary.py", "evaluation.best_of([model])",
           "evaluation.best_of(evaluation.models)", OF_COMPARISONS, "summary.json has another model's score"),
    Mutant("rows in their own order", CHECKED, 'np.argsort(row[here], kind="stable")', "np.arange(here.size)",
           some_of("evaluate", "another_order"), "predictions in another order are laid next to the wrong targets"),
    Mutant("targets are believed", CHECKED, "_check_targets(of_fold.target, splits.targets[test.rows]",
           "_check_targets(of_fold.target, of_fold.target", some_of("checked_predictions", "do_not_fit"), "a stage may change the truth"),
    Mutant("confusion transposed", "stages/evaluation/details.py", "fold.target.astype(np.int64) * n_classes + fold.prediction",
           "fold.prediction.astype(np.int64) * n_classes + fold.target", some_of("evaluate", "scores_are_those"),
           "rows and columns of the confusion are swapped"),
    Mutant("best of an error", "stages/evaluation/inner_scores.py", "max if greater_is_better else min", "max",
           some_of("evaluate", "does_not_apply"), "tuning curves show the worst error"),
    # ---------------------------------------------------------------- splits
    Mutant("rows as groups", ASSIGN, "np.unique(groups, return_inverse=True)", "np.unique(np.arange(len(groups)), return_inverse=True)",
           OF_SPLIT, "a group is split over training and test rows"),
    Mutant("test rows among inner folds", ASSIGN, "np.full(len(strata), -1, np.int16)", "np.full(len(strata), 0, np.int16)", OF_SPLIT,
           "outer test rows are trained on"),
    Mutant("same repeats", SPLIT, 'derived_seed(seed, "outer", str(repeat))', 'derived_seed(seed, "outer")', OF_SPLIT,
           "repeats of cross-validation repeat the same folds"),
    Mutant("official parts swapped", SPLIT, 'np.where(values == "test", 0, -1)', 'np.where(values == "train", 0, -1)', OF_SPLIT,
           "training rows are tested on"),
    Mutant("inner sets unlooked at", SPLIT, "train & (inner != fold)", "train", OF_SPLIT, "an inner training set may lack a class"),
    Mutant("inner fold left out", "stages/model_selection/folds.py", "inner[repeat, :, index] >= 0",
           "inner[repeat, :, index] > 0", OF_SPLIT,
           "a part of the training rows is never trained on"),
    Mutant("test rows swapped", "stages/model_selection/folds.py", "fold[repeat] == index", "fold[repeat] != index", OF_SPLIT,
           "training rows are tested on"),
    Mutant("quarters by row", "stages/model_selection/target_forms.py", "np.quantile(values[known], [0.25, 0.5, 0.75])",
           "np.quantile(values[known], [0.0, 0.0, 0.0])", OF_SPLIT, "folds of regression are not stratified"),
    Mutant("torn groups pass", "stages/splitting/own_folds.py", "first != last", "first > last", OF_FOLDS,
           "a group is in two of the folds that a data set gives"),
    Mutant("folds as text", "stages/splitting/own_folds.py", "int(number or 0)", "number", OF_FOLDS, "fold10 goes before fold2"),
    Mutant("one data set's folds", "stages/splitting/split_settings.py", "self.datasets.get(dataset)", "None", OF_FOLDS,
           "a data set's own numbers of folds are ignored"),
    Mutant("own groups collide", "stages/own_data/sample_index.py", 'f"{NO_GROUP}{name}"', "name", ("tests/test_obstacles.py",),
           "a sample without a group joins a group of its name"),
    Mutant("left out after all", "stages/own_data/sample_index.py", "np.flatnonzero(~mapped.left_out)", "np.arange(len(table))",
           ("tests/test_class_mapping.py",), "samples that a mapping leaves out count as samples without a target"),
    Mutant("cut through a group", "stages/splitting/time_blocks.py", "opened[:-1] == 0", "opened[:-1] >= 0",
           some_of("time_order", "rows_of_one_time"), "a group is on both sides of a cut in time"),
    Mutant("sample of the future", "stages/model_selection/tuning_sample.py", "[replace(problem, folds=(fold,)) for fold in problem.folds]",
           "[problem]", some_of("time_order", "sample_on_which"), "later rows decide on which rows configurations are compared"),
    Mutant("thresholds of all rows", "stages/model_selection/thresholds.py", "not validated.all()", "False", OF_PROTOCOL,
           "labels' thresholds are fitted to rows without a prediction"),
    Mutant("future passes", "stages/validation/suites.py", "trained & (times >=", "trained & (times <",
           some_of("time_order", "row_of_the_future"), "validation accepts training on the future"),
    Mutant("corrected in time", CHECKED, "if self.times is not None:\n            return 0.0", "if False:\n            return 0.0",
           some_of("time_order", "plain_t"), "intervals in time order have a correction that is not derived for them"),
    Mutant("latest rows left out", "stages/contracts/problem.py", "[fold.test for fold in self.folds] if self.time_ordered else []", "[]",
           some_of("models", "latest_block and knn"), "the final model in time order is not trained on the latest rows"),
    # ---------------------------------------------------------------- shares of bad samples, rows that are used
    Mutant("split: share exclusive", SPLIT, "n_skipped / n_used > allowed", "n_skipped / n_used >= allowed", OF_SHARES,
           "exactly the declared share is refused"),
    Mutant("reading: share exclusive", "stages/samples/read.py", "share > policy.max_bad_share", "share >= policy.max_bad_share",
           OF_SHARES, "exactly the declared share is refused"),
    Mutant("validation: share exclusive", "stages/validation/suites.py", "nearest / n_samples <= max_share",
           "nearest / n_samples < max_share", OF_SHARES, "exactly the declared share fails validation"),
    Mutant("validation: share rounded down", "stages/validation/suites.py", "round(max_share * n_samples)",
           "int(max_share * n_samples)", OF_SHARES, "29 of 100 fail validation though 0.29 is declared"),
    Mutant("bad samples pass", "stages/samples/read.py", 'policy.on_bad_sample == "fail"', "False",
           some_of("bad_input", "fails_with_its_name and empty"), "samples are left out though nobody declared it"),
    Mutant("a class of one", SAMPLING, "quotas.min() < 2", "quotas.min() < 1", OF_INGEST, "a class is left with one sample"),
    Mutant("missing rounded down", SAMPLING, "-(-len(names) * n_sampled // n_whole)", "len(names) * n_sampled // n_whole",
           OF_SPLIT, "samples without a target vanish from small samples"),
    Mutant("largest remainders reversed", SAMPLING, "np.argsort(quotas - exact", "np.argsort(exact - quotas", OF_INGEST,
           "classes are sampled out of proportion"),
    Mutant("sign of a seed", "stages/foundation/seeds.py", "int(seed < 0)", "0", OF_INGEST, "seeds 1 and -1 give the same numbers"),
    Mutant("only the first row", "stages/targets/output_names.py", "if count < 2", "if count < 1", OF_TASKS,
           "a class of one sample is accepted"),
    # ---------------------------------------------------------------- choice of a configuration, thresholds
    Mutant("errors are maximised", CHOICE, "sign = 1 if greater_is_better else -1", "sign = 1", some_of("sweeps", "any_unit"),
           "the worst configuration is used"),
    Mutant("undefined is best", CHOICE, "np.where(np.isnan(means), -np.inf", "np.where(np.isnan(means), np.inf",
           some_of("sweeps", "any_unit"), "a configuration without a score is chosen"),
    Mutant("scale from test rows", CHOICE, "scorer(metric, target)", "scorer(metric, problem.target)",
           some_of("sweeps", "targets_of_test_rows"), "outer test rows take part in the choice"),
    Mutant("largest of equals", "stages/model_selection/protocol.py", "for result in found), key=len)",
           "for result in found), key=lambda some: -len(some))", OF_PROTOCOL, "modalities that add nothing are kept"),
    Mutant("lowest of equals", "stages/model_selection/thresholds.py", "np.abs(THRESHOLDS - 0.5)", "np.abs(THRESHOLDS)",
           some_of("sweeps", "thresholds_are_the_best"), "of equal thresholds not the one nearest to one half"),
    Mutant("thresholds by accuracy", "stages/model_selection/thresholds.py", 'by_f1="f1" in problem.scoring', "by_f1=False", OF_PROTOCOL,
           "labels' thresholds serve another metric than the one that chooses"),
    Mutant("threshold exclusive", "stages/model_selection/target_forms.py", "(decisions >= thresholds)", "(decisions > thresholds)",
           OF_PROTOCOL, "predicted labels differ from those that the threshold was chosen by"),
    Mutant("unknown targets are 0", "stages/model_selection/target_forms.py", "np.maximum(known.sum(axis=0), 1)", "len(target)",
           OF_PROTOCOL, "means of targets of which some are unknown"),
    # ---------------------------------------------------------------- fusion
    Mutant("products unscaled", "stages/features/early_fusion.py", "self.squared_scales[name] * self.encoded[name].products",
           "self.encoded[name].products", OF_FUSION,
           "the modality with the largest numbers outweighs the others"),
    Mutant("scales of the other metric", "stages/features/early_fusion.py", 'self.manhattan_scales if metric == "manhattan"',
           'self.manhattan_scales if metric != "manhattan"', OF_FUSION, "blocks are weighted for another distance"),
    Mutant("pairs with themselves", "stages/features/scales.py", "n * (n - 1) / 2", "n * n / 2", some_of("neighbours", "closed_form"),
           "mean distances too small"),
    Mutant("scales from test rows", "stages/features/feature_blocks.py", "mean_squared_distance)(self.matrix, rows)",
           "mean_squared_distance)(self.matrix, np.arange(self.matrix.shape[0]))", some_of("models", "test_rows_change_nothing and knn"),
           "test rows weigh the modalities"),
    Mutant("weights from test rows", "stages/features/encoders.py", "self._counts(terms)[rows]", "self._counts(terms)",
           ("tests/test_encoders.py",), "test rows weigh the terms"),
    Mutant("no fusion of all", "stages/training/read_problem.py", "range(1, len(modalities) + 1)", "range(1, len(modalities))",
           OF_PROTOCOL, "all modalities together are never trained on"),
    # ---------------------------------------------------------------- neighbors
    Mutant("share upside down", VOTES, "to[code] = (to[code] * n + counts[code] * share) / n",
           "to[code] = (to[code] * share + counts[code] * n) / share", some_of("neighbours", "tied_at_k"),
           "rows tied at k have the more votes the more they are"),
    Mutant("fewer tied than there are", VOTES, "n = stop - start + (n_tied[s, r] if stop == n_kept else 0)\n                weight",
           "n = stop - start\n                weight", some_of("neighbours", "plain_loop and binary"),
           "rows that are tied and cut off make the others' votes no smaller"),
    Mutant("ties are cut off", TOPK, "elif distances[i] == limit:", "elif distances[i] < limit:",
           some_of("neighbours", "nearest_of_a_chunk"), "rows tied with the last neighbor have no vote"),
    Mutant("complete for every fold", TOPK, "max(ratio, others[b] / factors[b])", "max(ratio, factors[b] / others[b])",
           some_of("neighbours", "gathered_for_one_fold"), "neighbors are missed in a fold of other scales"),
    # ---------------------------------------------------------------- metrics
    Mutant("outputs without an area", "stages/metrics/roc_auc.py", "holds.any(axis=0) & ~holds.all(axis=0)", "holds.any(axis=0)",
           OF_METRICS, "a class or label that all rows have makes ROC-AUC undefined"),
    Mutant("nothing to find is wrong", "stages/metrics/macro_f1.py", "return 1.0 if np.isnan(value)", "return 0.0 if np.isnan(value)",
           OF_METRICS, "a fold without a mistake scores 0"),
    Mutant("variance of the fold", "stages/metrics/q2.py", "score=partial(q2, variance=variance)", "score=q2", OF_METRICS,
           "Q² divides by each fold's own variance"),
    Mutant("absent classes count", "stages/scoring/stacked_scores.py", "np.maximum(true, 1), true > 0)", "np.maximum(true, 1), true >= 0)",
           OF_METRICS, "the choice is by another balanced accuracy"),
    Mutant("lower is better, or not", "stages/scoring/stacked_scores.py", '{"hamming_loss", "mae", "rmse"}', '{"hamming_loss", "mae"}',
           OF_METRICS, "configurations are chosen by the largest error"),
    Mutant("ties count as wrong", "stages/evaluation/bootstrap_scores.py", 'np.searchsorted(ranked, ranked, "right")]',
           'np.searchsorted(ranked, ranked, "left")]', OF_METRICS, "ROC-AUC of draws with equal scores"),
    # ---------------------------------------------------------------- publishing
    Mutant("parameters no part of a run", LOCK_ENTRIES, '"params": entry.get("params", {}), **hashes', "**hashes", OF_RECORDS,
           "a run of other parameters is taken for one that is published"),
    Mutant("failed validation is current", LOCK_ENTRIES, "and not read_document(validation, Validation).success", "and False", OF_RECORDS,
           "results of data that do not hold stay current"),
    Mutant("stale results are current", LOCK_ENTRIES, 'item.get("md5")) != item.get("md5")', 'item.get("md5")) is None', OF_RECORDS,
           "results of other data stay current"),
    Mutant("changed files are published", LOCK_ENTRIES, 'md5_of(path) != item["md5"]', "False", OF_RECORDS, "what DVC does not know"),
    Mutant("folds of NaN shift", "pipelines/publishing/metric_values.py", "enumerate(score.folds)", "enumerate(score.folds, start=1)",
           OF_RECORDS, "scores stand under another fold"),
    Mutant("undefined is logged", "pipelines/publishing/metric_values.py", "if value is not None]\n    return", "]\n    return", OF_RECORDS,
           "MLflow is given no number"),
    Mutant("password up to the first @", "pipelines/publishing/tracking.py", r"(?:(?!://)\S)*|", r"[^@\s]*|",
           OF_RECORDS, "a part of a password is shown"),
    # ---------------------------------------------------------------- one run at a time, order of stages, progress
    Mutant("pid used again", LEASE, "abs(process.create_time() - lease.started) < CLOCK_SLACK_S", "True", some_of("lock", "stale"),
           "another process of the same pid holds the workspace"),
    Mutant("lets go early", LEASE, "if is_new and holder == me:", "if holder == me:", some_of("lock", "share_its_lease"),
           "a nested run ends the lease"),
    Mutant("nobody is refused", LEASE, "raise InputError(refusal(lease))", "pass", some_of("lock", "another_process"),
           "two runs write at once"),
    Mutant("skipped blocks nothing", READY, "if not result.is_ok:", 'if result.status == "failed":', OF_READY,
           "below a skipped stage its own followers run"),
    Mutant("wrong root", READY, 'return result.reason if result.status == "skipped" else', "return", OF_READY,
           "a skipped stage names another skipped one as the cause"),
    Mutant("one stage too many", READY, "if n_running == n_at_once:", "if n_running == n_at_once + 1:", OF_READY,
           "more stages at once than workers"),
    Mutant("share is not read again", "stages/foundation/parallel.py", ">= cores_now()", ">= n_cores()", ("tests/test_parallel.py",),
           "a stage uses the cores of the stages beside it"),
    Mutant("rare classes left out", "stages/model_selection/tuning_sample.py", "min(len(own), FEWEST)", "0",
           ("tests/test_tuning_sample.py",), "no configuration is compared on a rare class"),
    Mutant("up to date after a change", "pipelines/running/dvc_graph.py", "all(name in found for name in step.upstream)", "True",
           some_of("executor", "up_to_date"), "what follows a changed stage is not run"),
    Mutant("low chains first", "pipelines/running/dvc_graph.py", "key=lambda step: -height", "key=lambda step: height",
           OF_READY, "a stage starts before what it reads is there"),
    Mutant("entries of stages that are gone", "pipelines/running/dvc_lock.py", "names += sorted(set(blocks) - set(names))", "",
           OF_LOCK_FILE, "dvc.lock loses what `git checkout` would bring back"),
    Mutant("old entries win", "pipelines/running/dvc_lock.py", "_replace(path, existing | found)", "_replace(path, found | existing)",
           OF_LOCK_FILE, "dvc.lock keeps the entry of the run before"),
    Mutant("no last line", "stages/foundation/progress.py", "if n_done >= self.total or", "if n_done > self.total or",
           ("tests/test_progress.py",), "a log never says that a stage is done"),
    # ---------------------------------------------------------------- files: fetched, inside a folder, written
    Mutant("cache believed", FETCH, "if _digest(path) == source.sha256:", "if path.is_file():",
           some_of("fetch", "damaged_cached_file_is_replaced"), "a damaged file is used"),
    Mutant("download believed", FETCH, "if digest != source.sha256:", "if digest is None:", some_of("fetch", "another_source_distribution"),
           "another file is kept"),
    Mutant("leftovers of a download", FETCH, "shutil.rmtree(temporary, ignore_errors=True)  # left", "pass  # left",
           some_of("fetch", "killed_fetch"), "after a killed download the next one fails"),
    Mutant("links lead outside", INSIDE, "if not real.is_relative_to(top) and", "if False and", OF_INSIDE, "a sample reads any file"),
    Mutant("up in the middle", INSIDE, 'if ".." in name.split("/"):', 'if name.startswith(".."):', OF_INSIDE,
           "a path leaves and comes back"),
    Mutant("a byte too large", INSIDE, "status.st_size > MAX_FILE_BYTES", "status.st_size >= MAX_FILE_BYTES", OF_INSIDE,
           "a file of exactly the limit is refused"),
    Mutant("hidden files are samples", INSIDE, 'return name.startswith(".") or', "return", OF_INSIDE, "a folder's own notes are samples"),
    Mutant("unsorted", INSIDE, "return sorted(names)", "return names[::-1]", OF_INSIDE, "the order of samples is the disk's"),
    Mutant("JSON without order", "stages/foundation/tables.py", "json.dumps(value, sort_keys=True", "json.dumps(value, sort_keys=False",
           OF_TABLES, "equal values are other bytes"),
    Mutant("half a file", "stages/foundation/tables.py", "temporary.unlink(missing_ok=True)", "pass", OF_TABLES,
           "a failed write leaves a file"),
    Mutant("outside of data", "stages/checking/stale_outputs.py", "DATA not in path.parents", "False", OF_STALE,
           "cleaning up deletes files of a person"),
    Mutant("still needed", "stages/checking/stale_outputs.py", "if path in kept or", "if", OF_STALE, "a current output is deleted"),
    Mutant("as many rows as asked for", "stages/training/limits.py", "model.min_samples(config) <= smallest",
           "model.min_samples(config) < smallest", some_of("models", "need_more_rows"), "a configuration that fits is skipped"),
    # ---------------------------------------------------------------- own data: several files, workbooks, nodes of a graph
    Mutant("order of files", "stages/samples/pooling.py", "np.sort(np.nan_to_num(files, nan=0.0, posinf=np.inf, neginf=-np.inf), axis=0)",
           "np.nan_to_num(files, nan=0.0, posinf=np.inf, neginf=-np.inf)", some_of("several_files", "changes_no_bit"),
           "features depend on the order in which files are named"),
    Mutant("a file of two samples", "stages/own_data/wildcard_files.py", "if owner.setdefault(name, shown) != shown:", "if False:",
           some_of("several_files", "fits_two_samples"), "one file is in a training sample and in a test sample"),
    Mutant("marks are guessed", "stages/own_data/workbook.py", " or column.null_count > texts.column(i).null_count", "",
           some_of("workbook", "mark"), "texts among numbers are missing without a word"),
    Mutant("rounded numbers", "stages/own_data/workbook.py", "cells[row] = repr(number)", "pass", some_of("workbook", "digits or in_full"),
           "numbers in a column of mixed cells lose digits"),
    Mutant("one hop", "stages/own_data/node_graph.py", "for _ in range(hops):", "for _ in range(1):", some_of("node_graph", "networkx"),
           "the graph around a node is smaller than declared"),
    # ---------------------------------------------------------------- what others see
    Mutant("a server's own store", "pipelines/publishing/tracking.py", 'for location, dataset in rows if location.startswith("/")]',
           "for location, dataset in rows]", some_of("copied_workspace", "servers_own_store"),
           "a copied database loses artifacts"),
    Mutant("codes in the report", "stages/reporting/report_page.py", "return plain(page.render(", "return str(page.render(",
           some_of("plain_output", "pages_hold"), "a class name moves the cursor of who reads the page in a terminal"),
)  # fmt: skip
