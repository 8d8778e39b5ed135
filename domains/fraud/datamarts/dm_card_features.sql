with
purchases as (select * from silver.transactions where amount > 0)

select
  cast(tx_card_id as varchar) as tx_card_id,
  max(card_type) as card_type,
  count(*) as tx_count,
  sum(coalesce(label, 0)) as fraud_count,
  avg(amount) as avg_amount,
  count(*) - sum(coalesce(label, 0)) as drop_count,
  sum(coalesce(label, 0)) / cast(count(*) as double) as fraud_rate,
  (count(*) - sum(coalesce(label, 0))) / cast(count(*) as double) as drop_rate,
  count(label) as labelled_count,
  avg(cast(label as double)) as labelled_fraud_rate
from purchases
group by tx_card_id
