-- Settles what is kept of sign-ins and of what happens to credentials: for whoever's account was taken over, and for a complaint.

-- Rows come in batches, outside every request. Refusals of one batch that are alike are one row with their count.
create table security_event (
    id            uuid        primary key,
    at            timestamptz not null,
    last_at       timestamptz not null check (last_at >= at),
    count         integer     not null check (count > 0),
    kind          text        not null,
    detail        text,
    person_id     uuid,
    school_ids    uuid[]      not null,
    address       inet,
    device_id     uuid,
    is_new_device boolean,
    session_id    uuid,
    browser       text
);
create index security_event_in_time on security_event (at, id);
create index security_event_of_person on security_event (person_id, at, id) where person_id is not null;
create index security_event_of_address on security_event (address, at, id) where address is not null;

-- Each life of each instance: up to when it has written all it saw. One without an end that writes no more has died with what
-- it held.
create table security_event_writer (
    id         uuid        primary key,
    instance   text        not null,
    started_at timestamptz not null,
    written_at timestamptz not null,
    ended_at   timestamptz
);
create index security_event_writer_in_time on security_event_writer (written_at);

-- What an instance saw and could not keep.
create table security_event_loss (
    id       uuid        primary key,
    instance text        not null,
    from_at  timestamptz not null,
    until_at timestamptz not null check (until_at >= from_at),
    count    bigint      not null check (count > 0)
);
create index security_event_loss_in_time on security_event_loss (until_at);

-- What was done in an incident, for its timeline.
create index audit_leaf_of_incident on audit_leaf ((content::jsonb #>> '{details,incident}'))
    where content::jsonb #>> '{details,incident}' is not null;
