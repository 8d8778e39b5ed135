with
purchases as (select * from silver.transactions where amount > 0),

days as (
  select client_id, count(*) as txn_count
  from purchases
  group by client_id, date_trunc('day', timestamp_ts)
)

select
  cast(client_id as varchar) as client_id,
  avg(cast(txn_count as double)) as avg_daily_txn,
  max(txn_count) as max_daily_txn
from days
group by client_id
