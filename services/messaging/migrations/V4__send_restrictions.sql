-- Settles who may send for now: restrictions that always have an end, what two persons make of them before it, and all-clears.

-- In a school, or in all schools, which is the id of zeros. A row per role, so that roles are reopened one after the other.
create table send_restriction (
    school_id       uuid        not null,
    id              uuid        not null,
    role            text        not null check (role in
        ('Student', 'Guardian', 'Teacher', 'Principal', 'SchoolLife', 'Staff', 'LocalAdmin')),
    direction       text        not null check (direction in ('from', 'to')),
    mode            text        not null check (mode in ('reply_only', 'hold', 'closed')),
    needs_all_clear boolean     not null,
    reason          text        not null check (reason <> ''),
    authority       text        not null check (authority <> ''),
    opened_at       timestamptz not null,
    ends_at         timestamptz not null check (ends_at > opened_at),
    primary key (school_id, id)
);
create index send_restriction_end on send_restriction (school_id, ends_at);

-- What a school makes of a restriction, of its own or of all schools, or operators of one of all schools. It counts once
-- another person has confirmed it.
create table reopening (
    school_id      uuid        not null,
    restriction_id uuid        not null,
    id             uuid        not null,
    asked_at       timestamptz not null,
    mode           text        not null check (mode in ('open', 'reply_only', 'hold')),
    asked_by       uuid        not null,
    confirmed_by   uuid        check (confirmed_by <> asked_by),
    confirmed_at   timestamptz,
    primary key (school_id, restriction_id, id),
    check (num_nulls(confirmed_by, confirmed_at) in (0, 2))
);

-- Somebody has made sure that a school is safe, or that all are (levée de doute).
create table all_clear (
    school_id uuid        not null,
    given_at  timestamptz not null,
    given_by  uuid        not null,
    authority text        not null check (authority <> ''),
    primary key (school_id, given_at)
);

-- How instances tell old cached answers from current ones: a version per tag, raised by the transaction of each change.
create table cache_version (
    tag     text primary key,
    version bigint not null check (version > 0)
);
