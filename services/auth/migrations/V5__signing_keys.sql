-- Settles since when each key of access tokens is published: all instances sign with a new one at the same time, an hour after that.

create table signing_key (
    kid          text        primary key,
    published_at timestamptz not null
);
