-- Settles the durable copy of sessions: for lists of devices, and for refreshes while a shard of the session store is away or has forgotten.

-- People are the leading part of the key, not schools: a session belongs to a person, who may have several schools.
-- Written in batches and late, never lowered: a refresh of a session that has ended does not bring it back.
create table session (
    person_id    uuid        not null,
    sid          uuid        not null,
    generation   integer     not null check (generation >= 0),
    browser      text        not null,
    created_at   timestamptz not null,
    refreshed_at timestamptz not null,
    ends_at      timestamptz not null,
    is_ended     boolean     not null,
    primary key (person_id, sid)
) with (fillfactor = 80);
create index session_end on session (ends_at);
