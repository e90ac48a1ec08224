"""Make an MLflow store with one experiment and one run in it, and say which they are.

    store.py DATABASE

DATABASE is an SQLite file; run artifacts go to the folder `artifacts` beside it. Prints one JSON
object: {"experiment_id", "run_id", "made"}. A store that already has an active run of the experiment
is left as it is.
"""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

EXPERIMENT = "churn-model"

ACTIVE_RUN = """
    select experiments.experiment_id, runs.run_uuid
    from runs join experiments using (experiment_id)
    where experiments.name = ? and runs.lifecycle_stage = 'active'
    order by runs.start_time
"""


def find(database: Path) -> tuple[str, str] | None:
    """The experiment and its first active run, read without MLflow, whose import takes seconds."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection:
        try:
            row = connection.execute(ACTIVE_RUN, (EXPERIMENT,)).fetchone()
        except sqlite3.OperationalError:  # no tables yet
            return None
    return (str(row[0]), row[1]) if row else None


def make(database: Path) -> tuple[str, str]:
    import mlflow

    database.parent.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(f"sqlite:///{database}")
    experiment = mlflow.get_experiment_by_name(EXPERIMENT)
    if experiment:
        experiment_id = experiment.experiment_id
    else:
        artifacts = (database.parent / "artifacts").as_uri()
        experiment_id = mlflow.create_experiment(EXPERIMENT, artifact_location=artifacts)
    with mlflow.start_run(experiment_id=experiment_id, run_name="baseline") as run:
        mlflow.log_param("learning_rate", 0.01)
        mlflow.log_metric("accuracy", 0.93)
    return experiment_id, run.info.run_id


def main() -> None:
    database = Path(sys.argv[1]).resolve()
    found = find(database)
    experiment_id, run_id = found or make(database)
    print(json.dumps({"experiment_id": experiment_id, "run_id": run_id, "made": found is None}))


if __name__ == "__main__":
    main()
