-- Every five minutes, so that neighbouring rows are not the same row again.
with
instants as (
  select entity_type, entity_id, ts
  from signals.features
  where extract(minute from ts) % 5 = 0
),

incidents as (select * from silver.incidents),
ends as (select max(ts) as watched_until from instants),

matched as (
  select
    r.entity_type,
    r.entity_id,
    r.ts,
    min(case when i.began_at > r.ts then i.began_at end) as next_incident_at,
    coalesce(bool_or(i.began_at <= r.ts and coalesce(i.ended_at > r.ts, true)), false) as is_in_incident
  from instants as r
  left join incidents as i
    on i.entity_type = r.entity_type
    and i.entity_id = r.entity_id
    and i.began_at <= r.ts + interval '1 day'
    and coalesce(i.ended_at > r.ts, true)
  group by r.entity_type, r.entity_id, r.ts
)

select
  m.entity_type,
  m.entity_id,
  m.ts,
  m.is_in_incident,
  m.next_incident_at,
  (cast(m.next_incident_at as bigint) - cast(m.ts as bigint)) / 60000000.0 as minutes_to_incident,
  (cast(e.watched_until as bigint) - cast(m.ts as bigint)) / 60000000.0 as minutes_watched
from matched as m
cross join ends as e
