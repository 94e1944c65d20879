-- Settles what is remembered of acts that were asked for under an Idempotency-Key, so that a retry gets the same answer.
-- A row is committed with the act that it names; without an answer it exists only inside that act's transaction.
create table idempotency_key (
    account_id   uuid        not null,
    route        text        not null,
    key          text        not null check (length(key) between 1 and 128),
    fingerprint  bytea       not null check (octet_length(fingerprint) = 32),
    expires_at   timestamptz not null,
    status       smallint    check (status between 200 and 299),
    content_type text,
    body         bytea       check (octet_length(body) <= 65536),
    primary key (account_id, route, key),
    check (num_nulls(status, content_type, body) in (0, 3))
);
create index idempotency_key_expiry on idempotency_key (expires_at);
