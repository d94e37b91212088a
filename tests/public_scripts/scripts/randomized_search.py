"""The shape of RandomizedSearchCV: a pipeline, distributions of scipy.stats, an own transformer, joblib.dump."""

import joblib
import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.datasets import load_iris
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from runlib import Categorical, RandomSearch, Run, StopMax

features, target = load_iris(return_X_y=True)


def powers(x):
    return np.hstack([x, x**2])


pipe = Pipeline([("powers", FunctionTransformer(powers)), ("ridge", RidgeClassifier())])
param_distributions = {
    "ridge__alpha": loguniform(1e-3, 1e3),
    "ridge__max_iter": randint(50, 100),
    "ridge__tol": uniform(1e-5, 1e-3),
    "ridge__class_weight": Categorical([None, "balanced"]),
}


def evaluate(**params):
    model = pipe.set_params(**params)
    scores = cross_val_score(model, features, target, cv=3)
    joblib.dump(model, "last.pkl")
    return {"score": scores.mean(), "scores": scores, "model": model}


search = Run(RandomSearch(param_distributions, seed=0), evaluate, StopMax(8), objective="score", direction="max")
search.prepare("runs").run()
best = pipe.set_params(**search.best.suggestion).fit(features, target)
joblib.dump(best, "best.pkl")
outcome = search.state.trials.get_outcome(search.best.tid)
assert np.isclose(np.mean(outcome["scores"]), search.best.loss)
assert len(outcome["scores"]) == 3
assert 50 <= search.best.suggestion["ridge__max_iter"] < 100
assert joblib.load("last.pkl").named_steps["powers"].func is powers
assert joblib.load("best.pkl").score(features, target) > 0.8
