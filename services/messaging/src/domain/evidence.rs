//! Settles how the evidence of an incident leaves the house: texts sealed first, then one signed file with everything that is known.
//!
//! A command of operators on the host: nobody takes the sign-ins of a school out of a browser. What auth keeps is asked of
//! auth; without it there is no bundle unless gaps are allowed, and then the bundle says what is missing.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use shared::audit::{Named, Order, Proof};
use shared::context::Context;
use shared::evidence::{Head, Item, ReaderKey, Sealed, Writer, seal, sha256};
use shared::pg::Work;
use uuid::Uuid;

use super::incidents::Whose;
use super::timeline::{Gathered, Timelines};
use super::timeline_page::Page;
use crate::error::{Error, IncidentError};
use crate::store;
use crate::store::evidence::SentMessage;
use crate::upstream::security_events::{Acts, find_acts};

/// Time for one step; a whole bundle takes as many as it needs.
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// Messages sealed in one transaction, and read at a time.
const BATCH: usize = 200;
/// Lines of one text of a bundle.
const LINES: usize = 2_000;
/// Entries of one proof of a bundle.
const PROVEN: usize = 500;
/// How long auth may take to sign what was done there: it does so every ten seconds.
const COVERED_WITHIN: u32 = 60;
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Exports evidence.
pub struct Export {
    /// What is known.
    pub timelines: Timelines,
    /// Who can open what is sealed.
    pub readers: Vec<ReaderKey>,
    /// Whether a bundle is made although something is missing.
    pub allows_gaps: bool,
}

/// What was exported.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// Lines of the timeline.
    pub moments: usize,
    /// Sealed messages.
    pub sealed: usize,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

impl Export {
    /// Seals what is not sealed yet, and writes the bundle to a file that must not exist.
    pub async fn run(
        &self,
        context: &Context,
        order: &Order,
        id: Uuid,
        file: &Path,
    ) -> Result<Exported, Error> {
        if self.readers.is_empty() {
            return Err(IncidentError::NoReaders.into());
        }
        let out = create(file)?;
        let written = self.write(context, order, id, out).await;
        if written.is_err() {
            // Half a bundle is none. What is left of it tells nobody anything, so a failure to remove it is no other failure.
            let _ = std::fs::remove_file(file);
        }
        written
    }

    async fn write(&self, context: &Context, order: &Order, id: Uuid, out: File) -> Result<Exported, Error> {
        let step = || Context::background(context.clock().clone(), STEP_LIMIT);
        let first = self.timelines.gather(&step(), Whose::All, id).await?;
        self.seal(context, order, id, &first.messages).await?;
        self.keep(&step(), order, id, &first).await?;
        self.sign().await?;
        let mut gathered = self.timelines.gather(&step(), Whose::All, id).await?;
        self.wait_for_auth(context, id, &mut gathered).await?;
        if let (false, Some(missing)) = (self.allows_gaps, gathered.missing.first()) {
            return Err(IncidentError::Missing(missing.clone()).into());
        }
        let proof = self.timelines.prove(&gathered.acts).await?;
        let bundle = Bundle { id, made_at: context.clock().utc(), gathered, proof };
        self.write_bundle(context, &bundle, out).await
    }

    /// What the accounts sent, batch by batch, each in a transaction with its entry: a crash repeats nothing.
    async fn seal(
        &self,
        context: &Context,
        order: &Order,
        id: Uuid,
        messages: &[SentMessage],
    ) -> Result<(), Error> {
        let mut by_school: Vec<&SentMessage> = messages.iter().collect();
        by_school.sort_by_key(|message| message.school_id);
        for of_school in by_school.chunk_by(|one, other| one.school_id == other.school_id) {
            for batch in of_school.chunks(BATCH) {
                let ids: Vec<Uuid> = batch.iter().map(|message| message.id).collect();
                let Some(school) = batch.first().map(|message| message.school_id) else { continue };
                self.seal_batch(context, order, (id, school), &ids).await?;
            }
        }
        Ok(())
    }

    async fn seal_batch(
        &self,
        context: &Context,
        order: &Order,
        (id, school): (Uuid, Uuid),
        messages: &[Uuid],
    ) -> Result<(), Error> {
        let context = Context::background(context.clock().clone(), STEP_LIMIT);
        let mut transaction = self.timelines.database.begin(&context, Work::Background).await?;
        let texts = store::evidence::find_unsealed(&mut transaction, id, school, messages).await?;
        if texts.is_empty() {
            return Ok(());
        }
        let seal_one = |(message, text): &(Uuid, Value)| {
            seal(&self.readers, text.to_string().as_bytes()).map(|sealed| (*message, sealed))
        };
        let sealed: Vec<(Uuid, Sealed)> =
            texts.iter().map(seal_one).collect::<Result<_, _>>().map_err(IncidentError::from)?;
        let commitments: Vec<String> =
            sealed.iter().map(|(message, sealed)| format!("{message} {}\n", sealed.commitment)).collect();
        let now = context.clock().utc();
        store::evidence::insert_sealed(&mut transaction, (id, school), &sealed, now).await?;
        let details = json!({ "school": school, "count": sealed.len(), "sha256": sha256(commitments.concat().as_bytes()) });
        let order = order.clone().in_incident(Some(id));
        order.keep(&mut transaction, "messages_sealed", format!("incident:{id}"), details).await?;
        Ok(transaction.commit().await?)
    }

    async fn keep(&self, context: &Context, order: &Order, id: Uuid, first: &Gathered) -> Result<(), Error> {
        let mut transaction = self.timelines.database.begin(context, Work::Background).await?;
        let details = json!({ "events": first.events.events.len(), "messages": first.messages.len() });
        let order = order.clone().in_incident(Some(id));
        order.keep(&mut transaction, "evidence_exported", format!("incident:{id}"), details).await?;
        Ok(transaction.commit().await?)
    }

    /// Gives what was done here a place in the log and signs it, whether the service runs or not.
    async fn sign(&self) -> Result<(), Error> {
        while self.timelines.log.sequence().await? > 0 {}
        self.timelines.log.checkpoint().await?;
        Ok(())
    }

    /// auth signs what was done there within seconds, and writes sign-ins behind them.
    async fn wait_for_auth(&self, context: &Context, id: Uuid, gathered: &mut Gathered) -> Result<(), Error> {
        for _ in 0..COVERED_WITHIN {
            if !gathered.missing.is_empty() || is_covered(&gathered.acts_of_auth) {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let step = Context::background(context.clock().clone(), STEP_LIMIT);
            let acts = find_acts(&self.timelines.auth, &step, id).await;
            gathered.acts_of_auth = acts.map_err(IncidentError::from)?;
        }
        if self.allows_gaps {
            gathered.missing.push("what proves the latest acts in auth".to_owned());
            return Ok(());
        }
        Err(IncidentError::NotCovered.into())
    }

    async fn write_bundle(&self, context: &Context, bundle: &Bundle, out: File) -> Result<Exported, Error> {
        let checkpoints = self.timelines.log.checkpoints()?;
        let head = Head {
            version: 1,
            origin: self.timelines.log.origin().to_owned(),
            subject: format!("incident:{}", bundle.id),
            made_at: bundle.made_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            public_key: STANDARD.encode(checkpoints.public_key().as_bytes()),
            readers: self.readers.iter().map(ReaderKey::reader).collect(),
        };
        let mut writer = Writer::begin(BufWriter::new(out), head).map_err(file)?;
        let moments = bundle.write_texts(&mut writer)?;
        self.write_copies(context, bundle, &mut writer).await?;
        bundle.write_proofs(&mut writer)?;
        let sealed = self.write_sealed(context, bundle.id, &mut writer).await?;
        let out = writer.end(checkpoints).map_err(file)?;
        out.into_inner().map_err(|error| file(error.into_error()))?.sync_all().map_err(file)?;
        Ok(Exported { moments, sealed, missing: bundle.gathered.missing.clone() })
    }

    async fn write_copies(&self, context: &Context, bundle: &Bundle, writer: &mut Out) -> Result<(), Error> {
        for (number, batch) in bundle.gathered.messages.chunks(BATCH).enumerate() {
            let context = Context::background(context.clock().clone(), STEP_LIMIT);
            let mut reader = self.timelines.database.reader(&context, Work::Background).await?;
            let mut copies = vec![];
            for of_school in batch.chunk_by(|one, other| one.school_id == other.school_id) {
                let ids: Vec<Uuid> = of_school.iter().map(|message| message.id).collect();
                let Some(school) = of_school.first().map(|message| message.school_id) else { continue };
                copies.extend(store::evidence::find_copies(&mut reader, school, &ids).await?);
            }
            for (part, copies) in copies.chunks(LINES).enumerate() {
                let name = format!("copies/{:04}-{:04}.jsonl", number + 1, part + 1);
                writer.add(text(name, "application/jsonl", lines(copies))).map_err(file)?;
            }
        }
        Ok(())
    }

    async fn write_sealed(&self, context: &Context, id: Uuid, writer: &mut Out) -> Result<usize, Error> {
        let (mut after, mut count) = ((Uuid::nil(), Uuid::nil()), 0);
        let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
        loop {
            let context = Context::background(context.clock().clone(), STEP_LIMIT);
            let mut reader = self.timelines.database.reader(&context, Work::Background).await?;
            let page = store::evidence::find_sealed(&mut reader, id, after, limit).await?;
            let Some((school, message, _)) = page.last() else { return Ok(count) };
            after = (*school, *message);
            count += page.len();
            for (_, message, sealed) in page {
                let name = format!("sealed/{message}.json");
                writer.add(Item::Sealed { name, sealed }).map_err(file)?;
            }
        }
    }
}

type Out = Writer<BufWriter<File>>;

/// What goes into a bundle.
struct Bundle {
    id: Uuid,
    made_at: DateTime<Utc>,
    gathered: Gathered,
    proof: Option<Proof>,
}

impl Bundle {
    /// Returns how many lines the timeline has.
    fn write_texts(&self, writer: &mut Out) -> Result<usize, Error> {
        let Gathered { incident, notes, events, messages, missing, .. } = &self.gathered;
        let gaps = &events.gaps;
        let facts = json!({
            "incident": incident, "notes": notes, "gaps": gaps, "missing": missing, "written_until": events.written_until,
        });
        let facts = serde_json::to_string_pretty(&facts).unwrap_or_default();
        writer.add(text("incident.json".to_owned(), "application/json", facts)).map_err(file)?;
        let moments = self.gathered.moments();
        let page = Page { incident, made_at: self.made_at, moments: &moments, gaps, missing }.render();
        writer.add(text("timeline.html".to_owned(), "text/html", page)).map_err(file)?;
        write_lines(writer, "timeline", &moments)?;
        write_lines(writer, "security-events", &events.events)?;
        write_lines(writer, "messages", messages)?;
        Ok(moments.len())
    }

    fn write_proofs(&self, writer: &mut Out) -> Result<(), Error> {
        let proofs = [("messaging", &self.proof), ("auth", &self.gathered.acts_of_auth.proof)];
        for (service, proof) in
            proofs.into_iter().filter_map(|(service, proof)| Some((service, proof.as_ref()?)))
        {
            for (number, entries) in proof.entries.chunks(PROVEN).enumerate() {
                let name = format!("audit/{service}-{:04}", number + 1);
                let proof = Proof { entries: entries.to_vec(), ..proof.clone() };
                writer.add(Item::Proof { name, proof }).map_err(file)?;
            }
        }
        Ok(())
    }
}

fn write_lines(writer: &mut Out, name: &str, all: &[impl Serialize]) -> Result<(), Error> {
    for (number, part) in all.chunks(LINES).enumerate() {
        let name = format!("{name}/{:04}.jsonl", number + 1);
        writer.add(text(name, "application/jsonl", lines(part))).map_err(file)?;
    }
    Ok(())
}

fn lines(all: &[impl Serialize]) -> String {
    all.iter().map(|one| serde_json::to_string(one).unwrap_or_default() + "\n").collect()
}

fn text(name: String, media_type: &str, content: String) -> Item {
    Item::Text { name, media_type: media_type.to_owned(), content }
}

fn is_covered(acts: &Acts) -> bool {
    let proven = acts.proof.as_ref().map_or(0, |proof| proof.entries.len());
    let is_placed = |act: &Named| act.position.is_some();
    proven == acts.entries.len() && acts.entries.iter().all(is_placed)
}

fn create(path: &Path) -> Result<File, Error> {
    let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    open.map_err(|error| IncidentError::File(path.display().to_string(), error).into())
}

fn file(error: std::io::Error) -> Error {
    IncidentError::File("the bundle".to_owned(), error).into()
}
