select
  transaction_id,
  timestamp_ts,
  label,
  amount,
  card_brand,
  card_type,
  merchant_state,
  use_chip,
  credit_limit,
  per_capita_income,
  yearly_income,
  total_debt,
  credit_score,
  num_credit_cards
from silver.transactions
where amount > 0 and label is not null
