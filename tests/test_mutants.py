"""The faults of `make mutants` are those of the code as it is; seeding them and running the tests that must find them takes minutes."""

import ast
from collections import Counter

import pytest
from imports import ROOT

from tests.mutants.faults import MUTANTS, Mutant


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(MUTANTS) >= 40
    assert [name for name, n in Counter(mutant.name for mutant in MUTANTS).items() if n > 1] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_can_be_seeded(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert source.count(mutant.text) == 1, f"{mutant.file}: {mutant.text!r} must occur once: adapt the fault to the code, or take another"
    before, after = ast.dump(ast.parse(source)), ast.dump(ast.parse(mutant.seeded(source)))
    assert before != after and mutant.tests and mutant.what
    file, *selection = mutant.tests
    written = (ROOT / file).read_text(encoding="utf-8")
    assert not [word for word in " ".join(selection).split() if word not in ("-k", "and") and word not in written], "selects no test"
