//! The circuit breaker: when it stops a provider, and how waiting calls end.

use tokio::task::JoinSet;

use super::*;

fn rooms(count: usize) -> Vec<RoomId> {
    (0..count).map(|n| RoomId::new(format!("r{n}").as_str())).collect()
}

/// Queries many rooms concurrently. Returns the errors, and how long all of them took.
async fn query_all(client: &Arc<Client>, count: usize) -> (Vec<ApiError>, Duration) {
    let (start, mut queries) = (Instant::now(), JoinSet::new());
    for room in rooms(count) {
        let client = Arc::clone(client);
        queries.spawn(async move { client.people(&room).await });
    }
    let answers = queries.join_all().await;
    (answers.into_iter().filter_map(Result::err).collect(), start.elapsed())
}

fn create() -> Operation {
    Operation::Create(Arc::default())
}

#[tokio::test(start_paused = true)]
async fn ten_timeouts_in_a_row_stop_a_provider_and_all_waiting_calls() {
    let (client, fake) = client(FakeService::default());
    fake.now(Behaviour::Hangs);
    let permit = client.permit(CREATE).await.expect("a permit");
    let (errors, took) = query_all(&client, 200).await;
    assert_eq!(client.tripped(), Some(Tripped::NoAnswer));
    assert_eq!(errors.len(), 200);
    let stopped = errors.iter().filter(|it| it.class == ErrorClass::Stopped).count();
    assert!(stopped >= 190, "{stopped}");
    assert!(took <= Duration::from_millis(10_600), "{took:?}");
    let made = fake.made(PEOPLE);

    // Later calls fail immediately, also one that has its permit already, and none is sent.
    let start = Instant::now();
    assert_eq!(class(client.observed_room(&room()).await), ErrorClass::Stopped);
    assert_eq!(class(client.attempt(permit, &room(), &create()).await), ErrorClass::Stopped);
    assert_eq!(client.permit(CREATE).await.err(), Some(Tripped::NoAnswer));
    assert_eq!(class(client.prepare(&create()).await), ErrorClass::Stopped);
    client.wait(CREATE, Duration::from_secs(8)).await;
    assert_eq!((start.elapsed(), fake.made(PEOPLE)), (Duration::ZERO, made));
    assert_eq!((fake.made(CREATE), fake.made(REGISTER)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn any_answer_resets_the_count_of_timeouts() {
    for class in
        [None, Some(ErrorClass::Refused), Some(ErrorClass::Unknown), Some(ErrorClass::TooOften)]
    {
        let (client, fake) = client(FakeService::default());
        for _ in 0..4 {
            fake.now(Behaviour::Hangs);
            for _ in 0..9 {
                let permit = client.permit(CREATE).await.expect("a permit");
                client.attempt(permit, &room(), &create()).await.expect_err("it hangs");
            }
            fake.now(Behaviour::Succeeds);
            let listed = class.map(|class| (CREATE, VecDeque::from([class])));
            fake.errors.lock().expect("no panic").extend(listed);
            let permit = client.permit(CREATE).await.expect("a permit");
            let _ = client.attempt(permit, &room(), &create()).await;
        }
        assert_eq!(client.tripped(), None, "{class:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn changes_and_reads_are_counted_together() {
    let (client, fake) = client(FakeService::default());
    fake.now(Behaviour::Hangs);
    for _ in 0..5 {
        assert_eq!(client.tripped(), None);
        let permit = client.permit(CREATE).await.expect("a permit");
        client.attempt(permit, &room(), &create()).await.expect_err("it hangs");
        let (room, once) = (room(), Duration::from_millis(10_050));
        let _ = tokio::time::timeout(once, client.people(&room)).await;
    }
    assert_eq!(client.tripped(), Some(Tripped::NoAnswer));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_restarts_is_not_stopped() {
    let (client, fake) = client(FakeService::default());
    fake.now(Behaviour::RefusesConnections);
    let queries = tokio::spawn({
        let client = Arc::clone(&client);
        async move { query_all(&client, 10).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(fake.made(PEOPLE) > 10, "{}", fake.made(PEOPLE));
    fake.now(Behaviour::Succeeds);
    let (errors, _) = queries.await.expect("no panic");
    assert_eq!((errors, client.tripped()), (Vec::new(), None));
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_refused_for_ten_seconds_stop_a_provider() {
    let (client, fake) = client(FakeService::default());
    fake.now(Behaviour::RefusesConnections);
    let (_, took) = query_all(&client, 400).await;
    assert_eq!(client.tripped(), Some(Tripped::NoAnswer));
    assert!((9..=11).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_only_too_often_answers_stops_a_provider() {
    for pause in [None, Some(50), Some(300)] {
        let (client, fake) = client(FakeService::default());
        fake.now(Behaviour::TooOften(pause.map(Duration::from_secs)));
        let (errors, took) = query_all(&client, 200).await;
        assert_eq!(client.tripped(), Some(Tripped::TooOften(PEOPLE)), "{pause:?}");
        assert_eq!(errors.len(), 200);
        assert!((59..=62).contains(&took.as_secs()), "{pause:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_answer_to_the_same_call_restarts_the_minute() {
    for (answered, stopped) in [(PEOPLE, false), (CREATE, true)] {
        let (client, fake) = client(FakeService::default());
        for _ in 0..12 {
            fake.now(Behaviour::TooOften(None));
            let _ = tokio::time::timeout(Duration::from_secs(10), client.people(&room())).await;
            fake.now(Behaviour::Succeeds);
            let Ok(permit) = client.permit(answered).await else { break };
            if answered == PEOPLE {
                drop(permit);
                client.people(&room()).await.expect("read");
            } else {
                let _ = client.attempt(permit, &room(), &create()).await;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        assert_eq!(client.tripped().is_some(), stopped, "{answered}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_waited_too_long_for_its_permit_is_not_made() {
    let fake = Arc::new(FakeService::answering(&[(PEOPLE, &[ErrorClass::Retry; 200])]));
    let service = Arc::clone(&fake) as Arc<dyn Service>;
    let rates = [(PEOPLE, 1.0)].into();
    let client = Arc::new(Client::new(service, rates, Arc::new(Fixed([128; 8])), clock()));
    let (errors, _) = query_all(&client, 100).await;
    assert_eq!((errors.len(), fake.made(PEOPLE)), (100, 100), "not one attempt for each room");
    assert!(errors.iter().all(|error| error.message == "no"), "{errors:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_run_calls_a_stopped_provider_again() {
    let (client, fake) = client(FakeService::default());
    fake.now(Behaviour::Hangs);
    let (errors, _) = query_all(&client, 200).await;
    assert_eq!((errors.len(), client.tripped()), (200, Some(Tripped::NoAnswer)));
    fake.now(Behaviour::Succeeds);
    assert_eq!(class(client.people(&room()).await), ErrorClass::Stopped);
    client.begin_run(&BTreeMap::new(), at(), PreviousRun::Clean, SignatureLife::Usual);
    assert_eq!(client.tripped(), None);
    let (errors, _) = query_all(&client, 200).await;
    assert!(errors.is_empty(), "{errors:?}");
}
