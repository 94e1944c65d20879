-- Settles how an account is locked and opened again: a forced reset, the codes that end one, and which containments have been done.

-- An account that nobody has activated has no password.
alter table account alter column password_hash drop not null;
-- Locked by a containment, until a code of an administrator is redeemed. `blocked_at` is another thing: it stays until somebody lifts it.
alter table account add column locked_at timestamptz;
-- The old password alone opens nothing any more: a thief may have it.
alter table account add column reset_forced_at timestamptz;

-- Codes are kept as keyed hashes; the printed sheet is the only copy. Without an account a code opens nothing, so that none
-- has to be deleted with it.
create table account_code (
    code_hash  text        primary key check (length(code_hash) = 22),
    person_id  uuid        not null,
    purpose    text        not null check (purpose in ('activation', 'reset')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index account_code_of_person on account_code (person_id);

-- One row per command, so that the same command twice is done once.
create table containment (
    caller       text        not null,
    key          text        not null check (length(key) between 1 and 128),
    person_id    uuid        not null,
    epoch        bigint,
    contained_at timestamptz not null,
    primary key (caller, key)
);
create index containment_age on containment (contained_at);
