"""Encoders of features files: scikit-learn's values, fitted on training rows alone, saved without pickle."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from stages.features.encoders import Columns, Matrix, Raw, Sparse, State

TRAIN = np.arange(0, 60, 2)
TABLE_FIT = {"max_categories": 4}
TEXT_FIT = {"min_documents": 2, "max_terms": 8, "idf": True, "sublinear": True}
NAMES = ("a", "b", None, "c", "d", "e", "only in a test row")


def table(n: int = 60) -> Columns:
    """Return columns with missing values, one wholly missing, one constant, one far from 0; and categories of unequal frequency."""
    random = np.random.default_rng(0)
    numeric = random.normal(5, 3, (n, 5))
    numeric[random.random(n) < 0.3, 0] = np.nan
    numeric[:, 1], numeric[:, 2] = np.nan, 0.1
    numeric[:, 3] = 1.7e9 + 1e5 * random.random(n)
    codes = random.choice(6, (n, 2), p=[0.35, 0.25, 0.2, 0.1, 0.05, 0.05]).astype(np.int32)
    codes[1, 0] = 6  # of a test row
    return Columns(numeric, codes, (NAMES, NAMES))


def text(n: int = 60) -> Sparse:
    """Return counts of terms of falling frequency under wide indices."""
    random = np.random.default_rng(1)
    rows = [np.flatnonzero(random.random(20) < np.linspace(0.9, 0.02, 20)) * 100_000_003 + 7 for _ in range(n)]
    indices = np.concatenate(rows).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return Sparse(offsets, indices, random.integers(1, 6, len(indices)).astype(np.float32))


def restored(state: State) -> State:
    """Return a state as a saved model gives it back."""
    return State({name: array.copy() for name, array in state.arrays.items()}, json.loads(json.dumps(state.json)))


def dense(matrix: Matrix) -> np.ndarray:
    return matrix.toarray() if sp.issparse(matrix) else matrix


def test_a_table_is_what_scikit_learn_makes_of_it() -> None:
    raw = table()
    values = np.empty((60, 7), dtype=object)
    values[:, :5], values[:, 5:] = raw.numeric, np.array(NAMES, dtype=object)[raw.codes]
    plain = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()), slice(0, 5)),
        (OneHotEncoder(handle_unknown="ignore", max_categories=4, sparse_output=False), slice(5, 7)),
    )
    expected = plain.fit(values[TRAIN]).transform(values)
    found = raw.encode(restored(raw.fit(TRAIN, TABLE_FIT)))
    assert found.shape == expected.shape and found.dtype == np.float64
    np.testing.assert_allclose(found, expected.astype(np.float64), rtol=0, atol=1e-12)


def test_numeric_columns_by_their_formula() -> None:
    raw = table()
    training = raw.numeric[TRAIN]
    found = raw.encode(raw.fit(TRAIN, TABLE_FIT))
    filled = np.where(np.isnan(training[:, 0]), np.nanmedian(training[:, 0]), training[:, 0])
    assert found[TRAIN, 0] == pytest.approx((filled - filled.mean()) / filled.std(), abs=1e-12)
    assert found[:, 1].tolist() == [0.0] * 60  # no value known
    np.testing.assert_allclose(found[:, 2], 0, atol=1e-12)  # one value only
    assert found[TRAIN, 3].std() == pytest.approx(1, abs=1e-9)
    marks = np.isnan(training[:, 0]).astype(float)
    assert found[TRAIN, 5] == pytest.approx((marks - marks.mean()) / marks.std(), abs=1e-12)
    assert found[:, 6].tolist() == [0.0] * 60  # missing in every row


def test_a_missing_category_is_one_the_rarest_share_one_and_an_unknown_is_none() -> None:
    codes = np.array([[0]] * 5 + [[1]] * 4 + [[2]] * 3 + [[3], [4], [5], [6]], dtype=np.int32)
    raw = Columns(np.zeros((16, 0)), codes, (NAMES,))
    found = raw.encode(raw.fit(np.arange(15), TABLE_FIT))
    assert found.shape == (16, 4)
    assert found[[0, 5, 9]].tolist() == np.eye(4)[:3].tolist()  # a, b, missing
    assert found[12:15].tolist() == [[0, 0, 0, 1]] * 3 and found[15].tolist() == [0, 0, 0, 0]
    assert raw.encode(raw.fit(np.arange(15), {"max_categories": 10})).shape == (16, 6)


def test_text_is_what_scikit_learn_makes_of_its_frequent_terms() -> None:
    raw = text()
    state = raw.fit(TRAIN, TEXT_FIT)
    counts = np.zeros((60, 20))
    counts[np.repeat(np.arange(60), np.diff(raw.offsets)), raw.indices // 100_000_003] = raw.values
    n_documents = (counts[TRAIN] > 0).sum(axis=0)
    kept = np.sort(np.lexsort((np.arange(20), -n_documents))[:8])
    assert (state.arrays["terms"] // 100_000_003).tolist() == kept.tolist()
    expected = TfidfTransformer(sublinear_tf=True).fit(counts[TRAIN][:, kept]).transform(counts[:, kept]).toarray()
    found = raw.encode(restored(state))
    assert sp.issparse(found) and found.indices.dtype == found.indptr.dtype == np.int32
    np.testing.assert_allclose(dense(found), expected, rtol=0, atol=1e-12)
    idf = np.log((1 + 30) / (1 + n_documents[kept])) + 1
    assert state.arrays["weights"] == pytest.approx(idf, abs=1e-12)
    plain = raw.encode(raw.fit(TRAIN, {**TEXT_FIT, "idf": False, "sublinear": False}))
    norms = np.linalg.norm(counts[:, kept], axis=1, keepdims=True)
    assert dense(plain) == pytest.approx(counts[:, kept] / np.where(norms > 0, norms, 1), abs=1e-12)


@pytest.mark.parametrize("n_known", [0, 5])
def test_text_without_a_frequent_term_is_one_empty_column(n_known: int) -> None:
    raw = text(n_known) if n_known else Sparse(np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32))
    state = raw.fit(np.arange(n_known), {**TEXT_FIT, "min_documents": 9})
    assert raw.encode(state).shape == (n_known, 1) and raw.encode(state).nnz == 0


@pytest.mark.parametrize(("raw", "settings"), [(table(), TABLE_FIT), (text(), TEXT_FIT)], ids=["table", "text"])
def test_test_rows_do_not_change_what_is_fitted_and_a_row_is_encoded_by_itself(raw: Raw, settings: dict) -> None:
    others = np.setdiff1d(np.arange(60), TRAIN)
    if isinstance(raw, Columns):
        numeric, codes = raw.numeric.copy(), raw.codes.copy()
        numeric[others], codes[others] = 1e6, 6
        changed: Raw = replace(raw, numeric=numeric, codes=codes)
    else:
        assert isinstance(raw, Sparse)
        of_others = np.isin(np.repeat(np.arange(60), np.diff(raw.offsets)), others)
        changed = replace(raw, indices=raw.indices + of_others.astype(np.int32), values=np.where(of_others, 99, raw.values))
    state, other = raw.fit(TRAIN, settings), changed.fit(TRAIN, settings)
    assert state.json == other.json
    assert {name: array.tobytes() for name, array in state.arrays.items()} == {name: a.tobytes() for name, a in other.arrays.items()}
    np.testing.assert_array_equal(dense(raw.encode(state))[TRAIN], dense(changed.encode(state))[TRAIN])
