-- The database's own clock, under one name on both databases.

create view clock as select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint) as now_us;
