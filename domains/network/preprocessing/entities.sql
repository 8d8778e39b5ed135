with
nodes as (select * from bronze.nodes),
links as (select * from bronze.links)

select
  'node' as entity_type,
  n.id as entity_id,
  n.id as src,
  n.id as dst,
  n.role,
  n.site,
  n.site as other_site,
  n.capacity_mbps,
  cast(null as double) as nominal_latency_ms
from nodes as n

union all

select
  'link' as entity_type,
  l.id as entity_id,
  l.src,
  l.dst,
  arrow_cast(null, 'Utf8') as role,
  a.site,
  b.site as other_site,
  l.bandwidth_mbps as capacity_mbps,
  l.latency_ms as nominal_latency_ms
from links as l
left join nodes as a on a.id = l.src
left join nodes as b on b.id = l.dst
