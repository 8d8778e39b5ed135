with
latest as (select * from gold.dm_latest_features where entity_type = 'node'),
incidents as (select * from silver.incidents where entity_type = 'node'),
entities as (select * from silver.entities where entity_type = 'node'),
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
  l.entity_id as node_id,
  e.role,
  e.site,
  l.ts as measured_at,
  l.cpu_current as cpu,
  l.mem_current as mem,
  l.if_util_current as if_util,
  l.pkt_err_current as pkt_err,
  l.cpu_mean_30m,
  l.mem_mean_30m,
  l.if_util_mean_30m,
  l.pkt_err_mean_30m,
  cast(coalesce(l.cpu_current > 0.85, false) as int)
    + cast(coalesce(l.mem_current > 0.90, false) as int)
    + cast(coalesce(l.if_util_current > 0.80, false) as int)
    + cast(coalesce(l.pkt_err_current > 0.05, false) as int) as violations,
  coalesce(t.is_in_incident, false) as is_in_incident,
  coalesce(t.incidents_24h, 0) as incidents_24h
from latest as l
left join entities as e on e.entity_id = l.entity_id
left join troubles as t on t.entity_id = l.entity_id
