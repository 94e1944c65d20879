-- Settles since when an account has the password that somebody set with a printed code.
alter table account add column code_password_at timestamptz;
