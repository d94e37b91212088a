"""Tune a model of scikit-learn from Python: gradient boosting on the diabetes data, by five-fold cross-validation.

Run it with ``python examples/tune_in_python.py``; it takes about half a minute, prints the untuned and the tuned error,
and leaves its run in ``runs/``. Needs scikit-learn: ``pip install 'runlib[examples]'``.
"""

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import cross_val_score

from runlib import Hyperopt, Run, StopAny, StopMax, StopNoProgress

SPACE = {
    "learning_rate": ["hp_loguniform", "learning_rate", -5, 0],  # bounds are natural logarithms
    "n_estimators": ["hp_uniformint", "n_estimators", 20, 150],
    "max_depth": ["hp_choice", "max_depth", [1, 2, 3, 4]],
    "subsample": ["hp_uniform", "subsample", 0.4, 1.0],
}
x, y = load_diabetes(return_X_y=True)


def evaluate(**parameters):
    """The mean RMSE over five folds; called in a worker process, with one keyword for each variable of the space."""
    model = GradientBoostingRegressor(random_state=0, **parameters)
    scores = cross_val_score(model, x, y, cv=5, scoring="neg_root_mean_squared_error")
    return {"loss": -scores.mean(), "var": scores.var()}


stop = StopAny([StopMax(60), StopNoProgress(30)])
run = Run(Hyperopt(SPACE, seed=1), evaluate, stop, trial_timeout=30).prepare("runs").run(duration=2)
print(f"untuned RMSE {evaluate()['loss']:.2f}, tuned RMSE {run.best.loss:.2f} after {len(run.state.trials)} trials")
print(f"best: {run.best.suggestion}")
print(f"look at it:  runlib top {run.work_directory}")
