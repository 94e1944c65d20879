-- Settles what messaging owns (threads, messages, deliveries) and what it knows of people and groups from its siblings' change feeds.

-- Projection of auth's feed.
create schema directory;
create table directory.school (
    id   uuid primary key,
    uai  text not null,
    name text not null
);
create table directory.person (
    id          uuid primary key,
    given_name  text not null,
    family_name text not null
);
create table directory.membership (
    school_id uuid not null,
    person_id uuid not null,
    role      text not null,
    primary key (school_id, person_id, role)
);
create index membership_by_role on directory.membership (school_id, role);
create table directory.guardianship (
    school_id   uuid not null,
    student_id  uuid not null,
    guardian_id uuid not null,
    primary key (school_id, student_id, guardian_id)
);
create index guardianship_of_guardian on directory.guardianship (school_id, guardian_id);

-- Projection of courses' feed.
create schema roster;
create table roster.student_group (
    school_id uuid not null,
    id        uuid not null,
    kind      text not null,
    name      text not null,
    primary key (school_id, id)
);
create table roster.enrolment (
    school_id uuid not null,
    group_id  uuid not null,
    person_id uuid not null,
    part      text not null,
    primary key (school_id, group_id, person_id)
);
create index enrolment_of_person on roster.enrolment (school_id, person_id);

create table thread (
    school_id  uuid        not null,
    id         uuid        not null,
    subject    text        not null check (subject <> ''),
    started_by uuid        not null,
    started_at timestamptz not null,
    primary key (school_id, id)
);

-- One body however many recipients. Ids are UUIDv7, so their order is the order of sending.
create table message (
    school_id       uuid        not null,
    id              uuid        not null,
    thread_id       uuid        not null,
    sender_id       uuid        not null,
    audience        jsonb       not null,
    recipient_count integer     not null check (recipient_count >= 0),
    body            text        not null check (body <> ''),
    sent_at         timestamptz not null,
    state           text        not null default 'visible' check (state in ('visible', 'held', 'recalled')),
    primary key (school_id, id),
    foreign key (school_id, thread_id) references thread
);
create index message_of_thread on message (school_id, thread_id, id);

-- Who received what, and whether it was read: nothing else. What a recipient sees of it is the message's state.
create table delivery (
    school_id    uuid not null,
    recipient_id uuid not null,
    message_id   uuid not null,
    thread_id    uuid not null,
    read_at      timestamptz,
    primary key (school_id, recipient_id, message_id)
);
create index delivery_unread on delivery (school_id, recipient_id, message_id) where read_at is null;
create index delivery_of_thread on delivery (school_id, recipient_id, thread_id);

create table projection (
    source  text primary key,
    applied bigint not null check (applied >= 0)
);

create table seeded_data_set (
    only_one boolean primary key default true check (only_one),
    manifest jsonb not null
);
