-- Settles what courses owns (groups, enrolments, courses, homework) and what it knows of auth's people from auth's change feed.

-- Projection of auth's feed. No foreign keys: changes arrive in the feed's order, not in the order a key would want.
create schema directory;
create table directory.person (
    id          uuid primary key,
    given_name  text not null,
    family_name text not null
);
create table directory.guardianship (
    school_id   uuid not null,
    student_id  uuid not null,
    guardian_id uuid not null,
    primary key (school_id, guardian_id, student_id)
);

-- A class (kind 'class') or a teaching group (kind 'teaching_group').
create table student_group (
    school_id uuid not null,
    id        uuid not null,
    kind      text not null check (kind in ('class', 'teaching_group')),
    name      text not null check (name <> ''),
    level     text not null,
    primary key (school_id, id)
);

create table enrolment (
    school_id uuid not null,
    group_id  uuid not null,
    person_id uuid not null,
    part      text not null check (part in ('student', 'teacher')),
    primary key (school_id, group_id, person_id),
    foreign key (school_id, group_id) references student_group
);
create index enrolment_of_person on enrolment (school_id, person_id);

create table course (
    school_id  uuid not null,
    id         uuid not null,
    group_id   uuid not null,
    teacher_id uuid not null,
    subject    text not null check (subject <> ''),
    title      text not null check (title <> ''),
    primary key (school_id, id),
    foreign key (school_id, group_id) references student_group
);
create index course_of_group on course (school_id, group_id);
create index course_of_teacher on course (school_id, teacher_id);

create table homework (
    school_id    uuid        not null,
    id           uuid        not null,
    course_id    uuid        not null,
    title        text        not null check (title <> ''),
    instructions text        not null,
    due_on       date        not null,
    given_by     uuid        not null,
    given_at     timestamptz not null,
    primary key (school_id, id),
    foreign key (school_id, course_id) references course
);
create index homework_of_course on homework (school_id, course_id, due_on);

create table change_feed (
    id       bigint generated always as identity primary key,
    position bigint unique,
    kind     text    not null,
    key      text    not null,
    deleted  boolean not null default false,
    body     jsonb   not null
);
create index change_feed_unsequenced on change_feed (id) where position is null;

-- How far each sibling's feed has been applied.
create table projection (
    source  text primary key,
    applied bigint not null check (applied >= 0)
);

create table seeded_data_set (
    only_one boolean primary key default true check (only_one),
    manifest jsonb not null
);
