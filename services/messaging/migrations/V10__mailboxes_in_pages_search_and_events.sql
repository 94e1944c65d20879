-- Settles how mailboxes are paged and searched, and which news of them are told.

-- What one person sent, newest first, without what was withdrawn; and what one person received or sent in one thread.
create index message_sent on message (school_id, sender_id, id) where state <> 'recalled';
create index message_sent_in_thread on message (school_id, thread_id, sender_id, id);
create index delivery_in_thread on delivery (school_id, recipient_id, thread_id, message_id);
drop index delivery_of_thread;
-- Messages that recipients do not see are few: what is unread is counted without looking at the others.
create index message_unseen on message (school_id, id) where state <> 'visible';

-- Words are compared without accents, case and the endings of French; names without their accents and case.
create extension if not exists unaccent;
create text search configuration mailbox (copy = pg_catalog.french);
alter text search configuration mailbox
    alter mapping for asciiword, word, asciihword, hword, hword_asciipart, hword_part with unaccent, french_stem;
create text search configuration person_name (copy = pg_catalog.simple);
alter text search configuration person_name
    alter mapping for asciiword, word, asciihword, hword, hword_asciipart, hword_part with unaccent, simple;
create index person_name_words on directory.person
    using gin (to_tsvector('person_name', given_name || ' ' || family_name));

-- The words of a message, once however many receive it, with two that nobody can write: its school (=s) and its sender (=p).
-- Apart from the message, so that what is paged stays small.
create table message_words (
    school_id  uuid     not null,
    message_id uuid     not null,
    words      tsvector not null,
    primary key (school_id, message_id)
);
-- A search reads what was not sorted into the index yet: that stays below 512 KiB.
create index message_words_index on message_words using gin (words) with (gin_pending_list_limit = 512);

create function words_of(subject text, body text, school_id uuid, sender_id uuid) returns tsvector
language sql immutable parallel safe as $$
    select to_tsvector('mailbox', subject) || to_tsvector('mailbox', body)
        || array_to_tsvector(array['=s' || school_id, '=p' || sender_id])
$$;
-- A subject is found by the message that begins the thread, and is hidden with it: nobody guesses it from an answer.
create function subject_of(t thread, message_id uuid) returns text language sql stable as $$
    select case when message_id in (t.id, (select b.id from message b
        where b.school_id = t.school_id and b.thread_id = t.id order by b.id limit 1)) then t.subject else '' end
$$;
create function keep_words() returns trigger language plpgsql as $$
begin
    insert into message_words (school_id, message_id, words)
    select a.school_id, a.id, words_of(subject_of(t, a.id), a.body, a.school_id, a.sender_id)
    from added a join thread t on t.school_id = a.school_id and t.id = a.thread_id;
    return null;
end $$;
create trigger message_is_searchable after insert on message referencing new table as added
    for each statement execute function keep_words();
insert into message_words (school_id, message_id, words)
select m.school_id, m.id, words_of(subject_of(t, m.id), m.body, m.school_id, m.sender_id)
from message m join thread t on t.school_id = m.school_id and t.id = m.thread_id where m.body_deleted_at is null;

-- What changed in mailboxes: a row for each message that appeared or disappeared, however many have it, and for each person who
-- read something. Kept for a day, for streams that come back; the row with the last position stays.
create table mail_event (
    id         bigint generated always as identity primary key,
    position   bigint unique check (position > 0),
    school_id  uuid        not null,
    kind       text        not null check (kind in ('sent', 'released', 'withdrawn', 'read')),
    message_id uuid,
    person_id  uuid,
    at         timestamptz not null default now(),
    check ((kind = 'read') = (message_id is null) and (kind = 'read') = (person_id is not null))
);
create index mail_event_waiting on mail_event (id) where position is null;
create index mail_event_of_school on mail_event (school_id, position);

-- Whoever changes the state of messages, in whichever way, tells those who have them.
create function tell_of_state() returns trigger language plpgsql as $$
begin
    insert into mail_event (school_id, kind, message_id)
    select n.school_id, case when n.state = 'visible' then 'released' else 'withdrawn' end, n.id
    from was o join becomes n on n.school_id = o.school_id and n.id = o.id
    where (o.state = 'visible') <> (n.state = 'visible') order by n.id;
    return null;
end $$;
create trigger message_state_is_told after update on message
    referencing old table as was new table as becomes for each statement execute function tell_of_state();
