-- A join, not a rank: ranking would sort every row there is with all its columns. The short side is named first: that is the one
-- that is held in memory.
with
latest as (
  select entity_type, entity_id, max(ts) as ts
  from signals.features
  group by entity_type, entity_id
)

select f.*, f.entity_type = 'node' as is_node
from latest as l
join signals.features as f on l.entity_type = f.entity_type and l.entity_id = f.entity_id and l.ts = f.ts
