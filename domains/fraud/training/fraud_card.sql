with
purchases as (select * from silver.transactions where amount > 0 and label is not null),
signals as (select * from signals.transactions)

select
  p.transaction_id,
  p.timestamp_ts,
  p.label,
  p.amount,
  p.card_brand,
  p.card_type,
  p.merchant_state,
  p.use_chip,
  p.credit_limit,
  p.per_capita_income,
  p.yearly_income,
  p.total_debt,
  p.credit_score,
  p.num_credit_cards,
  s.card_count_1h,
  s.card_count_24h,
  s.card_count_7d,
  s.card_amount_1h,
  s.card_amount_24h,
  s.card_amount_7d,
  s.seconds_since_previous,
  s.amount_zscore_30d,
  s.is_new_merchant,
  s.distinct_merchants_24h,
  s.is_state_change,
  s.failed_verification_24h,
  s.merchant_fraud_rate,
  s.mcc_fraud_rate
from purchases as p
join signals as s on s.transaction_id = p.transaction_id
