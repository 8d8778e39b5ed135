with
ranked as (
  select *, row_number() over (partition by entity_type, entity_id order by ts desc) as place
  from signals.features
)

select
  * exclude (place),
  entity_type = 'node' as is_node
from ranked
where place = 1
