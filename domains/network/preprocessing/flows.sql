select
  d.id as flow_id,
  d.source,
  d.target,
  d.mbps,
  d.critical as is_critical
from bronze.demands as d
