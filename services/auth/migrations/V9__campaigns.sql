-- Settles campaigns: new codes for many people of a school, worked off in batches and printed a sheet at a time.

create table campaign (
    school_id   uuid        not null,
    id          uuid        not null,
    purpose     text        not null check (purpose in ('activation', 'reset')),
    fingerprint text        not null,
    created_by  uuid        not null,
    authority   text        not null check (authority <> ''),
    created_at  timestamptz not null,
    primary key (school_id, id)
);
create index campaign_age on campaign (school_id, created_at);

-- A class, or a part of everybody with a role: what is printed at once.
create table campaign_sheet (
    school_id   uuid        not null,
    campaign_id uuid        not null,
    number      integer     not null check (number > 0),
    heading     text        not null check (heading <> ''),
    printings   integer     not null default 0,
    printed_at  timestamptz,
    primary key (school_id, campaign_id, number)
);

create table campaign_member (
    school_id   uuid    not null,
    campaign_id uuid    not null,
    person_id   uuid    not null,
    sheet       integer not null,
    state       text    not null default 'waiting' check (state in
        ('waiting', 'ready', 'administrator', 'no_account', 'left_school', 'blocked', 'activated')),
    primary key (school_id, campaign_id, person_id)
);
create index campaign_member_waiting on campaign_member (school_id, campaign_id, person_id) where state = 'waiting';
create index campaign_member_of_sheet on campaign_member (school_id, campaign_id, sheet);
