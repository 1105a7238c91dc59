"""Missing groups, and all that stands in a data set's way in one message, with advice that fits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_entries import Entry, ingested, parsed

from stages.contracts.paths import quarantine_path, samples_path
from stages.contracts.tables.quarantine_table import QuarantineMetadata
from stages.contracts.tables.samples_table import BadSamplePolicy, sufficient_share
from stages.foundation.errors import InputError
from stages.foundation.tables import read_table, write_table
from stages.own_data.advice import advice_on_folds
from stages.own_data.roles import open_source
from stages.samples.read import judge_bad, quarantine_table


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry_of(*, y: Callable[[int], str] = lambda i: "ab"[i % 2], who: Callable[[int], str] = lambda i: f"p{i // 2}", n: int = 24,
             absent: tuple[int, ...] = (), **more: Any) -> Entry:  # fmt: skip
    """Return an entry of texts in files; those of the rows `absent` are not there."""
    Path("texts").mkdir(exist_ok=True)
    lines = [f"{y(i)},{who(i)},room,{i}.txt" for i in range(n)]
    for i in range(n):
        Path(f"texts/{i}.txt").write_text(f"word{i}", encoding="utf-8")
    for i in absent:
        Path(f"texts/{i}.txt").unlink()
    Path("texts/t.csv").write_text("y,who,where,file\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return {"source": {"table": "texts/t.csv"}, "target": {"column": "y", "task": "multiclass"}, "group": "who", **more,
            "modalities": {"words": {"modality": "text", "files": "{file}"}}}  # fmt: skip


# ---------------------------------------------------------------- missing groups
def some_missing(i: int) -> str:
    return "" if i in (3, 8) else ["0004", " 0004", "0009", "p"][i % 4]


def test_a_missing_group_is_an_error_that_names_the_key() -> None:
    with pytest.raises(InputError, match=r"mine\.group: line 5 of t\.csv: the group is missing \(2 such\); .* `missing_groups: own`"):
        ingested(entry_of(who=some_missing))


def test_samples_without_a_group_are_their_own_and_never_one_that_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    samples, about = ingested(entry_of(who=some_missing, missing_groups="own"))
    groups = samples["group"].to_pylist()
    assert groups[3] == " 0004" and groups[8] == " 0009"  # declared groups are without blanks around them
    assert groups.count("0004") == 11 and groups.count("0009") == 6 and len(set(groups)) == 5
    assert about["group"] == "who; a sample without one is its own"
    assert "mine: 2 samples without a group are each their own (missing_groups: own)\n" in capsys.readouterr().out


def test_of_several_columns_one_missing_is_a_missing_group() -> None:
    samples, _ = ingested(entry_of(who=some_missing, group=["who", "where"], missing_groups="own"))
    assert samples["group"].to_pylist()[2:4] == ["0009, room", " 0004"]


def test_without_a_group_the_key_says_nothing() -> None:
    entry = entry_of(missing_groups="own")
    del entry["group"]
    with pytest.raises(InputError, match=r"mine\.missing_groups: no `group` is declared, so every sample is its own already"):
        parsed(entry)
    with pytest.raises(InputError, match=r"mine\.missing_groups: expected 'fail' or 'own', found 'each'"):
        parsed(entry | {"missing_groups": "each"})


# ---------------------------------------------------------------- together
def test_rare_classes_few_groups_and_unreadable_samples_are_one_message() -> None:
    def kind(i: int) -> str:
        return "alone" if i == 0 else "few" if i in (2, 3) else "ab"[i % 2]

    with pytest.raises(InputError) as caught:
        ingested(entry_of(y=kind, absent=(5, 7)))
    lines = str(caught.value).splitlines()
    assert lines[0] == "3 obstacles in data set 'mine'"
    assert lines[1].startswith("  mine: class 'alone' has one sample (1 such); each needs at least two")
    assert lines[2].startswith("  mine: class 'few' (2 rows) is in 1 group ('p1'). Each needs 3 groups or more")
    assert lines[3].startswith("  mine: 2 of 24 samples cannot be read; fix them, or skip them with `on_bad_sample: quarantine` and `max")
    assert [line.split("'")[1] for line in lines[4:]] == ["0006", "0008"]
    assert not samples_path("mine").exists() and not quarantine_path("mine").exists()


def test_columns_that_cannot_be_read_are_named_together_with_the_samples() -> None:
    entry = entry_of(y=lambda i: "c" if i == 1 else "ab"[i % 2], who=some_missing, absent=(5,))
    entry["target"]["classes"] = {"a": "a", "b": "b"}
    with pytest.raises(InputError) as caught:
        ingested(entry | {"folds": "who"})
    lines = str(caught.value).splitlines()
    assert lines[0] == "4 obstacles in data set 'mine'" and len(lines) == 6
    for line, part in zip(lines[1:], ("target.classes: column 'y': 1 value without a class: 'c'", "mine.group: line 5 of t.csv",
                                      "mine.folds: line 5 of t.csv", "1 of 24 samples cannot be read", "'0006': 5.txt"), strict=True):
        assert part in line


def test_one_obstacle_is_said_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    """Too few groups are the split's to refuse, when it knows what featurize could not read; ingest notes them."""
    samples, _ = ingested(entry_of(y=lambda i: "few" if i in (2, 3) else "ab"[i % 2]))
    assert len(samples) == 24 and "note: mine: class 'few' (2 rows) is in 1 group ('p1')." in capsys.readouterr().out
    with pytest.raises(InputError, match=r"^mine: 1 of 24 samples cannot be read; fix them"):
        ingested(entry_of(absent=(4,)))


def test_samples_that_may_be_skipped_are_no_obstacle() -> None:
    entry = entry_of(y=lambda i: "one" if i == 2 else "ab"[i % 2], absent=(4,), on_bad_sample="quarantine")
    with pytest.raises(InputError, match=r"^mine: class 'one' has one sample[^\n]*$"):
        ingested(entry)


def test_without_a_sample_that_has_a_target_both_are_said() -> None:
    with pytest.raises(InputError) as caught:
        ingested(entry_of(y=lambda i: ""))
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["2 obstacles in data set 'mine'",
                         "  mine: 0 class in the target, so there is nothing to predict; fix its files (datasets.mine.source in "
                         "params.yaml)"]
    assert lines[2].startswith("  mine: 24 of 24 samples cannot be read")
    with pytest.raises(InputError, match=r"^mine: 0 class in the target, so there is nothing to predict; [^\n]*$"):
        ingested(entry_of(y=lambda i: f"k{i}", rare_classes="drop"))


def test_fewer_groups_than_folds_are_noted_before_anything_is_read() -> None:
    def noted(entry: Entry, n_splits: int) -> list[str]:
        found = parsed(entry)
        return advice_on_folds("mine", found, open_source("mine", found), n_splits)

    few = entry_of(who=lambda i: "" if i == 3 else f"p{i % 3}", missing_groups="own")
    assert noted(few, 4) == []
    assert noted(few, 5) == ["note: datasets.mine.group: 4 groups cannot be split into 5 outer folds. Declare fewer, "
                             "`split: {datasets: {mine: {n_splits: 4}}}`, or a finer group."]
    assert noted(few | {"folds": "who"}, 5) == noted(few | {"split": "who"}, 5) == []


# ---------------------------------------------------------------- advice on the share
@pytest.mark.parametrize(("n_bad", "n", "share"), [(2, 24, "0.084"), (1, 1000, "0.001"), (1, 3, "0.334"), (999, 1000, "0.999"),
                                                   (9999, 10000, ""), (29, 100, "0.29"), (5, 5, "")])  # fmt: skip
def test_the_share_that_is_advised_is_enough_and_allowed(n_bad: int, n: int, share: str) -> None:
    assert sufficient_share(n_bad, n) == share
    if share:
        reasons = {str(i): "cut off" for i in range(n_bad)}
        judge_bad(reasons, n, BadSamplePolicy(dataset="toy", on_bad_sample="quarantine", max_bad_share=float(share)), "toy")


@pytest.mark.parametrize(("policy", "n_bad", "advice"), [
    ("fail", 1, "fix them, or skip them with `on_bad_sample: quarantine` under datasets.toy"),
    ("fail", 9, "fix them, or skip them with `on_bad_sample: quarantine` and `max_bad_share: 0.9` (they are 90.0%; 20.0% may be skipped)"),
    ("quarantine", 9, "which is 90.0%, above max_bad_share 20.0% of datasets.toy in params.yaml; fix them, or raise it to 0.9 or more"),
])  # fmt: skip
def test_the_advice_fits_the_share(policy: str, n_bad: int, advice: str) -> None:
    reasons = {str(i): "cut off" for i in range(n_bad)}
    with pytest.raises(InputError) as caught:
        judge_bad(reasons, 10, BadSamplePolicy(dataset="toy", on_bad_sample=policy, max_bad_share=0.2), "toy")
    assert advice in str(caught.value)


def test_following_the_advice_is_enough() -> None:
    entry = entry_of(absent=(4, 5, 6))
    with pytest.raises(InputError, match=r"`max_bad_share: 0\.125` \(they are 12\.5%; 5\.0% may be skipped\)"):
        ingested(entry)
    samples, _ = ingested(entry | {"on_bad_sample": "quarantine", "max_bad_share": 0.125})
    assert len(samples) == 21 and len(read_table(quarantine_path("mine"))) == 3


def test_split_says_the_share_and_the_class_that_is_gone_together() -> None:
    from toy_samples import write_fold_numbers

    from stages import split

    ingested(entry_of(y=lambda i: "abc"[i % 3], who=lambda i: f"p{i}", on_bad_sample="quarantine"))
    Path("params.yaml").write_text("seed: 1\n", encoding="utf-8")
    write_fold_numbers("mine", n_splits=2, n_inner_splits=2)
    bad = {f"{i + 1:04d}": "broken" for i in range(24) if i % 3 == 2}
    write_table(quarantine_path("mine", "words"), quarantine_table(bad), QuarantineMetadata(dataset="mine", modality_name="words"))
    message = (r"^mine: 8 of 24 samples cannot be read in one modality or another, 33\.3%, above datasets\.mine\.max_bad_share 5\.0% in "
               r"params\.yaml; fix them \(data/quarantine/mine/ has the reasons\), or raise it to 0\.334 or more\n  mine: class 'c' has no")
    with pytest.raises(InputError, match=message):
        split.main("mine")
