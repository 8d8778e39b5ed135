with
latest as (select * from gold.dm_latest_features where entity_type = 'link'),
incidents as (select * from silver.incidents where entity_type = 'link'),
entities as (select * from silver.entities where entity_type = 'link'),
watched as (select max(ts) as ts from gold.dm_latest_features),

troubles as (
  select
    i.entity_id,
    bool_or(coalesce(i.ended_at > w.ts, true)) as is_in_incident,
    count(*) as incidents_24h
  from incidents as i
  cross join watched as w
  where i.began_at <= w.ts and coalesce(i.ended_at > w.ts - interval '1 day', true)
  group by i.entity_id
)

select
  l.entity_id as link_id,
  e.site,
  e.other_site,
  e.capacity_mbps,
  e.nominal_latency_ms,
  l.ts as measured_at,
  l.if_util_current as if_util,
  l.pkt_err_current as pkt_err,
  l.latency_ms_current as latency_ms,
  l.if_util_mean_30m,
  l.pkt_err_mean_30m,
  l.latency_ms_mean_30m,
  cast(coalesce(l.if_util_current > 0.80, false) as int)
    + cast(coalesce(l.pkt_err_current > 0.05, false) as int)
    + cast(coalesce(l.latency_ms_current > 100, false) as int) as violations,
  coalesce(t.is_in_incident, false) as is_in_incident,
  coalesce(t.incidents_24h, 0) as incidents_24h
from latest as l
left join entities as e on e.entity_id = l.entity_id
left join troubles as t on t.entity_id = l.entity_id
