//! News in any order, and alarms.

use object::health::Status;

use super::*;

fn id() -> ObjectId {
    ObjectId::new(&GroupKind::new("", "ConfigMap"), Some("n"), "a")
}

fn record(uid: &str, version: &str, health: Option<Status>) -> Record {
    let metadata = json!({"name": "a", "namespace": "n", "uid": uid, "resourceVersion": version});
    let object = Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap();
    let settings = Settings::kustomize_controller();
    Record {
        seen: Seen::of(&object, &settings, &[]),
        answered: None,
        sight: health.map(|status| Sight { by: "".into(), health: Health::new(status, "") }),
    }
}

fn health(state: &State) -> Option<Status> {
    state.objects.get(&key(&id())).and_then(|record| record.sight.as_ref()).map(|sight| sight.health.status)
}

#[test]
fn older_news_does_not_replace_newer() {
    let mut state = State::default();
    state.put(&id(), record("u", "5", Some(Status::Current)));
    // The watch is behind what a request of ours was answered.
    state.put(&id(), record("u", "4", None));
    assert_eq!(health(&state), Some(Status::Current));
    state.put(&id(), record("u", "5", None));
    assert_eq!(health(&state), Some(Status::Current), "the same version brings no news");
    state.put(&id(), record("u", "6", None));
    assert_eq!(health(&state), None, "the health of another version is unknown");
    // A new object of the same name.
    state.put(&id(), record("v", "3", Some(Status::Failed)));
    assert_eq!(health(&state), Some(Status::Failed));
    state.remove(&id(), &record("u", "9", None).seen);
    assert!(!state.objects.is_empty(), "the old one's end is not the new one's");
    state.remove(&id(), &record("v", "9", None).seen);
    assert!(state.objects.is_empty());
}

#[tokio::test]
async fn an_alarm_rings_for_as_long_as_it_is_held() {
    let mut state = State::default();
    let alarm = Arc::new(Alarm::default());
    state.waiting.insert(key(&id()), vec![Arc::downgrade(&alarm)]);
    state.put(&id(), record("u", "1", None));
    alarm.wait().await;
    assert_eq!(alarm.take(), HashSet::from([id()]));
    // Rings that came before the wait are not lost.
    state.put(&id(), record("u", "2", None));
    state.put(&id(), record("u", "3", None));
    alarm.wait().await;
    alarm.take();
    state.put(&id(), record("u", "3", None));
    let quiet = tokio::time::timeout(Duration::from_millis(20), alarm.wait()).await;
    assert!(quiet.is_err(), "nothing happened");
    drop(alarm);
    state.put(&id(), record("u", "4", None));
    assert!(state.waiting.is_empty());
}

#[test]
fn an_answer_that_the_watch_does_not_confirm_is_not_believed_for_ever() {
    let answer = |age: Duration| {
        let answered = Some(Instant::now().checked_sub(age).unwrap());
        Record { answered, ..record("u", "5", Some(Status::Current)) }
    };
    let mut state = State::default();
    state.put(&id(), answer(Duration::ZERO));
    assert!(state.get(&id()).is_some());
    state.put(&id(), answer(UNCONFIRMED));
    assert!(state.get(&id()).is_none(), "it may have gone before the watch began");
    state.put(&id(), answer(Duration::ZERO));
    assert!(state.get(&id()).is_some(), "whoever asks again knows for a while");
    state.put(&id(), answer(UNCONFIRMED));
    state.put(&id(), record("u", "5", None));
    assert!(state.get(&id()).is_some(), "the watch tells the same");
    state.put(&id(), answer(UNCONFIRMED));
    assert!(state.get(&id()).is_some(), "the watch has told the same before");
}
