with
signals as (select * from signals.transactions),

latest as (
  select *, row_number() over (partition by tx_card_id order by timestamp_ts desc, transaction_id desc) as place
  from signals
)

select
  cast(tx_card_id as varchar) as tx_card_id,
  timestamp_ts,
  card_count_1h,
  card_count_24h,
  card_count_7d,
  card_amount_1h,
  card_amount_24h,
  card_amount_7d,
  seconds_since_previous,
  amount_zscore_30d,
  distinct_merchants_24h,
  failed_verification_24h
from latest
where place = 1
