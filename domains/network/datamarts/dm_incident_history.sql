with
entities as (select * from silver.entities),
incidents as (select * from silver.incidents),

spans as (
  select
    *,
    (cast(ended_at as bigint) - cast(began_at as bigint)) / 60000000.0 as lasted_min,
    (cast(began_at as bigint) - cast(lag(began_at) over (partition by entity_type, entity_id order by began_at, incident_id) as bigint))
      / 60000000.0 as after_previous_min
  from incidents
)

select
  concat(e.entity_type, '/', e.entity_id) as entity,
  e.entity_type,
  e.entity_id,
  e.site,
  count(s.incident_id) as incidents,
  count(s.incident_id) filter (where s.severity = 'high') as outages,
  count(s.incident_id) filter (where s.severity = 'medium') as medium_incidents,
  count(s.incident_id) filter (where s.severity = 'low') as low_incidents,
  count(s.caused_by) as caused_by_others,
  avg(s.lasted_min) as mean_lasted_min,
  avg(s.after_previous_min) as mean_time_between_min,
  max(s.began_at) as last_began_at
from entities as e
left join spans as s on s.entity_type = e.entity_type and s.entity_id = e.entity_id
group by e.entity_type, e.entity_id, e.site
