-- The database's own clock, under one name on both databases.

create view clock as select cast(unixepoch('subsec') * 1000000 as integer) as now_us;
