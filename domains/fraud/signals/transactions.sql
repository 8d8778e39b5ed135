select
  transaction_id,
  timestamp_ts,
  tx_card_id,
  client_id,
  merchant_id,
  mcc_code,
  merchant_state,
  amount,
  label,
  errors like '%Bad PIN%' or errors like '%Bad CVV%' as is_failed_verification,
  hour,
  cast(extract(isodow from timestamp_ts) as int) as weekday,
  case when credit_limit > 0 then amount / credit_limit end as amount_to_limit
from silver.transactions
where amount > 0
