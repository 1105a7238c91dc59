"""A sample's file lies inside the folder that its data set names, and is a plain file of a size that is read whole."""

from pathlib import Path

import pytest

from stages.own_data import paths_inside
from stages.own_data.paths_inside import read_inside, resolve_inside, walk_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with files and links, and a secret next to it."""
    folder = tmp_path / "raw"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.png").write_bytes(b"a")
    (folder / "sub/b.png").write_bytes(b"bb")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "sub/up").symlink_to(tmp_path)
    (folder / "in").symlink_to("sub/b.png")
    return folder


@pytest.mark.parametrize("name", ["out", "sub/up/secret"])
def test_a_link_does_not_lead_outside(root: Path, name: str) -> None:
    with pytest.raises(ValueError, match="outside the source's folder"):
        read_inside(root, name)


@pytest.mark.parametrize("name", ["../secret", "sub/../a.png", "sub/../../secret", "sub/..", ".."])
def test_no_path_goes_up_not_even_to_come_back(root: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"'\.\.'"):
        resolve_inside(root, name)


def test_a_link_inside_is_followed_and_dots_in_a_name_are_no_way_up(root: Path) -> None:
    (root / "..c..png").write_bytes(b"c")
    assert read_inside(root, "in") == b"bb" and resolve_inside(root, "in") == (root / "sub/b.png").resolve()
    assert read_inside(root, "..c..png") == b"c"


@pytest.mark.parametrize(("n_bytes", "is_read"), [(10, True), (11, False)])
def test_a_file_is_read_up_to_the_limit(root: Path, n_bytes: int, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths_inside, "MAX_FILE_BYTES", 10)
    (root / "large").write_bytes(bytes(n_bytes))
    if is_read:
        assert read_inside(root, "large") == bytes(10)
        return
    with pytest.raises(ValueError, match="large: 11 bytes"):
        read_inside(root, "large")


def test_a_folder_is_listed_in_order_without_its_own_notes(root: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", ".hidden/x.png", "sub/.note", "Z.png", "sub/0.png"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    assert walk_files(root) == ["Z.png", "a.png", "in", "out", "sub/0.png", "sub/b.png", "sub/up"]
