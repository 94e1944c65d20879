-- Settles what auth owns: schools, people, their roles and guardianships, their accounts, and the feed by which siblings learn of them.

create table school (
    id      uuid primary key,
    uai     text not null unique check (uai ~ '^[0-9]{7}[A-Z]$'),
    name    text not null check (name <> ''),
    kind    text not null check (kind in ('college', 'lycee')),
    academy text not null
);

-- A person is one row however many schools know them; ids of imported people are UUIDv5 of (source, source_id).
create table person (
    id          uuid primary key,
    source      text not null,
    source_id   text not null,
    given_name  text not null check (given_name <> ''),
    family_name text not null check (family_name <> ''),
    unique (source, source_id)
);

create table membership (
    school_id uuid   not null references school,
    person_id uuid   not null references person,
    role      text   not null check (role in ('Student', 'Guardian', 'Teacher', 'Principal', 'SchoolLife', 'Staff', 'LocalAdmin')),
    epoch     bigint not null default 0 check (epoch >= 0),
    primary key (school_id, person_id, role)
);
create index membership_of_person on membership (person_id);

create table guardianship (
    school_id   uuid not null references school,
    student_id  uuid not null references person,
    guardian_id uuid not null references person,
    primary key (school_id, student_id, guardian_id)
);

create table account (
    person_id      uuid primary key references person,
    login          text    not null unique check (login = lower(login) and login <> ''),
    password_hash  text    not null check (password_hash like '$argon2id$%'),
    totp_secret    text    check (totp_secret ~ '^[A-Z2-7]{16,}$'),
    totp_last_step bigint,
    epoch          bigint  not null default 0 check (epoch >= 0),
    is_demo        boolean not null default false,
    blocked_at     timestamptz
);
create index account_demo on account (person_id) where is_demo;

-- Rows are inserted by the transaction of the change; one sequencer gives positions to committed rows,
-- so a reader that pages by position can never step over a row whose transaction commits late.
create table change_feed (
    id       bigint generated always as identity primary key,
    position bigint unique,
    kind     text    not null,
    key      text    not null,
    deleted  boolean not null default false,
    body     jsonb   not null
);
create index change_feed_unsequenced on change_feed (id) where position is null;

-- Which demo data set is loaded, if any.
create table seeded_data_set (
    only_one boolean primary key default true check (only_one),
    manifest jsonb not null
);
