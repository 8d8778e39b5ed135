-- Who may ask, with what, and who asked for what.

create table users (
    name text not null primary key,
    role text not null,
    password text,
    created_at bigint not null,
    disabled_at bigint
);

-- Of a key only its digest is kept; its id is the part of it that may be shown.
create table api_keys (
    id text not null primary key,
    owner text not null,
    label text not null,
    digest text not null,
    scopes text not null,
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint,
    last_used_at bigint,
    constraint key_of_a_user foreign key (owner) references users (name)
);

create index api_keys_by_owner on api_keys (owner, created_at);

-- A login and every refresh after it. A refresh token carries a generation and is good while it is the session's own.
create table sessions (
    id text not null primary key,
    owner text not null,
    generation bigint not null,
    started_at bigint not null,
    expires_at bigint not null,
    ended_at bigint,
    ended_by text,
    constraint session_of_a_user foreign key (owner) references users (name),
    constraint session_ends_for_a_reason check ((ended_at is null) = (ended_by is null))
);

create index sessions_by_owner on sessions (owner);

create index sessions_by_end on sessions (expires_at);

create table audit (
    id bigint not null primary key,
    at bigint not null,
    service text not null,
    principal text not null,
    action text not null,
    object text not null,
    outcome bigint not null,
    times bigint not null,
    request text
);

create index audit_by_principal on audit (principal, id);

create index audit_by_time on audit (at);

-- As that of events.
create table audit_counter (
    only_row bigint not null primary key check (only_row = 1),
    last_id bigint not null
);

insert into audit_counter (only_row, last_id) values (1, 0);
