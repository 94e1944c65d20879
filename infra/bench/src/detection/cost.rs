//! Settles what detection takes of the processor for one send: its text, and its judgement beside a full window.

use std::hint::black_box;
use std::time::Duration;

use messaging::detection::behaviour::{Circumstances, Proof};
use messaging::detection::fingerprint::Fingerprint;
use messaging::detection::normalise::NormalText;
use messaging::detection::verdict::judge;
use messaging::detection::window::{Decision, MOST_DECISIONS, MOST_RECENT, Outgoing, Recent, Window};
use uuid::Uuid;

use crate::finding::{Estimate, Finding, Unit};
use crate::harness::{Contender, Plan};
use crate::report::Figure;

const LETTER: &str = "Bonjour Madame, <prénom> a de la fièvre depuis hier soir et reste à la maison. Nous passons chez le médecin à 10 h 30 et \
je vous enverrai le certificat. Pouvez-vous prévenir son professeur d'histoire : c'était à son tour de présenter l'exposé. Merci \
beaucoup et bonne journée. Cordialement, la maman de <prénom>";
/// Characters of the longest body.
const LONGEST: usize = 20_000;

/// Median processor time, in microseconds.
pub fn measure() -> Vec<Finding> {
    let longest: String = LETTER.chars().cycle().take(LONGEST).collect();
    let fingerprint = Fingerprint::of(&NormalText::of(LETTER));
    let (outgoing, window) = (outgoing(fingerprint.clone()), full(fingerprint));
    let print = |text: &str, calls: u64| {
        for _ in 0..calls {
            black_box(Fingerprint::of(&NormalText::of(black_box(text))).map(|print| print.bands()));
        }
    };
    let judged = |window: &Window, calls: u64| {
        for _ in 0..calls {
            black_box(judge(black_box(&outgoing), black_box(window)));
        }
    };
    let often = [
        Contender::new("fingerprint of a letter of 330 characters", |calls| print(LETTER, calls)),
        Contender::new("judgement beside an empty window", |calls| judged(&Window::default(), calls)),
        Contender::new("judgement beside a full window, all of it alike", |calls| judged(&window, calls)),
    ];
    let seldom = [Contender::new("fingerprint of the longest message", |calls| print(&longest, calls))];
    let mut figures = Plan::computing(500).measure(&often);
    figures.extend(Plan::computing(20).measure(&seldom));
    let told = |figure: Figure| Finding {
        benchmark: "detection",
        case: "processor time of a send".to_owned(),
        figure: figure.name,
        unit: Unit::Microseconds,
        estimate: Estimate { value: figure.value / 1_000.0, interval: None },
        aim: None,
    };
    figures.into_iter().map(told).collect()
}

fn outgoing(fingerprint: Option<Fingerprint>) -> Outgoing {
    let circumstances = Circumstances {
        is_personnel: false,
        device_age: Duration::from_hours(1),
        reset_age: None,
        proof: Proof::Impossible,
        local_hour: 8,
        recipients: 1,
        widest_before: 3,
        new_recipients: 1,
        reaches_personnel: true,
    };
    Outgoing { school_id: Uuid::nil(), sender_id: Uuid::nil(), audience: 0, fingerprint, circumstances }
}

fn full(fingerprint: Option<Fingerprint>) -> Window {
    let mut window = Window::default();
    let Some(fingerprint) = fingerprint else { return window };
    let id = |number: usize| Uuid::from_u128(1 + u128::try_from(number).unwrap_or(0));
    window.recent.extend((0..MOST_RECENT).map(|number| Recent {
        school_id: id(number % 25),
        sender_id: id(number),
        audience: i64::try_from(number).unwrap_or(0),
        fingerprint: fingerprint.clone(),
        is_noticed: number % 2 == 0,
    }));
    window.decisions.extend((0..2 * MOST_DECISIONS).map(|number| Decision {
        school_id: id(number),
        fingerprint: fingerprint.clone(),
        is_release: number % 2 == 0,
    }));
    window
}
