with
purchases as (select * from silver.transactions where amount > 0)

select
  cast(client_id as varchar) as client_id,
  count(*) as tx_count,
  avg(amount) as avg_amount,
  stddev_samp(amount) as std_amount,
  sum(coalesce(label, 0)) as fraud_count,
  count(*) - sum(coalesce(label, 0)) as drop_count,
  count(distinct merchant_id) as unique_merchants,
  sum(coalesce(label, 0)) / cast(count(*) as double) as fraud_rate,
  (count(*) - sum(coalesce(label, 0))) / cast(count(*) as double) as drop_rate,
  count(label) as labelled_count,
  avg(cast(label as double)) as labelled_fraud_rate
from purchases
group by client_id
