-- Settles what was revoked, in an order that readers can rely on: one counter, whose row is locked until the commit.

create table revocation_epoch (
    only_one boolean primary key default true check (only_one),
    last     bigint  not null default 0 check (last >= 0)
);
insert into revocation_epoch default values;

-- One of: a session; an account; a membership; a role of a school; a school.
create table revocation (
    epoch      bigint      primary key,
    sid        uuid,
    school_id  uuid,
    person_id  uuid,
    role       text        check (role in ('Student', 'Guardian', 'Teacher', 'Principal', 'SchoolLife', 'Staff', 'LocalAdmin')),
    revoked_at timestamptz not null,
    check (case
        when sid is not null then num_nonnulls(school_id, person_id, role) = 0
        when school_id is null then person_id is not null and role is null
        else person_id is null or role is not null
    end)
);
create index revocation_age on revocation (revoked_at);
create index revocation_of_session on revocation (sid) where sid is not null;
create index revocation_of_school on revocation (school_id, role, epoch) where school_id is not null and person_id is null;

-- A membership that is gone and comes back would begin at 0 again: tokens carry the counter as it was when they were made.
alter table membership drop column epoch;
