-- Expected silver, signals and marts of the fraud domain, written independently of the domain's own SQL and engine.
-- Engine: DuckDB 2.0.0. make_golden.py first loads raw_transactions, raw_cards, raw_users, raw_mcc_codes and raw_labels as text.
-- Money is summed as whole cents in 128 bits, so that no mean or deviation carries rounding from the order of addition.

create macro money(text) as cast(replace(replace(text, '$', ''), ',', '') as double);
create macro yes_no(text) as case lower(text) when 'yes' then true when 'no' then false else error('neither yes nor no') end;
-- Sample standard deviation in dollars of n amounts in cents with sum s and sum of squares q; null below two.
create macro deviation(n, s, q) as case when n > 1 then sqrt((n * q - s * s) / (n * (n - 1))) / 100 end;
create macro ratio(part, whole) as case when whole > 0 then part / whole end;

create table silver as
select
  cast(t.id as bigint) as transaction_id,
  cast(t.date as timestamp) as timestamp_ts,
  money(t.amount) as amount,
  cast(t.mcc as bigint) as mcc_code,
  t.use_chip,
  cast(t.merchant_id as bigint) as merchant_id,
  t.merchant_city,
  coalesce(t.merchant_state, 'ONLINE') as merchant_state,
  lpad(regexp_extract(t.zip, '^[0-9]+'), 5, '0') as zip_code,
  coalesce(t.errors, 'no error') as errors,
  date '2025-01-01' as situation_date, -- the whole file is one batch, the first
  cast(t.card_id as bigint) as tx_card_id,
  cast(t.client_id as bigint) as client_id,
  c.card_brand,
  c.card_type,
  right(c.card_number, 4) as card_number_last4,
  c.expires,
  yes_no(c.has_chip) as has_chip,
  cast(c.num_cards_issued as bigint) as num_cards_issued,
  money(c.credit_limit) as credit_limit,
  cast(strptime('01/' || c.acct_open_date, '%d/%m/%Y') as date) as acct_open_date,
  cast(c.year_pin_last_changed as bigint) as year_pin_last_changed,
  yes_no(c.card_on_dark_web) as card_on_dark_web,
  cast(u.current_age as bigint) as current_age,
  cast(u.retirement_age as bigint) as retirement_age,
  cast(u.birth_year as bigint) as birth_year,
  cast(u.birth_month as bigint) as birth_month,
  u.gender,
  cast(u.latitude as double) as latitude,
  cast(u.longitude as double) as longitude,
  money(u.per_capita_income) as per_capita_income,
  money(u.yearly_income) as yearly_income,
  money(u.total_debt) as total_debt,
  cast(u.credit_score as bigint) as credit_score,
  cast(u.num_credit_cards as bigint) as num_credit_cards,
  m.description as mcc_description,
  case l.verdict when 'Yes' then 1 when 'No' then 0 end as label,
  hour(cast(t.date as timestamp)) as hour,
  money(t.amount) < 0 as is_refund
from raw_transactions as t
left join raw_cards as c on c.id = t.card_id
left join raw_users as u on u.id = t.client_id
left join raw_mcc_codes as m on m.mcc = t.mcc
left join raw_labels as l on l.id = t.id;

create table purchases as
select
  *,
  cast(round(amount * 100) as hugeint) as cents,
  position('Bad PIN' in errors) > 0 or position('Bad CVV' in errors) > 0 as is_failed_verification,
  row_number() over (partition by tx_card_id order by timestamp_ts, transaction_id) as card_position
from silver
where amount > 0;

-- A purchase never sees one of the same instant: every frame ends a microsecond before it.
create table windowed as
select
  *,
  count(*) over card_1h as count_1h,
  count(*) over card_24h as count_24h,
  count(*) over card_7d as count_7d,
  coalesce(sum(cents) over card_1h, 0) as cents_1h,
  coalesce(sum(cents) over card_24h, 0) as cents_24h,
  coalesce(sum(cents) over card_7d, 0) as cents_7d,
  max(timestamp_ts) over card_past as previous_ts,
  arg_max(merchant_state, card_position) over card_past as previous_state,
  count(*) over card_30d as count_30d,
  sum(cents) over card_30d as cents_30d,
  sum(cents * cents) over card_30d as squares_30d,
  min(timestamp_ts) over (partition by tx_card_id, merchant_id) as merchant_first_ts,
  count(distinct merchant_id) over card_24h as merchants_24h,
  count(*) filter (where is_failed_verification) over card_24h as failed_24h,
  count(label) over merchant_judged as merchant_labels,
  coalesce(sum(label) over merchant_judged, 0) as merchant_frauds,
  count(label) over mcc_judged as mcc_labels,
  coalesce(sum(label) over mcc_judged, 0) as mcc_frauds
from purchases
window
  card_1h as (partition by tx_card_id order by timestamp_ts range between interval 1 hour preceding and interval 1 microsecond preceding),
  card_24h as (partition by tx_card_id order by timestamp_ts range between interval 24 hours preceding and interval 1 microsecond preceding),
  card_7d as (partition by tx_card_id order by timestamp_ts range between interval 168 hours preceding and interval 1 microsecond preceding),
  card_30d as (partition by tx_card_id order by timestamp_ts range between interval 720 hours preceding and interval 1 microsecond preceding),
  card_past as (partition by tx_card_id order by timestamp_ts range between unbounded preceding and interval 1 microsecond preceding),
  -- Verdicts count once the purchase is older than seven days.
  merchant_judged as (partition by merchant_id order by timestamp_ts range between unbounded preceding and interval 604800000001 microseconds preceding),
  mcc_judged as (partition by mcc_code order by timestamp_ts range between unbounded preceding and interval 604800000001 microseconds preceding);

create table signals as
with zscored as (
  select *, cents_30d / count_30d / 100 as mean_30d, deviation(count_30d, cents_30d, squares_30d) as std_30d from windowed
)
select
  transaction_id,
  timestamp_ts,
  tx_card_id,
  client_id,
  hour,
  isodow(timestamp_ts) as weekday,
  ratio(amount, credit_limit) as amount_to_limit,
  count_1h as card_count_1h,
  count_24h as card_count_24h,
  count_7d as card_count_7d,
  cents_1h / 100 as card_amount_1h,
  cents_24h / 100 as card_amount_24h,
  cents_7d / 100 as card_amount_7d,
  epoch_us(timestamp_ts) // 1000000 - epoch_us(previous_ts) // 1000000 as seconds_since_previous,
  case when std_30d <= 1e-6 then 0.0::double else (amount - mean_30d) / std_30d end as amount_zscore_30d,
  merchant_first_ts = timestamp_ts as is_new_merchant,
  merchants_24h as distinct_merchants_24h,
  previous_state is not null and previous_state <> merchant_state as is_state_change,
  failed_24h as failed_verification_24h,
  (merchant_frauds + 0.15::double) / (merchant_labels + 100) as merchant_fraud_rate,
  (mcc_frauds + 0.15::double) / (mcc_labels + 100) as mcc_fraud_rate
from zscored;

-- Rows worth committing: frauds, an even spread, first purchases, failed verifications, constant windows, ties of card or merchant,
-- and events exactly on a window's edge.
create table signals_sample as
with numbered as (
  select *, row_number() over (order by timestamp_ts, transaction_id) as position from purchases
),
frauds as (select transaction_id from numbered where label = 1 order by position limit 120),
spread as (select transaction_id from numbered where position % 1500 = 0),
firsts as (select transaction_id from numbered where card_position <= 2 order by position limit 20),
unverified as (select transaction_id from signals where failed_verification_24h > 0 order by timestamp_ts, transaction_id limit 30),
constant as (select transaction_id from signals where amount_zscore_30d = 0 order by timestamp_ts, transaction_id limit 10),
card_ties as (
  select transaction_id from numbered
  qualify count(*) over (partition by tx_card_id, timestamp_ts) > 1 order by position limit 30
),
merchant_ties as (
  select transaction_id from numbered
  qualify count(*) over (partition by merchant_id, timestamp_ts) > 1 order by position limit 20
),
card_edges as (
  select distinct n.transaction_id, n.position from numbered as n
  join purchases as p on p.tx_card_id = n.tx_card_id
    and p.timestamp_ts in (
      n.timestamp_ts - interval 1 hour, n.timestamp_ts - interval 24 hours, n.timestamp_ts - interval 168 hours, n.timestamp_ts - interval 720 hours
    )
  order by n.position limit 40
),
delay_edges as (
  select distinct n.transaction_id, n.position from numbered as n
  join purchases as p on p.timestamp_ts = n.timestamp_ts - interval 168 hours
    and p.label is not null and (p.merchant_id = n.merchant_id or (p.mcc_code = n.mcc_code and p.label = 1))
  order by n.position limit 20
)
select s.* from signals as s
where s.transaction_id in (
  select transaction_id from frauds union all select transaction_id from spread
  union all select transaction_id from firsts union all select transaction_id from unverified union all select transaction_id from constant
  union all select transaction_id from card_ties union all select transaction_id from merchant_ties
  union all select transaction_id from card_edges union all select transaction_id from delay_edges
);

create table dm_client_features as
select
  cast(client_id as varchar) as client_id,
  count(*) as tx_count,
  sum(cents) / count(*) / 100 as avg_amount,
  deviation(count(*), sum(cents), sum(cents * cents)) as std_amount,
  count(*) filter (where label = 1) as fraud_count,
  count(*) - count(*) filter (where label = 1) as drop_count,
  count(distinct merchant_id) as unique_merchants,
  ratio(count(*) filter (where label = 1), count(*)) as fraud_rate,
  ratio(count(*) - count(*) filter (where label = 1), count(*)) as drop_rate,
  count(label) as labelled_count,
  ratio(count(*) filter (where label = 1), count(label)) as labelled_fraud_rate
from purchases
group by all;

create table dm_card_features as
select
  cast(tx_card_id as varchar) as tx_card_id,
  card_type,
  count(*) as tx_count,
  count(*) filter (where label = 1) as fraud_count,
  sum(cents) / count(*) / 100 as avg_amount,
  count(*) - count(*) filter (where label = 1) as drop_count,
  ratio(count(*) filter (where label = 1), count(*)) as fraud_rate,
  ratio(count(*) - count(*) filter (where label = 1), count(*)) as drop_rate,
  count(label) as labelled_count,
  ratio(count(*) filter (where label = 1), count(label)) as labelled_fraud_rate
from purchases
group by all;

create table dm_client_velocity as
with daily as (
  select client_id, cast(timestamp_ts as date) as day, count(*) as tx_count from purchases group by all
)
select cast(client_id as varchar) as client_id, sum(tx_count) / count(*) as avg_daily_txn, max(tx_count) as max_daily_txn
from daily
group by all;

create table dm_mcc_fraud_risk as
select
  cast(mcc_code as varchar) as mcc_code,
  mcc_description,
  count(*) as tx_count,
  count(*) filter (where label = 1) as fraud_count,
  count(*) - count(*) filter (where label = 1) as drop_count,
  ratio(count(*) filter (where label = 1), count(*)) as fraud_rate,
  ratio(count(*) - count(*) filter (where label = 1), count(*)) as drop_rate,
  count(label) as labelled_count,
  ratio(count(*) filter (where label = 1), count(label)) as labelled_fraud_rate
from purchases
group by all;

create table dm_time_of_day_fraud as
select
  hour,
  count(*) as tx_count,
  count(*) filter (where label = 1) as fraud_count,
  count(*) - count(*) filter (where label = 1) as drop_count,
  ratio(count(*) filter (where label = 1), count(*)) as fraud_rate,
  ratio(count(*) - count(*) filter (where label = 1), count(*)) as drop_rate,
  count(label) as labelled_count,
  ratio(count(*) filter (where label = 1), count(label)) as labelled_fraud_rate
from purchases
group by all;
