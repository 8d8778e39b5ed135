"""Chooses parameters for `handbook.toml` without a look at its test days: `handbook_tune.py DATA_FOLDER JUDGE_FAMILIES`.

Prequential validation as in the handbook's chapter 5: the split of `handbook.py` as it would have been two, three, four and five weeks
earlier, so that every validation day lies before the delay of the labels of the real training days ends. Prints each candidate's average
precision, the mean over the four weeks and what it is by week. Needs what `handbook.py` needs.
"""

import datetime
import json
import sys

import numpy
from sklearn.metrics import average_precision_score

import handbook

WEEKS = (2, 3, 4, 5)
BOOSTED = dict(rounds=200, max_leaves=8, max_depth=4, learning_rate=0.03, l2=1.0, min_rows_per_leaf=1, rows_share=0.8, features_share=0.3)
CANDIDATES = [("gradient_boosting", BOOSTED | changes) for changes in (
    {}, dict(rounds=100, learning_rate=0.1, max_depth=3, features_share=1.0, rows_share=1.0), dict(features_share=0.5), dict(features_share=1.0),
    dict(rounds=400), dict(rounds=400, learning_rate=0.015), dict(max_leaves=16, max_depth=6), dict(max_leaves=5, max_depth=4),
    dict(min_rows_per_leaf=10), dict(min_rows_per_leaf=30), dict(l2=10.0), dict(l2=10.0, min_rows_per_leaf=10, features_share=0.5),
    dict(rows_share=0.5), dict(rounds=100, learning_rate=0.05), dict(rounds=300, max_leaves=6, max_depth=3), dict(bins=64), dict(negatives_per_positive=1000.0),
)] + [("random_forest", changes) for changes in (
    {}, dict(trees=300), dict(trees=300, max_depth=20), dict(trees=300, max_depth=20, min_rows_per_leaf=5), dict(trees=300, features_share=0.5),
    dict(trees=300, negatives_per_positive=1000.0), dict(trees=300, max_depth=20, random_thresholds=True))]


def specification():
    head = (handbook.HERE / "handbook.toml").read_text().split("[[candidate]]")[0]
    written = (", ".join(f"{name} = {json.dumps(value)}" for name, value in parameters.items()) for _, parameters in CANDIDATES)
    return head + "".join(f'[[candidate]]\nfamily = "{family}"\nparameters = {{ {text} }}\n' for (family, _), text in zip(CANDIDATES, written))


def main():
    weeks = []
    for week in WEEKS:
        first_day = datetime.date(2018, 7, 25) - datetime.timedelta(weeks=week)
        train, test = handbook.split(handbook.load(sys.argv[1], first_day))
        scores = handbook.ours(sys.argv[2], train, test, specification())
        weeks.append([average_precision_score(test.fraud, found) for _, found in scores])
        print(f"week of {first_day}: {len(train)} rows, {len(test)} to validate", file=sys.stderr, flush=True)
    means = numpy.mean(weeks, axis=0)
    for place in numpy.argsort(-means):
        family, parameters = CANDIDATES[place]
        changes = {name: value for name, value in parameters.items() if family == "random_forest" or BOOSTED.get(name) != value}
        print(f"{means[place]:.4f}  {' '.join(f'{week[place]:.3f}' for week in weeks)}  {family} {changes}")


main()
