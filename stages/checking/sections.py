"""The sections of params.yaml that have defaults, each with its settings model."""

from collections.abc import Mapping

from stages.checking.pipeline_settings import FlowEntry, PublishEntry
from stages.conditions.condition_settings import ConditionsEntry
from stages.contracts.settings import Settings
from stages.evaluation.evaluate_settings import EvaluateEntry
from stages.splitting.split_settings import SplitEntry
from stages.training.train_settings import TrainEntry
from stages.validation.leak_settings import LeakageEntry

SECTIONS: Mapping[str, type[Settings]] = {
    "split": SplitEntry,
    "leakage": LeakageEntry,
    "train": TrainEntry,
    "conditions": ConditionsEntry,
    "evaluate": EvaluateEntry,
    "publish": PublishEntry,
    "flow": FlowEntry,
}
