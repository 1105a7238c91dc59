"""Files of samples: every format round trip, and whatever a file claims or hides, an answer in words within bounded memory."""

import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.foundation.registry import component
from stages.own_data.decoders import arrays, decoded_graphs, edge_lists, graph_json, graphml, text_files
from stages.own_data.decoders import decode as decode_module
from stages.own_data.decoders.decode import FORMATS, column, decode
from stages.own_data.decoders.decoded_columns import ColumnError
from stages.samples.read import check_type

POINTS = np.array([[0.5, -1, 2], [1e-3, 4, 5]])
XYZ = b"0.5 -1 2\n0.001 4 5\n"
PLY = """ply
format {order} 1.0
comment made by hand
element camera 1
property float focus
element vertex 2
property float nx
property double y
property double x
property double z
property uchar red
element face 1
property list uchar int vertex_indices
end_header
"""
GRAPHML = b"""<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="c" for="node" attr.name="charge" attr.type="double"><default>0.5</default></key>
  <key id="a" for="node" attr.name="acid" attr.type="boolean"/>
  <key id="l" for="node" attr.name="label" attr.type="string"/>
  <key id="u" for="node" attr.name="url" attr.type="string"/>
  <key id="w" for="edge" attr.name="weight" attr.type="double"/>
  <key id="b" for="all" attr.name="bond" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="n0"><data key="a">true</data><data key="l">C &amp; N</data><data key="u">x</data></node>
    <edge source="n1" target="n0"><data key="w">2.5</data></edge>
    <node id="n1"><data key="a">false</data><data key="c">-1</data></node>
  </graph>
</graphml>"""
NODE_LINK = {
    "directed": True,
    "nodes": [{"id": "a", "label": "C", "z": 6, "name": "x"}, {"id": 1, "label": "N", "z": 7}],
    "links": [{"source": "a", "target": 1, "weight": 2, "label": "double"}],
}


def npy(values: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(values), **options)
    return file.getvalue()


def npy_header(header: str, content: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def ply(order: str) -> bytes:
    header = PLY.format(order=order).encode()
    if order == "ascii":
        return header + b"35\n0 -1 0.5 2 255\n0 4 0.001 5 0\n3 0 1 1\n"
    mark = "<" if "little" in order else ">"
    rows = [struct.pack(mark + "fdddB", 0, y, x, z, 255) for x, y, z in POINTS]
    return header + struct.pack(mark + "f", 35) + b"".join(rows) + struct.pack(mark + "Biii", 3, 0, 1, 1)


# ------------------------------------------------------------------ every format
@pytest.mark.parametrize(
    ("name", "raw"),
    {
        "a.npy": npy(POINTS),
        "B.NPY": npy(np.asfortranarray(POINTS.astype(">f8")), version=(2, 0)),
        "a.npz": npz(anything=POINTS),
        "named.npz": npz(other=np.zeros(3), values=POINTS),
        "a.csv": b"\xef\xbb\xbfx,y,z\r\n0.5,-1,2\r\n1e-3, 4 ,\"5\"\r\n\r\n",
        "semicolons.csv": b"0.5;-1;2\n1e-3;4;5",
        "tabs.csv": b"0.5\t-1\t2\n1e-3\t4\t5",
        "a.tsv": b"# made by hand\n0.5\t-1\t2\n1e-3\t4\t5\n",
        "a.txt": b"\t0.5 -1\t2\n  1e-3 4 5\n",
    }.items(),
)  # fmt: skip
@pytest.mark.parametrize("modality", ["series", "set"])
def test_points(modality: str, name: str, raw: bytes) -> None:
    value = decode(modality, raw, f"folder/{name}")
    assert value.dtype == np.float64 and np.array_equal(value, POINTS)


@pytest.mark.parametrize(
    ("name", "raw"),
    {
        "a.xyz": b"0.5 -1 2 0.9\n0.001 4 5 0.1\n",
        "commented.xyz": b"2\n# water\nO 0.5 -1 2\n\nH 0.001 4 5\n",
        "atoms.xyz": b"2\nwater, more or less\nO 0.5 -1 2\nH 0.001 4 5 0.3\n",
        "ascii.ply": ply("ascii"),
        "little.ply": ply("binary_little_endian"),
        "big.ply": ply("binary_big_endian"),
        "windows.ply": ply("binary_big_endian").replace(b"end_header\n", b"end_header\r\n"),
        "a.off": b"OFF\n# comment\n2 1 0\n0.5 -1 2\n\n0.001 4 5 # last\n3 0 1 1\n",
        "modelnet.off": b"OFF2 1 0\n" + XYZ + b"3 0 1 1\n",
        "one_line.off": b"OFF 2 1 0\n" + XYZ,
        "a_coff.off": b"COFF\n2 0 0\n0.5 -1 2 255 0 0 255\n0.001 4 5 0 0 0 255\n",
    }.items(),
)
def test_clouds(name: str, raw: bytes) -> None:
    assert np.array_equal(decode("set", raw, name), POINTS)


def test_missing_cells_are_nan_and_one_number_a_row_is_one_channel() -> None:
    value = decode("series", b"a,b\n1,\nNA,nan\n,-2\n", "a.csv")
    assert np.array_equal(value, [[1, np.nan], [np.nan, np.nan], [np.nan, -2]], equal_nan=True)
    for name, raw in {"a.txt": b"1\n2\n", "a.npy": npy(np.array([1, 2], np.int16))}.items():
        assert decode("series", raw, name).tolist() == [[1], [2]]
    assert np.isnan(decode("series", npy(np.full((4, 2), np.nan)), "a.npy")).all()  # whether that will do is for the modality to say


def test_frames() -> None:
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert np.array_equal(decode("tactile", npy(frames), "a.npy"), frames)
    assert np.array_equal(decode("tactile", npz(series=frames, rate=np.array(5)), "a.npz"), frames)
    with pytest.raises(ValueError, match=r"shape \(3, 4\); modality 'tactile' reads T×H×W"):
        decode("tactile", npy(frames[0]), "a.npy")


def test_text_is_utf8_and_says_where_it_is_not() -> None:
    assert decode("text", "\ufeffnaïve\n".encode(), "any.suffix") == "naïve\n"
    with pytest.raises(ValueError, match="not UTF-8: byte 2 is 0xef"):
        decode("text", "naïve".encode("latin-1"), "a.txt")
    assert decode("text", "naïve".encode("latin-1"), "a.txt", "latin-1") == decode("text", "naïve".encode("utf-16"), "a.txt") == "naïve"
    with pytest.raises(ValueError, match="not utf-16: byte 10 is 0x65"):
        decode("text", "naive".encode("utf-16")[:-1], "a.txt")


def test_encoded_files_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decode("image", b"\x89PNG", "a.png") == decode("audio", b"\x89PNG", "a") == b"\x89PNG"
    monkeypatch.setattr("stages.own_data.decoders.decode.MAX_BYTES", 3)
    with pytest.raises(ValueError, match="a file of 4 bytes; expected at most 3"):
        decode("image", b"\x89PNG", "a.png")


# ------------------------------------------------------------------ graphs
@pytest.mark.parametrize(
    ("name", "raw"),
    {
        "a.edges": b"# Directed graph\n7 1000000000 2.5\n1000000000 x -1\nlonely\n",
        "a.csv": b"# directed\nweight,from,to\n2.5,7,1000000000\n-1,1000000000,x\n,lonely,\n",
        "a.tsv": b"# directed\n7\t1000000000\t2.5\n1000000000\tx\t-1\nlonely\t\t\n",
    }.items(),
)
def test_edge_lists(name: str, raw: bytes) -> None:
    graph = decode("graph", raw, name)
    assert (graph.n_nodes, graph.edges.tolist(), graph.weight, graph.directed) == (4, [[0, 1], [1, 2]], [2.5, -1], True)
    assert graph.node_labels is None


def test_labels_of_an_edge_list() -> None:
    graph = decode("graph", b"# names are labels\nhead,relation,tail\nParis,capital of,France\n", "a.csv")
    assert (graph.node_labels, graph.edge_labels, graph.directed, graph.weight) == (["Paris", "France"], ["capital of"], False, None)


def test_graphml() -> None:
    graph = decode("graph", GRAPHML, "a.graphml")
    assert (graph.n_nodes, graph.edges.tolist(), graph.directed, graph.weight) == (2, [[1, 0]], True, [2.5])
    assert graph.attribute_names == ("acid", "charge") and graph.node_attributes.tolist() == [[1, 0.5], [0, -1]]
    assert (graph.node_labels, graph.edge_labels) == (["C & N", ""], None)


def test_node_link_and_struct_are_the_same_graph() -> None:
    graph = decode("graph", json.dumps(NODE_LINK).encode(), "a.json")
    assert (graph.node_labels, graph.edge_labels, graph.attribute_names) == (["C", "N"], ["double"], ("z",))
    [struct_value] = column("graph", [graph]).to_pylist()
    assert column("graph", [struct_value, None, struct_value]).to_pylist() == [struct_value, None, struct_value]


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("a.csv", b"a,b\n\na,b,c\n", "line 3 is 'a, b, c'; expected source and target"),
        ("a.csv", b"a,b,c,d\n", "line 1 has 4 cells"),
        ("a.csv", b"source,target,colour\na,b,c\n", "line 1 names the columns source, target, colour"),
        ("a.csv", b"a,b,binds\n", "line 1: weight 'binds' is not a finite number"),
        ("a.csv", b"user_id,item_id\n1,2\n2,3\n", "first row is 'user_id' and 'item_id'"),
        ("a.csv", b'a,"b\n', "line 1 cannot be split"),
        ("a.txt", b"# nothing\n", "a graph of 0 nodes"),
        ("a.graphml", GRAPHML[:-5], "not well-formed XML"),
        ("a.graphml", GRAPHML.replace(b">false", b">maybe"), "acid of node 1 is 'maybe'; expected a finite number"),
        ("a.graphml", GRAPHML.replace(b'key="c"', b'key="a"'), "two data of key 'a' in one node"),
        ("a.graphml", GRAPHML.replace(b">2.5", b">heavy"), "weight of edge 0 is 'heavy'"),
        ("a.graphml", GRAPHML.replace(b'"n1" target', b'"n7" target'), "edge 0 joins 'n7'"),
        ("a.graphml", GRAPHML.replace(b'id="n1"', b'id="n0"'), "two nodes with the id 'n0'"),
        ("a.graphml", GRAPHML.replace(b"<node id=\"n1\">", b"<node id=\"n1\"><graph edgedefault='directed'/>"), "one graph of nodes"),
        ("a.graphml", GRAPHML.replace(b"<edge ", b"<edge directed='false' "), "edge 0 is not directed"),
        ("a.graphml", b"<svg/>", "expected GraphML"),
        ("a.graphml", b"<graphml/>", "without a graph"),
        ("a.graphml", b"<?xml version='1.0' encoding='no-such'?><graphml/>", "encoding"),
        ("a.graphml", b"<graphml>" + b"<a>" * 100_000, "nested deeper than 64"),
        ("a.graphml", b"<!DOCTYPE g [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><graphml>&b;</graphml>", "with a DTD"),
        ("a.graphml", b"<!DOCTYPE g SYSTEM 'file:///etc/passwd'><graphml/>", "with a DTD"),
        ("a.graphml", b"<graphml>&b;</graphml>", "undefined entity"),
        ("a.json", b"[" * 100_000, "nested too deeply|not JSON"),
        ("a.json", b'{"nodes": [{"id": 1}, {"id": 1}]}', "two nodes have the same id"),
        ("a.json", b'{"nodes": [{"id": 1}], "edges": [{"source": 1, "target": "1"}]}', 'link 0 joins "1"'),
        ("a.json", b'{"nodes": [{"id": 1, "x": 1}, {"id": 2}]}', "x of node 1 is 'None'"),
        ("a.json", b'{"nodes": [{"id": 1, "x": NaN}]}', "x of node 0 is 'nan'"),
        ("a.json", b'{"nodes": 3}', "node-link JSON"),
        ("a.json", b'{"nodes": [{}], "directed": "yes"}', "directed is 'yes'"),
        ("a.json", json.dumps({"nodes": [{f"k{i}": 1} for i in range(1_001)]}).encode(), "at most 1,000 a node"),
        ("a.json", b"[1]", "expected a graph"),
        ("a.json", b'{"n_nodes": 1, "source": [0], "target": [1]}', "node 1 is not among the 1 nodes"),
        ("a.json", b'{"n_nodes": 1e30, "source": [], "target": []}', "n_nodes is '1e"),
        ("a.json", b'{"n_nodes": 2000000000, "source": [], "target": []}', "a graph of 2,000,000,000 nodes"),
        ("a.json", b'{"n_nodes": 2, "source": [0], "target": [1], "weight": [1, 2]}', "weight has 2 entries; expected 1"),
        ("a.json", b'{"n_nodes": 2, "source": [0], "target": [1], "node_attributes": [[1], [1, 2]]}', "unequal lengths"),
        ("a.json", b'{"n_nodes": 2, "source": [0], "goal": [1]}', "unknown entry 'goal'"),
    ],
)  # fmt: skip
def test_graphs_that_are_none(name: str, raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode("graph", raw, name)


# ------------------------------------------------------------------ hostile and damaged files
class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("sprung"),)


def lying(bomb: bytes, size: int) -> bytes:
    """Return an archive whose member claims to unpack to `size` bytes, in both of its headers."""
    true = struct.pack("<I", zipfile.ZipFile(io.BytesIO(bomb)).infolist()[0].file_size)
    return bomb.replace(true, struct.pack("<I", size))


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"
BOMB = zipped({"series.npy": npy(np.zeros(100_000))})
BAD_ARRAYS = [
    ("a.npy", npy(np.array([Trap()], dtype=object)), "Python objects .a pickle"),
    ("a.npz", npz(series=np.array([Trap()], dtype=object)), "'series.npy' of the .npz file: .npy file of Python objects"),
    ("a.npy", npy_header(HEADER % "1000000000000,"), "1,000,000,000,000 numbers; expected at most"),
    ("a.npy", npy_header(HEADER % "1000000, 1000000"), "1,000,000,000,000 numbers; expected at most"),
    ("a.npy", npy_header(HEADER % ("9" * 30 + ",")), "expected whole numbers"),
    ("a.npy", npy_header(HEADER % "-3,"), "expected an array of"),
    ("a.npy", npy_header("__import__('pathlib').Path('sprung').touch()"), "expected an array of"),
    ("a.npy", npy_header("{" * 9_000), "expected an array of"),
    ("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "truncated or damaged"),
    ("a.npy", npy(POINTS)[:-1], "is truncated: float64 of shape .2, 3. needs 48 bytes, found 47"),
    ("a.npy", npy(POINTS)[:40], "truncated or damaged"),
    ("a.npy", npy(POINTS) + b"\0", "is longer than its header declares"),
    ("a.npy", npy(np.array([(1, 2.0)], dtype="i4,f8")), "expected an array of whole or real numbers"),
    ("a.npy", npy(np.array(["1"])), "expected an array of whole or real numbers"),
    ("a.npy", npy(np.array([1j])), "expected an array of whole or real numbers"),
    ("a.npy", npy(np.zeros((2, 2, 2))), "reads T×c"),
    ("a.npy", npy(np.zeros((3, 5000))), "are the axes exchanged"),
    ("a.npy", npy(np.zeros((0, 3))), "which is empty"),
    ("a.npy", b"", "empty .0 bytes"),
    ("a.npz", zipped({"../../series.npy": npy(POINTS)}), "member '../../series.npy'; expected arrays"),
    ("a.npz", zipped({"/etc/series.npy": npy(POINTS)}), "have no folder"),
    ("a.npz", zipped({"run.sh": b""}), "member 'run.sh'"),
    ("a.npz", npz(a=POINTS, b=POINTS), "of the arrays a, b; expected a single one"),
    ("a.npz", zipped({}), r"of the arrays \(none\)"),
    ("a.npz", npz(a=POINTS)[:-30], "truncated|damaged"),
    ("a.npz", npz(a=POINTS)[30:], "damaged"),
    ("a.npz", lying(BOMB, 2**31), "unpacks to 2,147,483,648 bytes; expected at most"),
    ("a.npz", lying(BOMB, 200), "damaged"),
    ("a.npz", b"not a zip file", "not an .npz file"),
    ("a.npz", b"PK\5\6" + struct.pack("<4H2IH", 0, 0, 9, 9, 2**31, 0, 0), "too many arrays"),
    ("a.csv", b"", "empty .0 bytes"),
    ("a.csv", b"x,y\n", "no row of numbers"),
    ("a.csv", b"x,y\n1,2\n3\n", "line 3 has 1 cells, the first row has 2"),
    ("a.csv", b"x,y\n1,2\n3,four\n", "line 3: cell 2 is 'four'; expected a number"),
    ("a.csv", b"1,x\n1,2\n", "line 1: cell 2 is 'x'"),
    ("a.csv", b"1_000\n", "no row of numbers"),
    ("a.csv", b"1\n\n2\n", "line 2 is blank"),
    ("a.csv", b"1,2\n\xff,2\n", "not UTF-8: byte 4 is 0xff"),
    ("a.csv", b"1" * (2**20 + 1), "more than 1,048,576 characters"),
    ("a.csv", b"PK\3\4\0\0", "no row of numbers|not UTF-8"),
    ("a.wav", b"RIFF", "no format of modality 'series' has the suffix '.wav'; expected .npy, .npz"),
    ("noname", b"1", "has the suffix ''"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "reason"), BAD_ARRAYS)
def test_bad_arrays(name: str, raw: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=reason):
        decode("series", raw, name)
    assert not Path("sprung").exists()


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("a.xyz", b"1 2\n", "line 1: 2 numbers per row; expected x, y and z"),
        ("a.xyz", b"3\nwater\nO 1 2 3\n", "it declares 3 points, found 1"),
        ("a.xyz", b"1\nwater\nO 1 2 3\nH 1 2 3\n", "line 4: more than the 1 atoms"),
        ("a.xyz", b"999999999999\nwater\n", "999,999,999,999 atoms; expected at most"),
        ("a.off", b"OFF\n3 1 0\n0 0 0\n1 0", "line 4 is '1 0'; expected the numbers x, y and z of point 1"),
        ("a.off", b"OFF\n3 1 0\n0 0 0\n", "it declares 3 points, found 1"),
        ("a.off", b"OFF\n99999999999 1 0\n", "99,999,999,999 vertices; expected at most"),
        ("a.off", b"OFF\n-1 1 0\n", "expected the numbers of vertices"),
        ("a.off", b"OFF", "expected the numbers of vertices"),
        ("a.off", b"4OFF\n1 1 1\n", "expected the keyword OFF"),
        ("a.off", b"OFF BINARY\n\0\0", "expected the keyword OFF"),
        ("a.ply", b"ply\nformat ascii 1.0\n", "with an incomplete header"),
        ("a.ply", ply("binary_big_endian").replace(b"vertex 2", b"vertex 99999999999999"), "99,999,999,999,999 vertex; expected at most"),
        ("a.ply", ply("binary_big_endian").replace(b"vertex 2", b"vertex 1000000"), "truncated: 1,000,000 vertices need 29,000,000 bytes"),
        ("a.ply", ply("binary_big_endian").replace(b"camera 1", b"camera 99999999999999999"), "truncated"),
        ("a.ply", ply("ascii").replace(b"camera 1", b"camera 99999999999999999"), "truncated"),
        ("a.ply", ply("ascii").replace(b"vertex 2", b"vertex " + b"9" * 5000), "line 6 of the .ply header"),
        ("a.ply", ply("ascii").replace(b"property double x\n", b""), "lack x"),
        ("a.ply", ply("ascii").replace(b"uchar red", b"list uchar int red"), "have, or follow, a list"),
        ("a.ply", ply("ascii").replace(b"float focus", b"list uchar int focus"), "have, or follow, a list"),
        ("a.ply", ply("ascii").replace(b"element vertex", b"element corner"), "without vertices"),
        ("a.ply", ply("ascii").replace(b"float nx", b"float x"), "each name once"),
        ("a.ply", ply("ascii").replace(b"float nx", b"object nx"), "each name once"),
        ("a.ply", ply("ascii").replace(b"0.001", b"left"), "line 3 of the body is '0 4 left 5 0'"),
        ("a.ply", ply("middle_endian"), "line 2 of the .ply header"),
    ],
)  # fmt: skip
def test_bad_clouds(name: str, raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode("set", raw, name)


def test_claims_take_no_memory() -> None:
    bomb = zipped({"a.npy": bytes(50_000_000)})
    cloud = PLY.format(order="binary_big_endian").replace("vertex 2", "vertex 6000000").encode()
    hostile = [("a.npy", npy_header(HEADER % "19000000,")), ("a.npz", lying(bomb, 2**30)), ("a.ply", cloud)]
    tracemalloc.start()
    for name, raw in hostile:
        with pytest.raises(ValueError, match=r"truncated|unpacks to"):
            decode("set", raw, name)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


@pytest.mark.parametrize(
    ("module", "limit", "value", "modality", "name", "raw"),
    [
        (arrays, "MAX_VALUES", 5, "series", "a.npy", npy(POINTS)),
        (arrays, "MAX_VALUES", 5, "series", "a.csv", b"1,2\n3,4\n5,6\n"),
        (arrays, "MAX_BYTES", 100, "series", "a.npz", npz(a=POINTS)),
        (text_files, "MAX_TEXT_BYTES", 5, "text", "a.txt", b"123456"),
        (text_files, "MAX_TEXT_BYTES", 5, "graph", "a.txt", b"123 456"),
        (decoded_graphs, "MAX_EDGES", 0, "graph", "a.graphml", GRAPHML),
        (decoded_graphs, "MAX_NODES", 1, "graph", "a.txt", b"1 2"),
        (graph_json, "MAX_JSON_BYTES", 5, "graph", "a.json", b"[1, 2]"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits(module: Any, limit: str, value: int, modality: str, name: str, raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != "a.json":
        decode(modality, raw, name)
    for place in [decode_module, edge_lists, graphml, module]:  # wherever the name was imported to
        if hasattr(place, limit):
            monkeypatch.setattr(place, limit, value)
    with pytest.raises(ValueError, match=r"at most|more than"):
        decode(modality, raw, name)


VALID = {
    ".npy": npy(POINTS), ".npz": npz(a=POINTS), ".csv": b"x,y\n1,2\n3,\n", ".tsv": b"1\t2\n", ".txt": b"1 2\n3 4\n", ".xyz": XYZ,
    ".ply": ply("binary_little_endian"), ".off": b"OFF\n2 0 0\n" + XYZ, ".edges": b"a b 1\nb c 2\n", ".graphml": GRAPHML,
    ".json": json.dumps(NODE_LINK).encode(),
}  # fmt: skip


def test_every_format_has_a_valid_file_to_damage() -> None:
    assert {suffix for formats in FORMATS.values() for suffix in formats} == set(VALID)


@pytest.mark.parametrize(("modality", "suffix"), [(modality, suffix) for modality, formats in FORMATS.items() for suffix in formats])
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(noise=st.binary(max_size=60), start=st.integers(0, 400), length=st.integers(0, 400))
def test_any_bytes_are_read_or_refused_in_words(modality: str, suffix: str, noise: bytes, start: int, length: int) -> None:
    whole = VALID[suffix]
    for raw in (noise, whole[:start] + noise + whole[start + length :]):
        try:
            value = decode(modality, raw, "a" + suffix)
        except ValueError as error:
            assert str(error)
            continue
        assert len(column(modality, [value])) == 1


# ------------------------------------------------------------------ columns
FILES: list[tuple[str, str, bytes, Any]] = [
    ("series", "a.csv", b"1,2\n3,\n", [[1.0, 2.0], [3.0, None]]),
    ("set", "a.xyz", XYZ, POINTS.tolist()),
    ("vector", "a.npy", npy(np.ones(3)), [1, 2, 3]),
    ("tactile", "a.npy", npy(np.ones((1, 2, 3))), [[[1, 1, 1], [1, None, 1]]]),
    ("graph", "a.json", json.dumps(NODE_LINK).encode(), NODE_LINK),
    ("text", "a.txt", b"text", "another"),
    ("image", "a.png", b"bytes", b"others"),
    ("audio", "a.wav", b"bytes", b"others"),
]


@pytest.mark.parametrize(("modality", "name", "raw", "inline"), FILES, ids=[modality for modality, *_ in FILES])
def test_columns_are_of_the_types_that_modalities_read(modality: str, name: str, raw: bytes, inline: Any) -> None:
    made = column(modality, [decode(modality, raw, name), inline, None])
    check_type(made, component("modalities", modality), "here")
    assert made.is_null().to_pylist() == [False, False, True]
    later = column(modality, [None], made.type)
    assert later.type == made.type and later.null_count == 1
    if modality not in ("image", "audio"):
        component("modalities", modality).featurize(made.slice(0, 2), component("modalities", modality).settings())


def test_numbers_keep_their_digits() -> None:
    stamps = np.array([[1.7e9 + 1e-3], [1.7e9 + 2e-3]])
    assert column("series", [stamps]).to_pylist() == [stamps.tolist()]


@pytest.mark.parametrize(
    ("modality", "values", "reasons"),
    [
        ("series", [[[1, 2]], [[1, 2], [1]], [["a", "b"]]], {1: "row 1 has 1 numbers, the first has 2", 2: "expected numbers in lists"}),
        ("series", [[[1, 2]], None, [[1, 2, 3]], [[1]]], {2: "3 numbers per point, earlier samples have 2", 3: "1 numbers per point"}),
        ("series", [[1, 2], {"x": 1}, "text", [[[1]]], [], [[1], None]],
         {1: "dict", 2: "str 'text'; expected a list", 3: "expected numbers in lists", 4: "is empty", 5: "row 1 is null"}),
        ("series", [None, None], {0: "missing", 1: "missing"}),
        ("tactile", [np.zeros((1, 2, 3)), np.zeros((1, 3, 2))], {1: "3×2 numbers per point, earlier samples have 2×3"}),
        ("image", [b"a", "a.png"], {1: "str 'a.png'; expected the bytes of a file"}),
        ("text", ["a", 3, ["a"]], {1: "int '3'; expected a text", 2: "list"}),
        ("text", [{"text": "a"}, {"texts": "a"}, {"text": 3}], {1: "dict", 2: "expected text and speaker"}),
        ("text", [["a", None, "b"], ["a", 3]], {1: "expected a list of words"}),
        ("graph", [NODE_LINK, {"nodes": [{"id": 0, "mass": 1}], "links": []}], {1: "attributes mass, those of earlier graphs z"}),
        ("graph", [NODE_LINK, 3], {1: "expected a graph"}),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_named(modality: str, values: list[Any], reasons: dict[int, str]) -> None:
    with pytest.raises(ColumnError) as caught:
        column(modality, values)
    assert set(caught.value.reasons) == set(reasons)
    for place, reason in reasons.items():
        assert reason in caught.value.reasons[place]
        assert f"value {place}: " in str(caught.value)


def test_a_later_piece_has_the_type_of_the_first() -> None:
    bare = {"n_nodes": 2, "source": [0], "target": [1]}
    full = column("graph", [NODE_LINK])
    later = column("graph", [bare, NODE_LINK], full.type)
    assert later.type.equals(full.type, check_metadata=True) and later.to_pylist()[0]["weight"] is None
    with pytest.raises(ColumnError, match="value 0: a graph with weight, which earlier graphs lack"):
        column("graph", [NODE_LINK], column("graph", [bare]).type)
    with pytest.raises(ColumnError, match="mass, those of earlier graphs z"):
        column("graph", [{"nodes": [{"id": 0, "mass": 1}]}], full.type)
    with pytest.raises(ColumnError, match="3 numbers per point, earlier samples have 2"):
        column("set", [POINTS], column("set", [POINTS[:, :2]]).type)
    assert column("text", [{"text": "a", "speaker": None}], pa.struct([("text", pa.string()), ("speaker", pa.string())])).null_count == 0


def test_a_modality_without_files_is_refused() -> None:
    with pytest.raises(ValueError, match="'table' has no file format; expected series"):
        decode("table", b"", "a.csv")
    with pytest.raises(ValueError, match="'table' has no file format"):
        column("table", [])
