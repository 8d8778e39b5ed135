"""Recomputes every row of signals_sample.csv with naive loops, and the five marts with plain counters: `brute_force.py DATA_FOLDER`.

No query engine and no code shared with make_golden.py: this is what vouches for expected.sql.
"""

import collections
import csv
import datetime
import gzip
import json
import math
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
HOUR, DAY = 3600, 86400


def read_purchases(folder):
    labels = json.load(gzip.open(folder / "train_fraud_labels.json.gz"))["target"]
    limits = {row["id"]: float(row["credit_limit"].strip("$")) for row in csv.DictReader(open(folder / "cards_data.csv"))}
    for row in csv.DictReader(gzip.open(folder / "transactions_data.csv.gz", "rt")):
        amount = float(row["amount"].replace("$", "").replace(",", ""))
        if amount > 0:
            moment = datetime.datetime.fromisoformat(row["date"])
            yield {
                "id": int(row["id"]), "time": int((moment - datetime.datetime(1970, 1, 1)).total_seconds()), "moment": moment, "amount": amount,
                "card": row["card_id"], "client": row["client_id"], "merchant": row["merchant_id"], "mcc": row["mcc"],
                "state": row["merchant_state"] or "ONLINE", "failed": "Bad PIN" in row["errors"] or "Bad CVV" in row["errors"],
                "limit": limits[row["card_id"]], "label": {"Yes": 1, "No": 0}.get(labels.get(row["id"])),
            }


def rate(events, time):
    known = [event["label"] for event in events if event["time"] < time - 7 * DAY and event["label"] is not None]
    return (sum(known) + 0.0015 * 100) / (len(known) + 100)


def signals(event, card, merchant, mcc):
    time = event["time"]
    past = [other for other in card if other["time"] < time]
    within = lambda span: [other for other in past if other["time"] >= time - span]
    dollars = lambda span: math.fsum(other["amount"] for other in within(span))
    last = max(past, key=lambda other: (other["time"], other["id"]), default=None)
    month = [other["amount"] for other in within(30 * DAY)]
    zscore = None
    if len(month) > 1:
        spread = statistics.stdev(month)
        zscore = 0.0 if spread <= 1e-6 else (event["amount"] - statistics.mean(month)) / spread
    return {
        "transaction_id": event["id"], "timestamp_ts": str(event["moment"]), "tx_card_id": int(event["card"]), "client_id": int(event["client"]),
        "hour": event["moment"].hour, "weekday": event["moment"].isoweekday(), "amount_to_limit": event["amount"] / event["limit"],
        "card_count_1h": len(within(HOUR)), "card_count_24h": len(within(DAY)), "card_count_7d": len(within(7 * DAY)),
        "card_amount_1h": dollars(HOUR), "card_amount_24h": dollars(DAY), "card_amount_7d": dollars(7 * DAY),
        "seconds_since_previous": None if last is None else time - last["time"], "amount_zscore_30d": zscore,
        "is_new_merchant": event["merchant"] not in {other["merchant"] for other in past},
        "distinct_merchants_24h": len({other["merchant"] for other in within(DAY)}),
        "is_state_change": last is not None and last["state"] != event["state"],
        "failed_verification_24h": sum(other["failed"] for other in within(DAY)),
        "merchant_fraud_rate": rate(merchant, time), "mcc_fraud_rate": rate(mcc, time),
    }


def agrees(text, value):
    if isinstance(value, float):
        return text != "" and math.isclose(float(text), value, rel_tol=1e-11, abs_tol=1e-11)
    return text == ("" if value is None else str(value).lower() if isinstance(value, bool) else str(value))


def check(name, rows, expected):
    """Every committed row against the recomputed one; a mismatch is printed."""
    values = wrong = 0
    for row, facts in zip(rows, expected, strict=True):
        assert row.keys() >= facts.keys(), row.keys() ^ facts.keys()
        for column, value in facts.items():
            values += 1
            if not agrees(row[column], value):
                wrong += 1
                print(f"{name}: {column}: committed {row[column]}, here {value}, in {row}")
    print(f"{name}: {len(rows)} rows, {values} values, {wrong} differ")
    return wrong


def mart(events):
    labels = [event["label"] for event in events if event["label"] is not None]
    count, frauds = len(events), sum(labels)
    return {"tx_count": count, "fraud_count": frauds, "drop_count": count - frauds, "fraud_rate": frauds / count, "drop_rate": (count - frauds) / count,
            "labelled_count": len(labels), "labelled_fraud_rate": frauds / len(labels) if labels else None}


def card_mart(events):
    return mart(events) | {"avg_amount": math.fsum(event["amount"] for event in events) / len(events)}


def client_mart(events):
    spread = statistics.stdev(event["amount"] for event in events)
    return card_mart(events) | {"std_amount": spread, "unique_merchants": len({event["merchant"] for event in events})}


def velocity(events):
    daily = collections.Counter(event["moment"].date() for event in events).values()
    return {"avg_daily_txn": len(events) / len(daily), "max_daily_txn": max(daily)}


def main():
    purchases = list(read_purchases(pathlib.Path(sys.argv[1])))
    groups = {key: collections.defaultdict(list) for key in ("card", "client", "merchant", "mcc", "hour")}
    for event in purchases:
        for key, group in groups.items():
            group[str(event["moment"].hour) if key == "hour" else event[key]].append(event)
    by_id = {str(event["id"]): event for event in purchases}
    committed = lambda name: list(csv.DictReader(open(HERE / f"{name}.csv")))

    rows = committed("signals_sample")
    events = [by_id[row["transaction_id"]] for row in rows]
    wrong = check("signals_sample", rows, [signals(e, groups["card"][e["card"]], groups["merchant"][e["merchant"]], groups["mcc"][e["mcc"]]) for e in events])
    for name, column, key, compute in [
        ("dm_client_features", "client_id", "client", client_mart), ("dm_card_features", "tx_card_id", "card", card_mart),
        ("dm_client_velocity", "client_id", "client", velocity), ("dm_mcc_fraud_risk", "mcc_code", "mcc", mart), ("dm_time_of_day_fraud", "hour", "hour", mart),
    ]:
        rows = committed(name)
        assert {row[column] for row in rows} == set(groups[key])
        wrong += check(name, rows, [compute(groups[key][row[column]]) for row in rows])
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
