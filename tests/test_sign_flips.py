"""The sign-flip test against scipy's exact binomial test (McNemar) and against every assignment of signs."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from stages.evaluation.sign_flips import sign_flip


@pytest.mark.parametrize(("wins", "losses"), [(20, 12), (5, 0), (1, 0), (0, 7), (30, 30), (200, 150), (3000, 2800)])
def test_of_single_rows_it_is_mcnemars_exact_test(wins: int, losses: int) -> None:
    differences = np.array([1.0] * wins + [-1.0] * losses + [0.0] * 50)
    assert sign_flip(differences) == pytest.approx(stats.binomtest(wins, wins + losses).pvalue, rel=1e-9)


def test_the_published_case_of_reviews_is_no_evidence() -> None:
    """20 rows won, 12 lost: p = .22, where five fold differences of +2, +2, +1, +1, +2 rows gave 0.012."""
    assert sign_flip(np.array([1.0] * 20 + [-1.0] * 12)) == pytest.approx(0.2153, abs=1e-4)


@pytest.mark.parametrize("whole", [True, False])
def test_of_few_groups_it_counts_every_assignment_of_signs(whole: bool) -> None:
    generator = np.random.default_rng(3)
    for n in range(1, 11):
        differences = generator.integers(-4, 5, n).astype(float) if whole else generator.normal(size=n)
        sums = np.array([np.dot(signs, np.abs(differences)) for signs in product((-1, 1), repeat=n)])
        expected = np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-9)
        assert sign_flip(differences) == pytest.approx(expected, abs=1e-12)


def test_of_many_groups_a_sample_of_signs_is_near_the_exact_p_and_repeats() -> None:
    generator = np.random.default_rng(8)
    whole = generator.integers(-3, 5, 60).astype(float)
    exact, sampled = sign_flip(whole), sign_flip(0.3 * whole)  # no longer whole numbers
    assert sampled == pytest.approx(exact, abs=0.015)
    assert sign_flip(0.3 * whole) == sampled


def test_the_order_of_groups_and_the_side_do_not_matter() -> None:
    differences = np.random.default_rng(1).normal(0.2, 1.0, 40)
    assert sign_flip(differences) == sign_flip(differences[::-1]) == sign_flip(-differences)


def test_nothing_that_differs_is_no_evidence() -> None:
    assert sign_flip(np.zeros(30)) == 1.0


def test_it_keeps_its_level() -> None:
    generator = np.random.default_rng(5)
    rejected = np.mean([sign_flip(generator.normal(size=25) * generator.random(25)) < 0.05 for _ in range(400)])
    assert rejected < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_many_whole_differences_are_counted_exactly_without_underflow() -> None:
    """500 groups on one side: p is 2^-499, of which rounding leaves 1e-16, not 0 and not less."""
    assert 0 < sign_flip(np.ones(500)) < 1e-15
    assert sign_flip(np.ones(200_000) * np.where(np.arange(200_000) % 2, 1, -1)) == 1.0
