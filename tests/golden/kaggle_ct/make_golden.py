"""Writes the golden CSV files of this folder from the raw data: `make_golden.py DATA_FOLDER [OUTPUT_FOLDER]`.

Engine: DuckDB 2.0.0 (`pip install duckdb==2.0.0`), nothing else outside the standard library. The rules are in expected.sql.
"""

import csv
import datetime
import gzip
import json
import math
import pathlib
import sys

import duckdb

HERE = pathlib.Path(__file__).resolve().parent
MARTS = {
    "dm_client_features": "client_id",
    "dm_card_features": "tx_card_id",
    "dm_client_velocity": "client_id",
    "dm_mcc_fraud_risk": "mcc_code",
    "dm_time_of_day_fraud": "hour",
}


def load_raw(connection, folder):
    """Every raw field as text; an empty one is null."""
    for table, file in [("raw_transactions", "transactions_data.csv.gz"), ("raw_cards", "cards_data.csv"), ("raw_users", "users_data.csv")]:
        connection.execute(f"create table {table} as from read_csv(?, header = true, all_varchar = true, nullstr = '')", [str(folder / file)])
    codes = json.loads((folder / "mcc_codes.json").read_text())
    with gzip.open(folder / "train_fraud_labels.json.gz", "rt") as file:
        labels = json.load(file)["target"]
    for table, column, pairs in [("raw_mcc_codes", "mcc, description", codes), ("raw_labels", "id, verdict", labels)]:
        keys, values = list(pairs), list(pairs.values())
        connection.execute(f"create table {table} as select unnest($1::varchar[]) as {column.split(', ')[0]}, unnest($2::varchar[]) as {column.split(', ')[1]}", [keys, values])


def text(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([text(value) for value in row] for row in rows)
    print(f"{path.name}: {path.stat().st_size} bytes")


def query(connection, sql):
    result = connection.execute(sql)
    return [column[0] for column in result.description], result.fetchall()


def as_number(value):
    """Days for a date, seconds for an instant, 0 or 1 for a boolean."""
    if isinstance(value, datetime.datetime):
        return round((value - datetime.datetime(1970, 1, 1)).total_seconds())
    if isinstance(value, datetime.date):
        return (value - datetime.date(1970, 1, 1)).days
    return int(value) if isinstance(value, bool) else value


def total(values):
    """Exact for integers, rounded once for reals."""
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)


def silver_totals(connection):
    header, rows = query(connection, "from silver")
    yield "*", "rows", len(rows)
    yield "*", "refunds", sum(row[header.index("is_refund")] for row in rows)
    labels = [row[header.index("label")] for row in rows]
    for name, verdict in [("labels_0", 0), ("labels_1", 1), ("labels_null", None)]:
        yield "*", name, sum(label == verdict for label in labels)
    for column, values in zip(header, zip(*rows)):
        known = [as_number(value) for value in values if value is not None]
        yield column, "nulls", len(values) - len(known)
        if isinstance(known[0], str):
            yield column, "bytes", sum(len(value.encode()) for value in known)
        else:
            yield column, "sum", total(known)


def signals_totals(connection):
    header, rows = query(connection, "from signals")
    for column, values in zip(header, zip(*rows)):
        known = [as_number(value) for value in values if value is not None]
        yield column, len(known), total(known), min(known), max(known)


def main():
    data = pathlib.Path(sys.argv[1])
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else HERE
    connection = duckdb.connect()
    connection.execute("set threads = 2; set timezone = 'UTC'")
    load_raw(connection, data)
    connection.execute((HERE / "expected.sql").read_text())
    for mart, key in MARTS.items():
        write(output / f"{mart}.csv", *query(connection, f"from {mart} order by {key}"))
    write(output / "signals_sample.csv", *query(connection, "from signals_sample order by timestamp_ts, transaction_id"))
    write(output / "signals_totals.csv", ["column", "count", "sum", "min", "max"], signals_totals(connection))
    write(output / "silver_totals.csv", ["column", "measure", "value"], silver_totals(connection))


if __name__ == "__main__":
    main()
