"""A pipeline for texts, tuned with hyperopt: n-grams as tuples, weights by class, one C for two models."""

from hyperopt import STATUS_OK, hp
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from runlib import Hyperopt, Run, StopMax

TEXTS = ["good film", "very good", "not good at all", "bad film", "really bad", "not bad at all"] * 10
LABELS = [1, 1, 0, 0, 0, 1] * 10
MODELS = {"svm": SVC, "logistic": LogisticRegression, "network": MLPClassifier}

C = hp.loguniform("C", -3, 3)
weight = hp.choice("class_weight", [None, "balanced", {0: 1, 1: 2}])
space = {
    "ngram_range": hp.choice("ngram_range", [(1, 1), (1, 2), (1, 3)]),
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": C, "class_weight": weight},
            {"kind": "logistic", "C": C, "class_weight": weight},
            {"kind": "network", "hidden_layer_sizes": hp.choice("hidden", [(5,), (5, 5)]), "max_iter": 20},
        ],
    ),
}


def objective(params):
    import warnings

    warnings.simplefilter("ignore")  # the network does not converge
    chosen = dict(params["model"])
    model = MODELS[chosen.pop("kind")](**chosen)
    pipeline = make_pipeline(CountVectorizer(ngram_range=params["ngram_range"]), model)
    return {"loss": -cross_val_score(pipeline, TEXTS, LABELS, cv=2).mean(), "status": STATUS_OK}


run = Run(Hyperopt(space, seed=3), objective, StopMax(12)).prepare("runs").run()
assert type(run.best.suggestion["ngram_range"]) is tuple
again = Run.restore(run.work_directory, new_stop=StopMax(15), verify=True).run()
assert len(again.state.trials.where_state("ok")) == 15
print(again.best.loss, again.best.suggestion)
