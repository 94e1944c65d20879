-- Settles what is kept of acts that matter: leaves in no order, positions given to them once, and the hashes of their tree.

create table audit_leaf (
    id       bigint generated always as identity primary key,
    position bigint unique check (position > 0),
    content  text   not null check (octet_length(content) between 2 and 65536)
);
create index audit_leaf_unsequenced on audit_leaf (id) where position is null;

-- Complete subtrees of 2^level leaves. They never change, so the tree is read and extended by a logarithm of rows.
create table audit_node (
    level  smallint not null check (level >= 0),
    number bigint   not null check (number >= 0),
    hash   bytea    not null check (octet_length(hash) = 32),
    primary key (level, number)
);

-- Not even the tables' owner changes the log by mistake. Against a role that may only do what the service does, these
-- rules are rights as well: grant select, insert, update (position) on audit_leaf; grant select, insert on audit_node.
create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_leaf_sequenced_once before update on audit_leaf for each row
    when (old.position is not null or new.position is null or (old.id, old.content) is distinct from (new.id, new.content))
    execute function audit_refuse();
create trigger audit_leaf_kept before delete or truncate on audit_leaf execute function audit_refuse();
create trigger audit_node_kept before update or delete or truncate on audit_node execute function audit_refuse();
