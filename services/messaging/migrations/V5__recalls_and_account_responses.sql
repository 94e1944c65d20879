-- Settles what is withdrawn after it was delivered, what is done about stolen accounts, and which message another one quotes.

-- A forward, or a reply with its quotation: withdrawn with what it quotes.
alter table message add column quotes_id uuid;
create index message_quoting on message (school_id, quotes_id) where quotes_id is not null;
create index message_of_sender on message (sender_id, sent_at);
create index message_of_school on message (school_id, sent_at);
-- Who had read a message. Whoever reads pays for it, and not whoever sends.
create index delivery_read on delivery (school_id, message_id, recipient_id) where read_at is not null;

-- What one act withdrew, a row for each school with messages of it. Quarantined until two persons decide.
create table recall (
    school_id     uuid        not null,
    id            uuid        not null,
    selector      jsonb       not null,
    reason        text        not null check (reason <> ''),
    authority     text        not null check (authority <> ''),
    contact       text        check (contact <> ''),
    incident_id   uuid,
    asked_by      uuid,
    hidden_at     timestamptz not null,
    message_count bigint      not null default 0 check (message_count >= 0),
    copy_count    bigint      not null default 0 check (copy_count >= 0),
    read_count    bigint      not null default 0 check (read_count >= 0),
    state         text        not null default 'quarantined' check (state in ('quarantined', 'restored', 'final')),
    decided_at    timestamptz,
    primary key (school_id, id),
    check ((state = 'quarantined') = (decided_at is null))
);
create index recall_latest on recall (school_id, hidden_at);
create index recall_by_id on recall (id);

-- Which messages a recall covers, and what they come back as. A message is hidden while a recall that was not restored covers it.
create table recall_message (
    school_id    uuid not null,
    recall_id    uuid not null,
    message_id   uuid not null,
    cause        text not null check (cause in ('selected', 'quoting')),
    state_before text not null check (state_before in ('visible', 'held')),
    primary key (school_id, recall_id, message_id),
    foreign key (school_id, recall_id) references recall
);
create index recall_of_message on recall_message (school_id, message_id);

-- What somebody asks to make of a quarantine, in a school, or in all it concerns: the school of zeros. It counts once another
-- person has asked for the same.
create table recall_decision (
    school_id    uuid        not null,
    recall_id    uuid        not null,
    id           uuid        not null,
    decision     text        not null check (decision in ('restored', 'final')),
    asked_by     uuid        not null,
    asked_at     timestamptz not null,
    confirmed_by uuid        check (confirmed_by <> asked_by),
    primary key (school_id, recall_id, id)
);

-- No statement of anybody shows what a recall covers, or takes a decision back.
create function refuse_showing_recalled() returns trigger language plpgsql as $$
begin
    if exists (select 1 from recall_message c join recall r on r.school_id = c.school_id and r.id = c.recall_id
               where c.school_id = new.school_id and c.message_id = new.id and r.state <> 'restored') then
        raise exception 'a recall covers this message' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger message_stays_recalled before update of state on message for each row
    when (old.state = 'recalled' and new.state <> 'recalled') execute function refuse_showing_recalled();
create function refuse_another_decision() returns trigger language plpgsql as $$
begin
    raise exception 'what is decided about a recall stays so' using errcode = 'insufficient_privilege';
end $$;
create trigger recall_decided_once before update on recall for each row
    when (old.state <> 'quarantined' and new is distinct from old) execute function refuse_another_decision();

-- What was done about some accounts in one act. The school of zeros stands for operators, who respond for all schools.
create table account_response (
    school_id    uuid        not null,
    id           uuid        not null,
    recall_id    uuid        not null,
    since        timestamptz not null,
    reason       text        not null check (reason <> ''),
    authority    text        not null check (authority <> ''),
    incident_id  uuid,
    asked_by     uuid,
    asked_at     timestamptz not null,
    completed_at timestamptz,
    primary key (school_id, id)
);
create index account_response_latest on account_response (school_id, asked_at);

-- Each account of it, until auth has contained it. Whoever works on one moves `next_at` beyond the time that the work may take.
create table account_response_member (
    school_id   uuid        not null,
    response_id uuid        not null,
    person_id   uuid        not null,
    state       text        not null default 'waiting' check (state in ('waiting', 'contained', 'no_account')),
    attempts    integer     not null default 0,
    next_at     timestamptz not null,
    waiting_for text,
    primary key (school_id, response_id, person_id),
    foreign key (school_id, response_id) references account_response
);
create index account_response_waiting on account_response_member (next_at) where state = 'waiting';

-- Whose messages are refused here, at once and whatever auth knows of it: those of sessions that began below the epoch of the
-- containment, and of all sessions while auth has not told that epoch. Where auth has no such account, for as long as any token is
-- accepted.
create table contained_account (
    person_id    uuid        primary key,
    response_id  uuid        not null,
    contained_at timestamptz not null,
    epoch        bigint,
    lapses_at    timestamptz
);
