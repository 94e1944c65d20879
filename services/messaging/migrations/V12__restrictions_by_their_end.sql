-- Settles that counting what is in force in all schools, which every instance does every few seconds, reads nothing that has ended.
create index send_restriction_in_force on send_restriction (ends_at);
