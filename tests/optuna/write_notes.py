"""Writes into a journal what Optuna's programs write beside a search.

usage: write_notes.py JOURNAL STUDY

A note on the study and on its unfinished trials, another study of the same file with numbers that
only Python writes (NaN), and a copy of the study into JOURNAL.copy.
"""

import sys

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend


def main(journal, name):
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(journal))
    study = optuna.load_study(study_name=name, storage=storage)
    study.set_user_attr("noted by optuna", ["ä", 1.5, None])
    storage.set_study_system_attr(study._study_id, "dashboard:note_ver", 1)
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        storage.set_trial_user_attr(trial._trial_id, "seen by", "optuna")

    def objective(trial):
        trial.report(float("nan"), 0)
        trial.set_user_attr("limit", float("-inf"))
        return trial.suggest_float("norm", -5.0, 5.0)

    other = optuna.create_study(study_name=f"beside {name}", storage=storage)
    other.optimize(objective, n_trials=3)

    copy = JournalStorage(JournalFileBackend(journal + ".copy"))
    optuna.copy_study(from_study_name=name, from_storage=storage, to_storage=copy)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
