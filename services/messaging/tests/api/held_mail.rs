//! Settles that what waits for a second look is neither told nor found before its release, nor after its refusal or its recall, by anybody but its sender.

use serde_json::{Value, json};

use crate::app::{App, Who};
use crate::events::send;
use crate::hold::{decide, held, ordinary, pupil};
use crate::listener::Listener;
use crate::recall::{by_senders, withdraw};
use crate::search::found;

/// The state of the newest message that the pupil sent, as their own list shows it.
async fn newest_sent(app: &App) -> Value {
    let page = app.browser(Who::PUPIL).get("/messaging/v1/sent").await.expect(200).body;
    page["messages"][0]["state"].clone()
}

/// How often recipient and sender find it.
async fn counts(app: &App, words: &str) -> (usize, usize) {
    (found(app, pupil(1), words).await.len(), found(app, Who::PUPIL, words).await.len())
}

/// Another message comes, and nothing was told before it.
async fn hears_nothing_before_the_next(app: &App, listener: &mut Listener, unread: i64) {
    let next = send(app).await;
    let heard = listener.next().await;
    assert_eq!((heard.name.as_str(), &heard.data["id"]), ("new_message", &next["id"]));
    assert_eq!(listener.next().await.data["unread_count"], unread);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_message_is_told_and_found_when_it_is_released_and_not_before() {
    let app = App::start().await;
    ordinary(&app).await;
    let (mut listener, _) = Listener::start(&app.browser(pupil(1))).await;
    let sent = held(&app, "Le perroquet du CDI s'est échappé").await;
    assert_eq!((counts(&app, "perroquet").await, newest_sent(&app).await), ((0, 1), json!("held")));
    hears_nothing_before_the_next(&app, &mut listener, 1).await;
    let last = listener.last;

    decide(&app.proved(Who::PRINCIPAL), &sent["id"], "released").await.expect(204);
    let mut back = Listener::come_back(&app.browser(pupil(1)), last).await;
    for listener in [&mut listener, &mut back] {
        assert_eq!(listener.next_named("message_released").await["id"], sent["id"]);
        listener.until_unread(2).await;
    }
    assert_eq!((counts(&app, "perroquet").await, newest_sent(&app).await), ((1, 1), json!("visible")));

    withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await;
    assert_eq!(listener.next_named("message_withdrawn").await["id"], sent["id"]);
    listener.until_unread(1).await;
    assert_eq!((counts(&app, "perroquet").await, newest_sent(&app).await), ((0, 0), Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_message_and_a_recalled_held_one_are_never_told() {
    let app = App::start().await;
    ordinary(&app).await;
    let (mut listener, _) = Listener::start(&app.browser(pupil(1))).await;
    let begin = listener.last;
    let refused = held(&app, "Le perroquet du CDI s'est échappé").await;
    decide(&app.proved(Who::PRINCIPAL), &refused["id"], "refused").await.expect(204);
    assert_eq!((counts(&app, "perroquet").await, newest_sent(&app).await), ((0, 1), json!("refused")));
    held(&app, "La girafe du zoo est partie").await;
    withdraw(&app, &by_senders(&app, &[Who::PUPIL])).await;
    assert_eq!((counts(&app, "girafe").await, counts(&app, "perroquet").await), ((0, 0), (0, 0)));
    hears_nothing_before_the_next(&app, &mut listener, 1).await;
    let mut back = Listener::come_back(&app.browser(pupil(1)), begin).await;
    assert_eq!(back.next().await.name, "new_message", "nor to those who come back");
}
