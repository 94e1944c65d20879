-- Settles what administrators of a school see and decide: when somebody signed in last, and switches that always have an end.

-- Written in batches with the copies of sessions, which are deleted when they are over.
create table last_sign_in (
    person_id uuid        primary key,
    at        timestamptz not null
) with (fillfactor = 80);

-- What holds between two moments and ends by itself. Without a school it holds in all of them.
create table switch (
    id        uuid        primary key,
    kind      text        not null check (kind in ('sign_in_closed', 'idle_limit', 'lane_weights')),
    school_id uuid,
    role      text        check (role in ('Student', 'Guardian', 'Teacher', 'Principal', 'SchoolLife', 'Staff', 'LocalAdmin')),
    idle_s    bigint      check (idle_s > 0),
    weights   float8[]    check (array_length(weights, 1) = 4),
    starts_at timestamptz not null,
    ends_at   timestamptz not null,
    authority text        not null check (authority <> ''),
    ended_at  timestamptz,
    check (starts_at < ends_at),
    check (case kind
        when 'sign_in_closed' then role is not null and num_nonnulls(idle_s, weights) = 0
        when 'idle_limit' then idle_s is not null and weights is null
        else weights is not null and num_nonnulls(school_id, role, idle_s) = 0
    end)
);
create index switch_end on switch (ends_at) where ended_at is null;
