with
purchases as (select * from silver.transactions where amount > 0)

select
  hour,
  count(*) as tx_count,
  sum(coalesce(label, 0)) as fraud_count,
  count(*) - sum(coalesce(label, 0)) as drop_count,
  sum(coalesce(label, 0)) / cast(count(*) as double) as fraud_rate,
  (count(*) - sum(coalesce(label, 0))) / cast(count(*) as double) as drop_rate,
  count(label) as labelled_count,
  avg(cast(label as double)) as labelled_fraud_rate
from purchases
group by hour
