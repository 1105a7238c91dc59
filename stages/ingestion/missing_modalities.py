"""Samples that lack a modality: whether they are kept, how many they are, and which modality no sample has."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stages.contracts.tables.samples_table import BadSamplePolicy
from stages.foundation.errors import InputError
from stages.samples.read import judge_bad, named_lines, one_line

N_EXAMPLES = 3  # names of files that are not there, or of samples, in a line
SMALL_SHARE = 0.1  # of the samples that have a modality, below which its column or pattern is more likely wrong than its files rare
Absent = Mapping[str, tuple[str, str]]  # sample → why it lacks a modality, and the file that was looked for ("": none is named)


@dataclass
class _Lacking:
    """The kept samples that lack a modality: how many, how many of them name no file, and the first of each kind in order."""

    n: int = 0
    n_unnamed: int = 0
    files: set[str] = field(default_factory=set)
    unnamed: set[str] = field(default_factory=set)

    def add(self, sample: str, looked_for: str) -> None:
        self.n, self.n_unnamed = self.n + 1, self.n_unnamed + (not looked_for)
        first = self.files if looked_for else self.unnamed
        first.add(looked_for or sample)
        if len(first) > N_EXAMPLES + 1:  # one more tells that there are others
            first.remove(max(first, key=_length_first))

    @property
    def examples(self) -> str:
        """The first files that are not there, and the first samples that name none, in words."""
        parts = [f"no file {_some(self.files)}"] if self.files else []
        if self.unnamed:
            parts.append(f"nothing given for {f'{self.n_unnamed} of them: ' if self.files else ''}{_some(self.unnamed)}")
        return "; ".join(parts)


@dataclass
class MissingModalities:
    """What is known of missing modalities once the samples are loaded.

    dataset: its name. policy: `missing_modalities` of its entry. keys: by modality that can be lacked, the key of params.yaml that says
    where it is. n_declared: number of modalities of the data set, those included that no sample lacks (tables).
    """

    dataset: str
    policy: Literal["keep", "quarantine", "fail"]
    keys: Mapping[str, str]
    n_declared: int
    n_kept: int = 0
    _n_have: Counter[str] = field(default_factory=Counter)  # of the kept samples
    _lack: dict[str, _Lacking] = field(default_factory=lambda: defaultdict(_Lacking))  # by modality
    _first: dict[str, tuple[str, str]] = field(default_factory=dict)  # by modality the first sample that lacks it, and why
    _refused: dict[str, str] = field(default_factory=dict)  # sample → what it lacks, unless the policy is to keep it
    _empty: set[str] = field(default_factory=set)  # samples without any modality

    def judge(self, ids: Sequence[str], absent: Mapping[str, Absent], bad: dict[str, str]) -> None:
        """Count the samples of a chunk; add those to `bad` (sample → reason) that lack what they need.

        Args:
            ids: names of the chunk's samples. absent: by modality, the samples that lack it.
        """
        for name in ids:
            lacking = {modality: of[name] for modality, of in absent.items() if name in of}
            for modality, (why, _) in lacking.items():
                self._first[modality] = min(self._first.get(modality, (name, why)), (name, why))
            if not lacking or name in bad:
                continue
            said = "; ".join([why if len(self.keys) == 1 else f"{modality}: {why}" for modality, (why, _) in lacking.items()])
            if len(lacking) == self.n_declared:
                self._empty.add(name)
                bad[name] = f"{said}; it has none of the modalities {', '.join(lacking)}"
            elif self.policy != "keep":
                bad[name] = self._refused[name] = f"it has no {' and no '.join(lacking)} ({said}); `missing_modalities: {self.policy}`"
        kept = [name for name in ids if name not in bad]
        self.n_kept += len(kept)
        for modality in self.keys:
            lacking_it = [name for name in kept if name in absent[modality]]
            for name in lacking_it:
                self._lack[modality].add(name, absent[modality][name][1])
            self._n_have[modality] += len(kept) - len(lacking_it)

    def obstacles(self, reasons: Mapping[str, str], n_used: int, policy: BadSamplePolicy) -> list[str]:
        """Return why the samples cannot be used, a message each: a modality that none has, and those that cannot be read or are refused.

        Args:
            reasons: sample → why it is bad. n_used: number of samples. policy: for those that cannot be read.
        """
        found = [self._nowhere(modality) for modality in self.keys if not self._n_have[modality] and modality in self._first]
        causes = {*self._refused, *self._empty} if found else set[str]()
        rest = {name: reason for name, reason in reasons.items() if name not in causes}
        refused = {name: reason for name, reason in rest.items() if name in self._refused}
        other = {name: reason for name, reason in rest.items() if name not in refused}
        if refused and self.policy == "fail":
            remedy = "fill in what is missing, or keep them with `missing_modalities: keep`"
            found.append("\n".join([f"{self.dataset}: {len(refused)} of {n_used} samples lack a modality; {remedy} under datasets."
                                    f"{self.dataset} in params.yaml", *named_lines(refused)]))  # fmt: skip
        elif policy.on_bad_sample == self.policy:
            other = rest  # skipped ones count together
        else:
            found += self._skipping(refused, n_used, policy)
        return found + _refusal(other, n_used, policy)

    def _skipping(self, refused: Mapping[str, str], n_used: int, policy: BadSamplePolicy) -> list[str]:
        """Return why samples that lack a modality may not be skipped; print those that are."""
        if not refused or len(refused) / n_used > policy.max_bad_share:
            return _refusal(refused, n_used, policy.model_copy(update={"on_bad_sample": "quarantine"}))
        head = f"{self.dataset}: {len(refused)} of {n_used} samples lack a modality and are skipped (missing_modalities: quarantine)"
        print("\n".join([head, *named_lines(refused)]), flush=True)
        return []

    def lines(self, fate: str = "they are kept: `missing_modalities`") -> Iterator[str]:
        """Yield a line for each modality that some of the kept samples lack, and what becomes of them."""
        for modality in (name for name in self.keys if name in self._lack):
            lack, n_have = self._lack[modality], self._n_have[modality]
            few = (f". Only {n_have} have it, {n_have / self.n_kept:.1%}, which is few: is {self.keys[modality]} right?"
                   if n_have < SMALL_SHARE * self.n_kept else "")  # fmt: skip
            yield (f"{modality}: {lack.n} of {self.n_kept} samples {'has' if lack.n == 1 else 'have'} none ({lack.examples}); {fate}{few}")

    def _nowhere(self, modality: str) -> str:
        sample, why = self._first[modality]
        return (f"{self.keys[modality]}: no sample has {modality!r}, the first that was looked for is sample {sample!r}: {one_line(why)}; "
                f"fix the key or the files, or remove the modality")


def _refusal(reasons: Mapping[str, str], n_used: int, policy: BadSamplePolicy) -> list[str]:
    try:
        judge_bad(reasons, n_used, policy, policy.dataset)
    except InputError as error:
        return [str(error)]
    return []


def _length_first(name: str) -> tuple[int, str]:
    return len(name), name  # 2 before 10


def _some(names: set[str]) -> str:
    return ", ".join(map(one_line, sorted(names, key=_length_first)[:N_EXAMPLES])) + (", …" if len(names) > N_EXAMPLES else "")
