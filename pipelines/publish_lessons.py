"""Publish the lessons to MLflow, experiment sensorium/lessons: `python -m pipelines.publish_lessons`, the last stage of their graph.

As pipelines.publish does for data sets: a run per lesson, keyed by what DVC tracks. Publishing twice logs once.
"""

from pipelines.publishing.lesson_records import EXPERIMENT, lesson_record, lessons_view
from pipelines.publishing.links import leaderboard_link
from pipelines.publishing.lock_entries import read_lock
from pipelines.publishing.runs import NOTE
from pipelines.publishing.synced_runs import delete_half_done, sync_runs
from pipelines.publishing.tracking import connect, experiment_of_dvc, open_experiment, refusals
from stages.checking.pipeline_settings import PublishEntry
from stages.checking.stale_outputs import LESSONS_LOCK
from stages.contracts.paths import DATA
from stages.foundation.entry import run_stage
from stages.foundation.errors import InputError
from stages.foundation.params_file import PARAMS, read_params, section
from stages.foundation.tables import write_json

RECEIPT = DATA / "published" / "lessons.json"
ABOUT = "Every concept of the lecture as a small experiment. [All of them, in its order]({link}); the page is data/lecture/lecture.html."


def main() -> None:
    """Bring the experiment of lessons up to date with their dvc.lock; write the receipt."""
    params, lock = read_params(), read_lock(LESSONS_LOCK)
    names = list(params.get("lessons") or {})
    if not names:
        raise InputError(f"{PARAMS}: lessons: no lesson is declared; add one, such as `lessons: {{xor: {{}}}}`")
    if missing := [name for name in names if f"lesson@{name}" not in lock]:
        raise InputError(f"{LESSONS_LOCK}: has no lesson {missing[0]!r}, so it has not been run; `make lessons` first")
    records = [lesson_record(lock, name) for name in names]
    server = connect(section(params, "publish", PublishEntry))
    with refusals(server.uri):
        experiment = open_experiment(server, EXPERIMENT, {})
        dvc_experiment = experiment_of_dvc()
        if dvc_experiment is None:
            open_experiment(server, EXPERIMENT, {NOTE: ABOUT.format(link=leaderboard_link(experiment)), **lessons_view(),
                                                 "mlflow.experimentKind": "custom_model_development"})
        synced = sync_runs(server, experiment, records, dvc_experiment=dvc_experiment)
        delete_half_done(server, experiment, synced)
    print(f"{EXPERIMENT}: {synced.counted}", flush=True)
    write_json(RECEIPT, {record.name: record.key for record in records})


if __name__ == "__main__":
    run_stage(main)
