//! Settles who was overtaken, from what people saw: when they came, on what device, and when they were let in.

use std::collections::BTreeMap;

use crate::proofs::seen::{Person, seconds};

/// Within so many seconds of arrival any order is fair: places are given by whole seconds, and two clocks' seconds may overlap.
const SAME_S: u64 = 2;
/// Whoever comes back on time comes up to so many seconds after the call: the shortest appointments are that long.
const ON_THE_WAY_MS: u64 = 3_000;

/// What was seen of the order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Order {
    /// People whose order could be judged.
    pub(super) judged: usize,
    /// People who were let in after somebody of their lane who had come in a later second.
    pub(super) overtaken: usize,
    /// By how many seconds at most.
    pub(super) worst_s: f64,
}

/// Judges the order within each lane; lanes among each other go by their weights. Whoever left is overtaken when somebody
/// who came later was let in before they left the run.
pub(super) fn order(people: &[Person]) -> Order {
    let mut lanes: BTreeMap<&str, Vec<&Person>> = BTreeMap::new();
    for person in people {
        lanes.entry(person.lane()).or_default().push(person);
    }
    let mut order = Order::default();
    for lane in lanes.values_mut() {
        lane.sort_by_key(|person| person.arrived);
        judge(lane, &mut order);
    }
    order
}

fn judge(lane: &[&Person], order: &mut Order) {
    let end = lane.iter().filter_map(|person| person.let_in).max().unwrap_or(0);
    let mut later = lane.iter().rev().peekable();
    // The earliest that anybody was let in who came in a later second than the person looked at.
    let mut earliest = u64::MAX;
    for person in lane.iter().rev() {
        while let Some(other) =
            later.next_if(|other| other.arrived / 1_000 >= person.arrived / 1_000 + SAME_S)
        {
            earliest = earliest.min(other.let_in.unwrap_or(u64::MAX));
        }
        let in_at = person.let_in.unwrap_or(end);
        order.judged += 1;
        if earliest.saturating_add(ON_THE_WAY_MS) < in_at {
            order.overtaken += 1;
            order.worst_s = order.worst_s.max(seconds(in_at - earliest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proofs::seen::tests::pupil;

    #[test]
    fn whoever_came_first_and_is_let_in_last_was_overtaken() {
        let fair = [pupil(0.0, 10.0), pupil(3.0, 12.0), pupil(6.0, 14.0)];
        assert_eq!(order(&fair), Order { judged: 3, overtaken: 0, worst_s: 0.0 });
        let unfair = [pupil(0.0, 20.0), pupil(3.0, 12.0), pupil(6.0, 14.0)];
        assert_eq!(order(&unfair), Order { judged: 3, overtaken: 1, worst_s: 8.0 });
    }

    #[test]
    fn within_one_second_of_order_nobody_is_overtaken() {
        assert_eq!(order(&[pupil(0.9, 20.0), pupil(1.1, 12.0)]).overtaken, 0);
        assert_eq!(order(&[pupil(0.9, 20.0), pupil(2.1, 12.0)]).overtaken, 1);
    }

    #[test]
    fn another_lane_overtakes_nobody() {
        let stranger = Person { is_known_device: false, ..pupil(5.0, 6.0) };
        assert_eq!(order(&[pupil(0.0, 20.0), stranger]).overtaken, 0);
    }

    #[test]
    fn whoever_gave_up_while_later_ones_were_let_in_was_overtaken() {
        let gone = Person { let_in: None, signed_in: None, ..pupil(0.0, 0.0) };
        assert_eq!(order(&[gone, pupil(5.0, 6.0), pupil(9.0, 30.0)]).overtaken, 1);
    }
}
