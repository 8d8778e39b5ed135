with
transactions as (select * from bronze.transactions),
cards as (select * from bronze.cards),
users as (select * from bronze.users),
mcc_codes as (select * from bronze.mcc_codes),
labels as (select * from bronze.labels)

select
  t.id as transaction_id,
  t.date as timestamp_ts,
  t.amount,
  t.mcc as mcc_code,
  t.use_chip,
  t.merchant_id,
  t.merchant_city,
  coalesce(t.merchant_state, 'ONLINE') as merchant_state,
  lpad(cast(cast(t.zip as bigint) as varchar), 5, '0') as zip_code,
  coalesce(t.errors, 'no error') as errors,
  cast(date '2025-01-01' + t.batch_number - 1 as date) as situation_date,
  t.card_id as tx_card_id,
  t.client_id,
  c.card_brand,
  c.card_type,
  c.card_number as card_number_last4,
  c.expires,
  c.has_chip,
  c.num_cards_issued,
  c.credit_limit,
  c.acct_open_date,
  c.year_pin_last_changed,
  c.card_on_dark_web,
  u.current_age,
  u.retirement_age,
  u.birth_year,
  u.birth_month,
  u.gender,
  u.latitude,
  u.longitude,
  u.per_capita_income,
  u.yearly_income,
  u.total_debt,
  u.credit_score,
  u.num_credit_cards,
  m.description as mcc_description,
  cast(l.is_fraud as int) as label,
  cast(extract(hour from t.date) as int) as hour,
  t.amount < 0 as is_refund
from transactions as t
left join labels as l on l.transaction_id = t.id
left join cards as c on c.id = t.card_id
left join users as u on u.id = t.client_id
left join mcc_codes as m on m.mcc = t.mcc
