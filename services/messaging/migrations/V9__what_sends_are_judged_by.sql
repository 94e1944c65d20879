-- Settles what attempts to get around the judgement of a send have shown to be needed: since when people know each other, how
-- much is sent in all, and one place for each sender among those who sent the like.

-- Since when something of the sender has gone to the recipient, and was not held; null where nothing has. Who was written to before
-- this was kept counts as known for as long as can be.
alter table contact add column first_at timestamptz default '-infinity';
alter table contact alter column first_at drop default;

-- Of rows from before, the defaults of `domain::budget` count.
alter table send_limit add column unproved_an_hour integer check (unproved_an_hour > 0);
alter table send_limit add column messages_an_hour integer check (messages_an_hour > 0);
-- What of a sender waits for a second look.
create index message_held on message (sender_id, sent_at) where state = 'held';

-- One row for each sender in a band, the newest: whoever repeats a text does not push out others who sent the like.
alter table text_band add column sender_id uuid;
update text_band b set sender_id = m.sender_id from message m where m.school_id = b.school_id and m.id = b.message_id;
delete from text_band b where sender_id is null or exists (
    select 1 from text_band newer
    where (newer.kind, newer.band, newer.scope, newer.sender_id) = (b.kind, b.band, b.scope, b.sender_id)
      and newer.message_id > b.message_id);
alter table text_band drop constraint text_band_pkey;
alter table text_band add primary key (kind, band, scope, sender_id);
create index text_band_latest on text_band (kind, band, scope, message_id) include (school_id);
