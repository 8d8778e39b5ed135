select
  concat(firewall_id, '/', to_char(ts, '%Y-%m-%d')) as firewall_day,
  firewall_id,
  cast(ts as date) as day,
  count(*) as total_logs,
  count(*) filter (where incident_type = 'OK') as ok_count,
  count(*) filter (where incident_type = 'Bug') as bug_count,
  count(*) filter (where incident_type = 'Attack') as attack_count,
  count(*) filter (where action = 'DENY') as denied_count,
  count(*) filter (where incident_type = 'Attack' and action = 'ALLOW') as attacks_let_through,
  count(distinct case when incident_type = 'Attack' then src_ip end) as attackers
from silver.firewall_logs
group by firewall_id, cast(ts as date), to_char(ts, '%Y-%m-%d')
