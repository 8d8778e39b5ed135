-- The same text for SQLite and PostgreSQL. Instants are microseconds since 1970 UTC; JSON is text.

create table runs (
    run text not null primary key,
    domain text not null,
    trigger text not null,
    status text not null,
    started_at bigint not null,
    finished_at bigint,
    error text,
    fence bigint not null,
    report text,
    parameters text not null,
    constraint run_is_running_or_finished check ((status = 'running') = (finished_at is null))
);

create index runs_by_start on runs (started_at, run);

create index runs_by_domain on runs (domain, started_at, run);

create index runs_under_way on runs (domain, fence) where status = 'running';

create table steps (
    run text not null,
    stage text not null,
    step text not null,
    status text not null,
    attempt bigint not null,
    started_at bigint not null,
    finished_at bigint,
    rows bigint,
    bytes bigint,
    version bigint,
    decision text,
    error text,
    primary key (run, stage, step),
    constraint step_of_a_run foreign key (run) references runs (run)
);

create table events (
    id bigint not null primary key,
    run text,
    domain text not null,
    at bigint not null,
    name text not null,
    level text not null,
    payload text not null,
    constraint event_of_a_run foreign key (run) references runs (run)
);

create index events_by_run on events (run, id);

create index events_by_domain on events (domain, id);

-- The number of the last event. Whoever appends holds this row until it commits, so numbers become visible in their order
-- and a reader that remembers the last number it saw misses nothing.
create table event_counter (
    only_row bigint not null primary key check (only_row = 1),
    last_id bigint not null
);

insert into event_counter (only_row, last_id) values (1, 0);

-- A lease that nobody holds keeps its row and its fence: a fence is never given out twice.
create table leases (
    name text not null primary key,
    holder text,
    fence bigint not null,
    expires_at bigint not null
);
