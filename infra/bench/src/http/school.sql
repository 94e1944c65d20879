-- Settles the school of the HTTP benchmark: 120 pupils in four classes and four Latin groups, 44 courses with two pieces of homework each.
create function pg_temp.id(kind text, number bigint) returns uuid language sql immutable as
$$ select (kind || lpad(to_hex(number), 31, '0'))::uuid $$;

insert into directory.person
    select pg_temp.id('2', n), 'Prénom' || n, 'Nom-Composé' || n from generate_series(1, 20) n;
insert into student_group (school_id, id, kind, name, level)
    select pg_temp.id('a', 1), pg_temp.id('b', n), case when n <= 4 then 'class' else 'teaching_group' end,
           case when n <= 4 then '3e' || chr(64 + n::int) else '3e Latin ' || n - 4 end, '3e'
    from generate_series(1, 8) n;
insert into enrolment (school_id, group_id, person_id, part)
    select pg_temp.id('a', 1), pg_temp.id('b', (n - 1) % 4 + 1 + 4 * room), pg_temp.id('1', n), 'student'
    from generate_series(1, 120) n, generate_series(0, 1) room;
-- Ten courses for each class, one for each Latin group.
insert into course (school_id, id, group_id, teacher_id, subject, title)
    select pg_temp.id('a', 1), pg_temp.id('c', n), pg_temp.id('b', case when n <= 40 then (n - 1) / 10 + 1 else n - 36 end),
           pg_temp.id('2', n % 20 + 1), 'Matière ' || n % 10, 'Matière ' || n % 10 || ' en troisième'
    from generate_series(1, 44) n;
insert into homework (school_id, id, course_id, title, instructions, due_on, given_by, given_at)
    select pg_temp.id('a', 1), pg_temp.id('d', 2 * n + k), pg_temp.id('c', n), 'Exercices ' || k || ' à ' || n,
           'Page ' || n || ', à rendre au début du cours.', current_date + (1 + (n + 5 * k) % 12)::int,
           pg_temp.id('2', n % 20 + 1), now()
    from generate_series(1, 44) n, generate_series(0, 1) k;
