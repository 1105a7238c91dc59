"""What the data set watch promises beyond the battery: above all, that nothing in its pickle is run."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from toy import watch as toy
from toy import write_wheel

from stages.contracts.settings import Settings
from stages.datasets.watch import read
from stages.foundation.errors import InputError
from stages.readers.restricted_pickle import load_arrays


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return toy.write(tmp_path_factory.mktemp("watch"))


def table_of(content: Any, folder: Path) -> pa.Table:
    archive = write_wheel(folder / "a.whl", {toy.MEMBER: toy.npy(content)})
    return read({"seglearn": archive}, "exercise", Settings(), 1)


def test_series_keep_their_length_order_and_channels(archives: dict[str, Path]) -> None:
    table, content = read(archives, "exercise", Settings(), 1), toy.content()
    assert str(table["imu"].type) == "list<item: fixed_size_list<item: float>[6]>"
    for row in table.to_pylist():
        np.testing.assert_array_equal(row["imu"], content["X"][int(row["sample_id"])].astype(np.float32))


def test_subjects_are_groups_and_both_targets_can_be_asked_for(archives: dict[str, Path]) -> None:
    exercise, side = (read(archives, target, Settings(), 1) for target in ("exercise", "side"))
    assert set(Counter(exercise["group"].to_pylist()).items()) == {(f"subject {i:02d}", 4) for i in range(1, 8)}
    assert exercise["target"].to_pylist()[:4] == ["PEN", "ABD", "PEN", "ABD"]
    assert side["target"].to_pylist()[:4] == ["left", "left", "right", "right"]
    assert exercise.drop(["target"]).equals(side.drop(["target"]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("X_labels", ["ay", "ax", "az", "wx", "wy", "wz"]),
        ("y", np.arange(toy.N)),
        ("y", np.arange(3)),
        ("side", -np.ones(toy.N)),
        ("subject", ["one"] * toy.N),
        ("X", [np.zeros((5, 5))] * toy.N),
        ("X", []),
    ],
)
def test_content_that_is_not_as_described_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.whl: member 'seglearn/data/watch_dataset\.npy' is damaged"):
        table_of(toy.content() | {key: value}, tmp_path)
    with pytest.raises(InputError, match=r"a\.whl: member .* is damaged"):
        table_of({name: part for name, part in toy.content().items() if name != key}, tmp_path)


# ---------------------------------------------------------------- pickles
class Hostile:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def load(content: Any) -> Any:
    return load_arrays(Path("some.whl"), "a.npy", content if isinstance(content, bytes) else toy.npy(content))


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "was run"
    for hostile in (Hostile(open, str(trace), "w"), Hostile(eval, f"open({str(trace)!r}, 'w')"), Hostile(Path.touch, trace)):
        for content in (hostile, {"X": [np.zeros(3), hostile]}, toy.content() | {"y": np.array([hostile], dtype=object)}):
            with pytest.raises(InputError, match=r"some\.whl: member 'a\.npy' is a pickle that names .*expected NumPy's arrays only"):
                load(content)
    assert not trace.exists()


HEADER = toy.npy(0)[:128]


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"cos\nsystem\n(S'true'\ntR.", "names os.system"),
        (b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x04pass\x85R.", "names builtins.exec"),
        (b"(S'true'\nios\nsystem\n.", "names os.system"),
        (b"cnumpy\nload\n.", "names numpy.load"),
        (b"c_codecs\nencode\n(Vx\nVrot13\ntR.", "names the encoding 'rot13'"),
        (b"cnumpy\ndtype\n(Vi4,O\ntR.", "names an array of type 'i4,O'"),
        (b"cnumpy\ndtype\n.", "is damaged .expected a number, a text or an array, found a method"),
        (b"cnumpy\ndtype\n}Vcode\nVx\nsb.", "is damaged"),
        (b"cnumpy\ndtype\n(N}Vcode\nVx\nstb.", "is damaged"),
        (b"cnumpy\nndarray\n)\x81.", "is damaged"),
        (b"(lp0\ng0\na.", "is damaged .nested deeper"),
        (b"]\x94h\x00a.", "is damaged"),
        (b"I1\n", "is damaged"),
        (b"", "is damaged"),
    ],
)
def test_what_a_pickle_may_hold_beside_arrays_is_refused(pickled: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=f"some.whl: member 'a.npy' .*{reason}"):
        load(HEADER + pickled)


def test_references_to_references_cost_no_more_than_they_are_long() -> None:
    nested: Any = [0]
    for _ in range(12):
        nested = [nested] * 40  # 40 ** 12 numbers, were each copied
    assert len(load(nested)) == 40


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">i2", "|u1", "|b1", "<i8"])
def test_arrays_of_numbers_read_back(protocol: int, dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    for value in (array, np.asfortranarray(array), array.ravel(), np.array(array[2, 3])):
        found = load(HEADER + pickle.dumps({"a": value}, protocol=protocol))["a"]
        np.testing.assert_array_equal(found, value)
        assert found.dtype == np.dtype(dtype).newbyteorder("=") and found.shape == value.shape


def test_arrays_of_lists_texts_and_arrays_read_back() -> None:
    mixed = np.empty(3, dtype=object)
    mixed[:] = ["ä", [1, 2.5, None], np.arange(3)]
    first, second, third = load({"mixed": mixed})["mixed"]
    assert (first, second, third.tolist()) == ("ä", [1, 2.5, None], [0, 1, 2])


def test_a_damaged_pickle_is_named_or_read_never_worse() -> None:
    content, random = toy.npy({"a": np.arange(6.0).reshape(2, 3), "b": ["x", "y"]}), np.random.default_rng(5)
    n_named = 0
    for _ in range(1000):
        damaged = bytearray(content)
        damaged[random.integers(128, len(damaged))] = random.integers(256)
        try:
            load(bytes(damaged))
        except InputError:
            n_named += 1
    assert n_named > 300
