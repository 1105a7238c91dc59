"""Cuneiform: 30 signs on nine tablets, tested on tablets that were not trained on."""

from typing import Any

from benchmarks.public.comparison import Comparison, PublicRun

MODALITIES = ["sign", "points"]
FEATURES: dict[str, Any] = {
    "cuneiform-sign": {"dataset": "cuneiform", "modality": "graph", "features": "statistics"},
    "cuneiform-points": {"dataset": "cuneiform", "modality": "set", "channels": ["x", "y", "depth"]},
}

COMPARISON = Comparison(
    title="Which of 30 signs do the wedges on a clay tablet form? 267 signs of nine tablets, each sign at most once per tablet.",
    runs={
        "tablets": PublicRun(
            "Five folds by tablet; statistics of the graph, and its points as a set.",
            {
                "datasets": {"cuneiform": {"rows": "all", "target": "sign", "modalities": MODALITIES}},
                "features": FEATURES,
                "train": {"n_seeds": 1},
                "controls": {"constant": {}, "size": {}},
                "models": {
                    "knn": {"n_neighbors": [1, 2, 3, 5], "metric": ["manhattan", "euclidean", "cosine"],
                            "weights": ["uniform", "distance"]},
                    "linear": {"C": [0.1, 1, 10, 100], "n_components": None},
                    "svm": {"kernel": ["linear", "rbf"], "C": [0.1, 1, 10, 100], "gamma": [0.1, 0.3, 1, 3]},
                },
            },
            ("accuracy", "macro_f1"),
        )
    },
    published=[],
    differences=[
        "The data are of N. M. Kriege, M. Fey, D. Fisseler, P. Mutzel and F. Weichert (2018), PMLR 88, 31-44, arXiv:1802.05908, who "
        "compare nearest neighbors by a graph edit distance with networks of splines. Their scores could not be read, so none is held "
        "against ours.",
        "Scores on random folds would be of signs whose tablet, and so writer, was trained on; ours are of other tablets.",
        "Networks were trained there on augmented examples too; nothing is augmented here.",
    ],
)  # fmt: skip
