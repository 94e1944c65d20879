//! Settles which sends are held for a second look: what is known of the send leads, similar texts of other people confirm.
//!
//! Pure: no clock, no store. Whoever sends fills an [`Outgoing`](window::Outgoing) and a [`Window`](window::Window), asks
//! [`judge`](verdict::judge), and keeps of the send what [`Recent`](window::Recent) names, held or not, in the transaction of the send.
//!
//! **What the store is asked**: one statement before the send's own row, none for a text without a fingerprint. A fingerprint
//! has [`BANDS`](fingerprint::BANDS) bands, and two texts are compared when they share one. There is one row for each band of each
//! sender: whether it is a recent send, a refusal or a release, and the newest message, whose ids are in the order of time. So sixteen rows
//! are sixteen people, and nobody pushes others out by repeating a text.
//! For each band of this send the statement takes the newest [`RECENT_IN_A_BAND`](window::RECENT_IN_A_BAND) sends of the last
//! [`LOOKED_BACK`](window::LOOKED_BACK) and the newest [`DECISIONS_IN_A_BAND`](window::DECISIONS_IN_A_BAND) decisions of
//! either kind, and gives the newest [`MOST_RECENT`](window::MOST_RECENT) and [`MOST_DECISIONS`](window::MOST_DECISIONS) of
//! all bands, of every school (releases: of this one). However many alike a campaign sends, that is 1,024 entries of the index and 384
//! rows at most. What is older than the window asks for is deleted.
//!
//! Sends whose transactions overlap do not see each other: that window is a few milliseconds wide.

pub mod behaviour;
pub mod fingerprint;
pub mod normalise;
pub mod priority;
pub mod verdict;
pub mod window;
