//! Settles what those who watch are told of the waiting room: how many wait, and how far they have been called.

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use shared::resilience::admission::Lane as State;

use super::{Lane, WaitingRoom};

impl WaitingRoom {
    /// Makes figures of each lane; they end when the service does.
    pub fn observe(&self, meter: &Meter) {
        let room = self.clone();
        let _waiting = meter
            .f64_observable_gauge("ent.waiting_room.waiting")
            .with_description("People in a lane who have not been called, as far as is known.")
            .with_callback(move |gauge| room.each_lane(|lane, state| gauge.observe(state.waiting(), &[lane])))
            .build();
        let room = self.clone();
        let _mark = meter
            .f64_observable_gauge("ent.waiting_room.mark")
            .with_unit("s")
            .with_description("Everybody who came to a lane before this time (Unix) has been called.")
            .with_callback(move |gauge| {
                room.each_lane(|lane, state| gauge.observe(state.called_until_s(), &[lane]));
            })
            .build();
    }

    fn each_lane(&self, observe: impl Fn(KeyValue, &State)) {
        for (lane, state) in Lane::ALL.iter().zip(&self.state().lanes) {
            observe(KeyValue::new("lane", lane.name()), state);
        }
    }
}
