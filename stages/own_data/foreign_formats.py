"""Formats and layouts that are not read, recognised by their names: what each is, and how to convert it. Nothing is opened."""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import PurePosixPath

_PICKLE = (
    "a pickle, which can run any code when it is read and so is never read here; load it where you trust it, and save it with "
    "`DataFrame.to_parquet('t.parquet')` or `numpy.save`"
)
_SHEET = "save the sheet as CSV (UTF-8) and name that file"
_FORMATS: Mapping[tuple[str, ...], str] = {
    (".xlsb", ".xls"): f"an Excel workbook in a binary format; save it as .xlsx, or {_SHEET}",
    (".ods",): f"an OpenDocument spreadsheet; save it as .xlsx, or {_SHEET}",
    (".numbers",): f"a Numbers spreadsheet; {_SHEET}",
    (".h5", ".hdf5", ".he5"): "an HDF5 file; save a table with `pandas.read_hdf(path).to_parquet('t.parquet')`, or its arrays with h5py "
                              "and `numpy.save`, a .npy for each sample",
    (".mat",): "a MATLAB file; save a table with `writetable(t, 't.csv')`, or arrays with `scipy.io.loadmat` (h5py from version 7.3 on) "
               "and `numpy.save`, a .npy for each sample",
    (".pkl", ".pickle", ".joblib", ".pt", ".pth"): _PICKLE,
    (".sav", ".zsav"): "an SPSS file; save it with `pandas.read_spss(path).to_parquet('t.parquet')`",
    (".dta",): "a Stata file; save it with `pandas.read_stata(path).to_parquet('t.parquet')`",
    (".sas7bdat", ".xpt"): "a SAS file; save it with `pandas.read_sas(path).to_parquet('t.parquet')`",
    (".rds", ".rda", ".rdata"): "an R object; in R: `write.csv(readRDS(path), 't.csv', row.names = FALSE)` (`load` for .rda and .RData)",
    (".tfrecord", ".tfrecords"): "TensorFlow's records; save their features as a table with a row per sample, `DataFrame.to_parquet("
                                 "'t.parquet')`: images and sounds may stay encoded bytes",
    (".nii", ".nii.gz", ".dcm"): "a medical image; save its array with nibabel or pydicom and `numpy.save`, or slices as PNG",
    (".edf", ".bdf"): "an EDF recording; save its signals with mne or pyedflib and `numpy.save`, samples × channels",
}  # fmt: skip
_BY_ENDING = {ending: what for endings, what in _FORMATS.items() for ending in endings}
COCO = (
    "COCO annotations, with several objects per image; write a table with a row per image: its `file_name` and its classes in one cell "
    "with ; between (task multilabel), or a row per cut-out object"
)
_KALDI = (
    "a Kaldi data folder; write a table with a row per utterance, its file (wav.scp), speaker (utt2spk, for `group`) and label; sounds "
    "that a command in wav.scp makes must be files"
)
_BIDS = (
    "a BIDS data set; name its participants.tsv as `table` with `files: 'sub-…'` patterns for what each participant has, as .npy, .csv or "
    "WAV (nibabel and mne save them)"
)
_COCO_FILE = re.compile(r"(.*/)?annotations/(instances|captions|person_keypoints)_[^/]*\.json")
_SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")


def foreign_format(name: str) -> str | None:
    """Return what a file is by its ending, and how to convert it; None if its ending is not known."""
    lower = PurePosixPath(name).name.lower()
    return next((what for ending, what in _BY_ENDING.items() if lower.endswith(ending)), None)


def foreign_layout(names: Sequence[str]) -> str | None:
    """Return what a folder is by the names of its files, and how to convert it; None if it is in no known layout."""
    tops = {name.partition("/")[0] for name in names}
    return next((what for is_one, what in _LAYOUTS if is_one(names, tops)), None)


def is_coco(keys: Set[str]) -> bool:
    """Return whether a JSON object with these keys holds COCO annotations."""
    return {"images", "annotations"} <= keys


_LAYOUTS: tuple[tuple[Callable[[Sequence[str], Set[str]], bool], str], ...] = (
    (lambda names, tops: {"wav.scp", "utt2spk"} <= tops, _KALDI),
    (lambda names, tops: "dataset_description.json" in tops and any(map(_SUBJECT.fullmatch, tops)), _BIDS),
    (lambda names, tops: any(map(_COCO_FILE.fullmatch, names)), COCO),
)
