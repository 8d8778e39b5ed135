select
  i.incident_id,
  case when i.node_id is null then 'link' else 'node' end as entity_type,
  coalesce(i.node_id, i.link_id) as entity_id,
  i."timestamp" as began_at,
  i.ended_at,
  i.severity,
  i."type" as kind,
  i.caused_by
from bronze.incidents as i
