-- Settles how instances tell old cached answers from current ones: a version per tag, raised by the transaction of each change.
create table cache_version (
    tag     text primary key,
    version bigint not null check (version > 0)
);
