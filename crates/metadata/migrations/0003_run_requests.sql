-- Runs that somebody asked for and a scheduler will start.

create table run_requests (
    request text not null primary key,
    domain text not null,
    requested_at bigint not null,
    parameters text not null,
    run text,
    refusal text,
    constraint request_is_answered_once check (run is null or refusal is null),
    constraint run_of_a_request foreign key (run) references runs (run)
);

create index run_requests_waiting on run_requests (domain, requested_at, request) where run is null and refusal is null;
