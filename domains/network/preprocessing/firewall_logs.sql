select
  l."timestamp" as ts,
  l.firewall_id,
  l.src_ip,
  l.dst_ip,
  l.protocol,
  l.action,
  l.incident_type,
  l.bug_type,
  l.attack_type
from bronze.firewall_logs as l
