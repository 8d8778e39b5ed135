select
  f.*,
  f.entity_type = 'node' as is_node,
  case
    when o.minutes_to_incident <= 15 then 1
    when o.minutes_watched >= 15 then 0
  end as label
from signals.features as f
join signals.outlook as o on o.entity_type = f.entity_type and o.entity_id = f.entity_id and o.ts = f.ts
where not o.is_in_incident
