with
entities as (select * from silver.entities),
nodes as (select * from gold.dm_node_health),
links as (select * from gold.dm_link_health),

health as (
  select 'node' as entity_type, node_id as entity_id, violations, is_in_incident, incidents_24h, if_util, pkt_err
  from nodes
  union all
  select 'link' as entity_type, link_id as entity_id, violations, is_in_incident, incidents_24h, if_util, pkt_err
  from links
),

at_sites as (
  select entity_type, entity_id, site, capacity_mbps from entities
  union all
  select entity_type, entity_id, other_site as site, capacity_mbps from entities where other_site <> site
)

select
  a.site,
  count(*) filter (where a.entity_type = 'node') as nodes,
  count(*) filter (where a.entity_type = 'link') as links,
  coalesce(sum(case when h.violations > 0 then 1 else 0 end), 0) as in_violation,
  coalesce(sum(case when h.is_in_incident then 1 else 0 end), 0) as in_incident,
  coalesce(sum(h.incidents_24h), 0) as incidents_24h,
  max(h.if_util) as highest_if_util,
  max(h.pkt_err) as highest_pkt_err,
  sum(case when a.entity_type = 'link' and not coalesce(h.is_in_incident, false) then a.capacity_mbps else 0 end)
    / nullif(sum(case when a.entity_type = 'link' then a.capacity_mbps else 0 end), 0) as capacity_in_order
from at_sites as a
left join health as h on h.entity_type = a.entity_type and h.entity_id = a.entity_id
group by a.site
