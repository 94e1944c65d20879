-- Settles what is known of incidents: whom they concern, what people noted, and what was sealed of their messages.

-- What it is about began at `starts_at`. One without schools concerns all of them.
create table incident (
    id                uuid        primary key,
    kind              text        not null check (kind in ('hijacked_accounts', 'flood', 'other')),
    title             text        not null check (title <> ''),
    authority         text        not null check (authority <> ''),
    starts_at         timestamptz not null,
    opened_at         timestamptz not null,
    opened_by         uuid,
    closed_at         timestamptz,
    closed_by         uuid,
    closing_authority text        check (closing_authority <> ''),
    check ((closed_at is null) = (closing_authority is null))
);
create table incident_school (
    school_id   uuid not null,
    incident_id uuid not null references incident,
    primary key (school_id, incident_id)
);
create index school_of_incident on incident_school (incident_id);
create table incident_account (
    incident_id uuid        not null references incident,
    person_id   uuid        not null,
    named_at    timestamptz not null,
    primary key (incident_id, person_id)
);
create index incident_of_account on incident_account (person_id);
create table incident_network (
    incident_id uuid not null references incident,
    network     cidr not null,
    primary key (incident_id, network)
);
create table incident_note (
    incident_id uuid        not null references incident,
    id          uuid        not null,
    noted_at    timestamptz not null,
    noted_by    uuid,
    authority   text        not null check (authority <> ''),
    note        text        not null check (note <> ''),
    primary key (incident_id, id)
);

-- A message, sealed for the two readers. It stays when the message's own text is deleted.
create table sealed_message (
    incident_id uuid        not null references incident,
    school_id   uuid        not null,
    message_id  uuid        not null,
    sealed      jsonb       not null,
    sealed_at   timestamptz not null,
    primary key (incident_id, school_id, message_id)
);
create index sealed_of_message on sealed_message (school_id, message_id);

-- What was done in an incident, for its timeline.
create index audit_leaf_of_incident on audit_leaf ((content::jsonb #>> '{details,incident}'))
    where content::jsonb #>> '{details,incident}' is not null;

-- When the text of a message that was withdrawn for good was deleted; what was sealed of it stays.
alter table message add column body_deleted_at timestamptz;
