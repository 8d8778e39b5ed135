select
  t.ts,
  case when t.node_id is null then 'link' else 'node' end as entity_type,
  coalesce(t.node_id, t.link_id) as entity_id,
  t.node_id is not null and t.link_id is not null as is_ambiguous,
  t.cpu,
  t.mem,
  t.if_util,
  t.pkt_err,
  t.latency_ms
from bronze.telemetry as t
