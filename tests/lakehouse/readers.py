"""What other readers see of a lake. usage: readers.py LAKE_URI [TABLE NUMBER KEY] (credentials in AWS_*)
Prints a JSON object: reader -> table -> [rows, sum of the numbers, distinct keys]. Then, unless it was asked for one table, writes
a table of its own."""
import json, os, sys

import duckdb
import polars
import pyarrow
from deltalake import DeltaTable, write_deltalake

lake = sys.argv[1].rstrip("/")
options = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
TABLES = {
    "silver/fraud/transactions": ("amount", "transaction_id"),
    "signals/fraud/transactions": ("card_amount_7d", "transaction_id"),
    "gold/fraud/dm_client_features": ("avg_amount", "client_id"),
    "bronze/fraud/transactions": ("amount", "batch_number"),
}
if sys.argv[2:]:
    TABLES = {sys.argv[2]: (sys.argv[3], sys.argv[4])}

seen = {"deltalake": {}, "duckdb": {}, "polars": {}}
for path, (number, key) in TABLES.items():
    table = DeltaTable(f"{lake}/{path}", storage_options=options)
    rows = table.to_pyarrow_table(columns=[number, key])
    total = pyarrow.compute.sum(rows[number]).as_py()
    seen["deltalake"][path] = [rows.num_rows, total, pyarrow.compute.count_distinct(rows[key]).as_py()]

    dataset = table.to_pyarrow_dataset()
    query = f"select count(*), sum({number}), count(distinct {key}) from dataset"
    seen["duckdb"][path] = list(duckdb.sql(query).fetchall()[0])

    frame = polars.scan_delta(f"{lake}/{path}", storage_options=options)
    frame = frame.select(polars.len(), polars.col(number).sum().alias("total"), polars.col(key).n_unique().alias("keys"))
    seen["polars"][path] = list(frame.collect().row(0))
print(json.dumps(seen))
if sys.argv[2:]:
    sys.exit()

theirs = pyarrow.table({"id": list(range(1000)), "name": [f"row {n}" for n in range(1000)], "half": [n / 2 for n in range(1000)]})
write_deltalake(f"{lake}/silver/fraud/written_elsewhere", theirs, storage_options=options)
write_deltalake(f"{lake}/silver/fraud/written_elsewhere", theirs, mode="append", storage_options=options)
