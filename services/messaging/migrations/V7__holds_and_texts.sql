-- Settles what waits for a second look, and what is kept of texts to recognise a campaign by.

alter table message drop constraint message_state_check;
alter table message add constraint message_state_check check (state in ('visible', 'held', 'refused', 'recalled'));
alter table recall_message drop constraint recall_message_state_before_check;
alter table recall_message add constraint recall_message_state_before_check check (state_before in ('visible', 'held', 'refused'));
-- Of the text and of the recipients (`domain::detection`); what is known of the sender when it was sent.
alter table message add column fingerprint bytea check (octet_length(fingerprint) = 256);
alter table message add column audience_mark bigint not null default 0;
alter table message add column is_noticed boolean not null default false;
alter table message add column is_newcomer boolean not null default false;

-- Whoever has sent lately, in all schools; and the widest message of a sender.
create index message_latest on message (id) include (sender_id, is_newcomer) where state = 'visible';
create index message_widest on message (sender_id, recipient_count desc, sent_at) where state = 'visible';

create table hold (
    school_id  uuid        not null,
    message_id uuid        not null,
    held_at    timestamptz not null,
    reasons    jsonb       not null check (jsonb_array_length(reasons) > 0),
    release    text        not null check (release in ('sender', 'reviewer')),
    is_urgent  boolean     not null,
    letter     jsonb       not null,
    outcome    text        check (outcome in ('released', 'refused')),
    note       text        check (note <> ''),
    decided_by uuid,
    decided_at timestamptz,
    primary key (school_id, message_id),
    foreign key (school_id, message_id) references message,
    check (num_nulls(outcome, decided_by, decided_at) in (0, 3))
);
create index hold_waiting on hold (school_id, is_urgent desc, message_id) where outcome is null;

-- Where texts that share a band are found, the newest first. `kind` 0: was sent; 1: was refused or recalled; 2: was released, which
-- counts in its own school, the scope; the scope of the others is the school of zeros.
create table text_band (
    kind       smallint not null check (kind between 0 and 2),
    band       integer  not null,
    scope      uuid     not null,
    message_id uuid     not null,
    school_id  uuid     not null,
    primary key (kind, band, scope, message_id) include (school_id)
);
-- Ids are in the order of time, and so are the rows.
create index text_band_age on text_band using brin (message_id) with (autosummarize = on);
