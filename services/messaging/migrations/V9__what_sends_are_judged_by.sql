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
