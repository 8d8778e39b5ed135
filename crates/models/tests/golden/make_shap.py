"""Shapley values of small scikit-learn forests by the shap package: `make_shap.py > shap.json`.

Needs shap==0.51.0 scikit-learn==1.9.1. Nodes as `FlatForest` writes them; scikit-learn goes left at `number <= threshold`, which
the next double above says as `<`. Numbers are multiples of 1/8: scikit-learn compares them as 32-bit floats.
"""

import json
import warnings

import numpy
import shap
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor

warnings.simplefilter("ignore")
random = numpy.random.default_rng(7)
rows = numpy.round(random.normal(size=(400, 6)) * 8) / 8
labels = (rows[:, 0] * rows[:, 1] + rows[:, 2] + 0.3 * random.normal(size=400) > 0.8).astype(int)


def flat(combine, trees, scale):
    forest = {"width": 6, "combine": combine, "roots": [], "feature": [], "threshold": [], "left": [], "right": [], "missing_left": [], "value": [], "cover": []}
    for tree in trees:
        start = len(forest["value"])
        forest["roots"].append(start)
        for node in range(tree.node_count):
            is_leaf = tree.children_left[node] < 0
            forest["feature"].append(0 if is_leaf else int(tree.feature[node]))
            forest["threshold"].append(0.0 if is_leaf else float(numpy.nextafter(tree.threshold[node], numpy.inf)))
            forest["left"].append(0 if is_leaf else start + int(tree.children_left[node]))
            forest["right"].append(0 if is_leaf else start + int(tree.children_right[node]))
            forest["missing_left"].append(False)
            forest["value"].append(float(tree.value[node].ravel()[0]) * scale if is_leaf else 0.0)
            forest["cover"].append(float(tree.weighted_n_node_samples[node]))
    return forest


def case(name, combine, trees, scale, model):
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(rows[:20])
    return {"name": name, "form": {"forest": flat(combine, trees, scale)}, "rows": rows[:20].tolist(),
            "base": float(numpy.ravel(explainer.expected_value)[0]), "contributions": values.tolist()}


bagged = RandomForestRegressor(8, max_depth=6, random_state=1).fit(rows, labels)
boosted = GradientBoostingClassifier(n_estimators=20, max_depth=4, random_state=1).fit(rows, labels)
prior = numpy.log(labels.mean() / (1 - labels.mean()))
print(json.dumps([
    case("bagged trees", {"combine": "mean", "odds_factor": 1.0}, [tree.tree_ for tree in bagged.estimators_], 1.0, bagged),
    case("boosted trees", {"combine": "sum", "base": float(prior)}, [tree.tree_ for tree in boosted.estimators_.ravel()], 0.1, boosted),
]))
