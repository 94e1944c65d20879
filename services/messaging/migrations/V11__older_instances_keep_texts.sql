-- Settles that instances from before V9 go on sending beside newer ones while a rolling upgrade lasts: they keep texts without saying
-- whose they are, which V9 asks for. To be dropped once no such instance can run.

create function sender_of_text() returns trigger language plpgsql as $$
begin
    -- A text without its message is nobody's else: it takes the place of no other.
    new.sender_id := coalesce(
        (select sender_id from message where school_id = new.school_id and id = new.message_id), new.message_id);
    return new;
end $$;
create trigger text_band_has_a_sender before insert on text_band
    for each row when (new.sender_id is null) execute function sender_of_text();
