with
predictions as (select * from bronze.predictions),
transactions as (select * from silver.transactions),

-- A transaction that was sent again is judged by its first answer.
placed as (
  select
    *,
    row_number() over (
      partition by transaction_id, model, model_version, role
      order by predicted_at, prediction_id
    ) as place
  from predictions
),

judged as (
  select
    p.model,
    p.model_version,
    p.role,
    cast(p.predicted_at as date) as predicted_on,
    p.fraud_probability,
    p.is_fraud,
    t.label
  from placed as p
  left join transactions as t on cast(t.transaction_id as varchar) = p.transaction_id
  where p.place = 1 or p.transaction_id is null
)

select
  concat(model, '-', model_version, '-', role, '-', predicted_on) as performance_id,
  model,
  model_version,
  role,
  predicted_on,
  count(*) as prediction_count,
  count(label) as judged_count,
  coalesce(sum(label), 0) as fraud_count,
  count(case when is_fraud then 1 end) as alert_count,
  count(case when is_fraud and label is not null then 1 end) as judged_alert_count,
  count(case when is_fraud and label = 1 then 1 end) as caught_count,
  avg(fraud_probability) as mean_score,
  avg(case when label is not null then fraud_probability end) as mean_judged_score,
  avg(cast(label as double)) as fraud_rate,
  avg(case when label is not null then power(fraud_probability - label, 2) end) as brier
from judged
group by model, model_version, role, predicted_on
