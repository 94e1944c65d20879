-- Settles what schools have changed of who writes to whom and of how much anybody sends, and what is counted of it.

-- Only what differs from the defaults of `domain::communication_rule`.
create table communication_rule (
    school_id  uuid        not null,
    sender     text        not null,
    recipient  text        not null,
    scope      text        not null check (scope in ('nobody', 'own_groups', 'school')),
    changed_at timestamptz not null,
    primary key (school_id, sender, recipient)
);

-- Only what differs from the defaults of `domain::budget`.
create table send_limit (
    school_id          uuid        not null,
    role               text        not null,
    per_message        integer     check (per_message > 0),
    people_a_day       integer     check (people_a_day > 0),
    broad_an_hour      integer     check (broad_an_hour > 0),
    changed_at         timestamptz not null,
    primary key (school_id, role)
);

-- To whom pupils and guardians have written, and when last: whom they wrote to today, and who is new to them.
create table contact (
    school_id    uuid        not null,
    sender_id    uuid        not null,
    recipient_id uuid        not null,
    last_at      timestamptz not null,
    primary key (school_id, sender_id, recipient_id)
);
create index contact_age on contact using brin (last_at);
