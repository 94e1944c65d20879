-- Settles how second factors are kept: secrets encrypted, enrolments until they are confirmed, and recovery codes.

-- `s1.` and what follows is encrypted for its account alone; plain base32 is what demo data sets bring, and nobody else has.
alter table account drop constraint account_totp_secret_check;
alter table account add constraint account_totp_secret_check
    check (totp_secret ~ '^([A-Z2-7]{16,}|s1[.][A-Za-z0-9_-]{60,})$');
create index account_totp_plain on account (person_id) where totp_secret not like 's1.%';

-- A secret that nobody has proved to hold: one per person, the last one.
create table authenticator_enrolment (
    person_id  uuid        primary key,
    secret     text        not null check (secret like 's1.%'),
    expires_at timestamptz not null
);
create index authenticator_enrolment_end on authenticator_enrolment (expires_at);

-- Kept as keyed hashes; the person has the only copy. Used ones stay until the next ten, so that people see how many are left.
create table recovery_code (
    code_hash  text        primary key check (length(code_hash) = 22),
    person_id  uuid        not null,
    created_at timestamptz not null,
    used_at    timestamptz
);
create index recovery_code_of_person on recovery_code (person_id);

-- Administrators print codes for enrolling an authenticator as well.
alter table account_code drop constraint account_code_purpose_check;
alter table account_code add constraint account_code_purpose_check
    check (purpose in ('activation', 'reset', 'authenticator'));
-- A code has ended when it was used or its time is over, whichever comes first.
create index account_code_end on account_code (least(used_at, expires_at));
