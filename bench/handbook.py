"""The Fraud Detection Handbook's published split, for our families and its own: `handbook.py DATA_FOLDER JUDGE_FAMILIES`.

DATA_FOLDER holds the handbook's simulated transactions as Parquet; JUDGE_FAMILIES is the program that
`cargo build --release -p lakehouse-training --example judge_families` makes. Train 2018-07-25 to 07-31, a week until labels are known,
test 08-08 to 08-14 without the customers whose fraud is known by then. Features are those of the handbook's chapter 3, made by DuckDB.
Needs duckdb==2.0.0 lightgbm==4.7.0 pandas==3.1.1 scikit-learn==1.9.1 xgboost==3.2.0.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import numpy
import pandas
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from xgboost import XGBClassifier

HERE = pathlib.Path(__file__).resolve().parent
DAY = 86_400_000_000
WINDOWS = (1, 7, 30)
FEATURES = ["amount", "is_weekend", "is_night"] + [f"{name}_{days}d" for days in WINDOWS for name in ("customer_count", "customer_mean", "terminal_count", "terminal_risk")]
PUBLISHED = {
    "handbook ch. 3, logistic regression": (0.871, 0.606, 0.291),
    "handbook ch. 3, random forest": (0.867, 0.658, 0.287),
    "handbook ch. 3, XGBoost": (0.862, 0.639, 0.273),
    "handbook ch. 5, random forest, tuned": (0.875, 0.678, 0.303),
    "handbook ch. 5, XGBoost, tuned": (0.872, 0.694, 0.304),
}
PEERS = {
    "random forest, scikit-learn": RandomForestClassifier(100, n_jobs=1, random_state=1),
    "XGBoost, exact, depth 3": XGBClassifier(n_jobs=1, n_estimators=100, max_depth=3, learning_rate=0.1, tree_method="exact"),
    "LightGBM, defaults": LGBMClassifier(n_jobs=1, random_state=1, verbose=-1),
    "LightGBM, 8 leaves": LGBMClassifier(n_jobs=1, random_state=1, verbose=-1, n_estimators=200, num_leaves=8, learning_rate=0.03, feature_fraction_bynode=0.3),
}


def load(folder, first_day="2018-07-25"):
    """Rows from the first training day on. A window ends with the row's own purchase; a terminal's frauds are known a week late."""
    windows = ", ".join(
        f"c{days} as (partition by customer_id order by made_at range between interval {days * DAY - 1} microseconds preceding and current row), "
        f"t{days} as (partition by terminal_id order by made_at range between interval {(days + 7) * DAY - 1} microseconds preceding and interval 7 days preceding)"
        for days in WINDOWS)
    sums = ", ".join(
        f"count(*) over c{days} as customer_count_{days}d, avg(amount) over c{days} as customer_mean_{days}d, "
        f"count(*) over t{days} as terminal_count_{days}d, coalesce(avg(fraud) over t{days}, 0) as terminal_risk_{days}d" for days in WINDOWS)
    connection = duckdb.connect()
    connection.execute("set threads = 2; set timezone = 'UTC'")
    return connection.execute(f"""
        with rows as (select TRANSACTION_ID::bigint as id, TX_DATETIME::timestamp as made_at, CUSTOMER_ID as customer_id, TERMINAL_ID as terminal_id,
                      TX_AMOUNT::double as amount, TX_FRAUD::int as fraud from read_parquet('{folder}/*.parquet'))
        select * from (select *, (isodow(made_at) >= 6)::int as is_weekend, (hour(made_at) <= 6)::int as is_night,
                       date_diff('day', date '{first_day}', made_at::date) as day, {sums} from rows window {windows})
        where day >= 0 order by made_at, id""").fetchdf()


def split(rows):
    train = rows[rows.day < 7]
    known = set(train[train.fraud == 1].customer_id)
    days = []
    for day in range(7):
        delayed = rows[(rows.day == 6 + day) & (rows.fraud == 1)]
        known |= set(delayed.customer_id)
        days.append(rows[(rows.day == 14 + day) & ~rows.customer_id.isin(known)])
    return train, pandas.concat(days)


def card_precision(test, scores, alerts=100):
    """Share of frauds among the customers alerted each day; a customer found is not alerted again."""
    found, shares = set(), []
    for _, day in test.assign(score=scores).groupby("day"):
        day = day[~day.customer_id.isin(found)]
        top = day.groupby("customer_id")[["score", "fraud"]].max().sort_values("score", ascending=False, kind="stable").head(alerts)
        hits = set(top[top.fraud == 1].index)
        found |= hits
        shares.append(len(hits) / alerts)
    return numpy.mean(shares)


def resampled(labels, scores):
    random = numpy.random.default_rng(1)
    draws = (random.integers(len(labels), size=len(labels)) for _ in range(200))
    return numpy.percentile([average_precision_score(labels[rows], scores[rows]) for rows in draws], [2.5, 97.5])


def ours(program, train, test, specification=None):
    """The name of each candidate of `handbook.toml`, or of another specification, with its scores."""
    specification = specification or (HERE / "handbook.toml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        rows = pandas.concat([train, test]).reset_index(drop=True)
        rows[["made_at", "fraud", *FEATURES]].to_csv(f"{folder}/rows.csv", index=False)
        pathlib.Path(f"{folder}/handbook.toml").write_text(specification.replace("TEST_SHARE", repr(len(test) / len(rows))))
        told = subprocess.run([program, f"{folder}/handbook.toml", f"{folder}/rows.csv", f"{folder}/scores.csv"], check=True, capture_output=True, text=True)
        names = [line.split("AP")[0].split(maxsplit=1)[1].strip() for line in told.stdout.splitlines() if line[0].isdigit()]
        scores = pandas.read_csv(f"{folder}/scores.csv", header=None)
        return [(f"**lakehouse, {name}**", scores[position].to_numpy()[len(train):]) for position, name in enumerate(names)]


def main():
    train, test = split(load(sys.argv[1]))
    labels = test.fraud.to_numpy()
    print(f"train {len(train)} rows, {train.fraud.sum()} frauds; test {len(test)} rows, {labels.sum()} frauds")
    print("| model | ROC AUC | AP | 95 % | card precision@100 |\n|---|---:|---:|---|---:|")
    for name, (auc, precision, cards) in PUBLISHED.items():
        print(f"| {name} | {auc:.3f} | {precision:.3f} | | {cards:.3f} |")
    scores = {name: model.fit(train[FEATURES], train.fraud).predict_proba(test[FEATURES])[:, 1] for name, model in PEERS.items()}
    for name, found in [*scores.items(), *ours(sys.argv[2], train, test)]:
        low, high = resampled(labels, found)
        print(f"| {name} | {roc_auc_score(labels, found):.3f} | {average_precision_score(labels, found):.3f} | {low:.3f}-{high:.3f} | {card_precision(test, found):.3f} |")


if __name__ == "__main__":
    main()
