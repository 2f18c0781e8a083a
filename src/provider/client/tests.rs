//! Retries, registration and limits, around a fake service.

mod stopping;

use std::collections::VecDeque;
use std::sync::Mutex;
use tokio::time::Instant;

use tokio::sync::oneshot;

use super::*;
use crate::model::{Attributes, Fields, Kind, Observation, ObservedRoom, People};
use crate::provider::http::Fixed;
use crate::provider::{AttributesRead, Observer, Presence, SignatureLife};

/// The time at which every query is sent.
fn at() -> Timestamp {
    Timestamp::from_millis(0)
}

const PEOPLE: Call = Call::QueryRoomUserList;
const ATTRIBUTES: Call = Call::QueryRoomAttribute;
const REGISTER: Call = Call::UserRegister;
const CREATE: Call = Call::CreateRoom;

/// Answers each call with the listed errors, then by its behaviour.
#[derive(Default)]
struct FakeService {
    errors: Mutex<BTreeMap<Call, VecDeque<ErrorClass>>>,
    made: Mutex<Vec<Call>>,
    registered: Mutex<Vec<String>>,
    missing: bool,
    /// The service has neither attributes nor users.
    bare: bool,
    /// The next registration waits for this.
    held: Mutex<Option<oneshot::Receiver<()>>>,
    /// The behaviour for calls without a listed error.
    behaviour: Mutex<Behaviour>,
}

/// How the service answers a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Behaviour {
    /// With a success, immediately.
    #[default]
    Succeeds,
    /// Not at all: the call times out after ten seconds, and its outcome is unknown.
    Hangs,
    /// It refuses the connection immediately.
    RefusesConnections,
    /// With "too often" immediately, and this `Retry-After`.
    TooOften(Option<Duration>),
}

impl FakeService {
    fn answering(errors: &[(Call, &[ErrorClass])]) -> Self {
        let listed =
            errors.iter().map(|(call, classes)| (*call, classes.iter().copied().collect()));
        Self { errors: Mutex::new(listed.collect()), ..Self::default() }
    }

    async fn answer(&self, call: Call) -> Result<(), ApiError> {
        self.made.lock().expect("no panic").push(call);
        let listed = self.listed(call);
        if let Some(class) = listed {
            return Err(api_error(call, class));
        }
        let behaviour = *self.behaviour.lock().expect("no panic");
        let unanswered = |class| ApiError { code: None, answered: false, ..api_error(call, class) };
        match behaviour {
            Behaviour::Succeeds => Ok(()),
            Behaviour::Hangs => {
                sleep(Duration::from_secs(10)).await;
                Err(unanswered(ErrorClass::Unknown))
            }
            Behaviour::RefusesConnections => Err(unanswered(ErrorClass::Retry)),
            Behaviour::TooOften(retry_after) => {
                Err(ApiError { retry_after, ..api_error(call, ErrorClass::TooOften) })
            }
        }
    }

    fn listed(&self, call: Call) -> Option<ErrorClass> {
        self.errors.lock().expect("no panic").get_mut(&call).and_then(VecDeque::pop_front)
    }

    fn now(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no panic") = behaviour;
    }

    fn made(&self, call: Call) -> usize {
        self.made.lock().expect("no panic").iter().filter(|made| **made == call).count()
    }
}

fn api_error(call: Call, class: ErrorClass) -> ApiError {
    let message = "no".to_owned();
    ApiError {
        class,
        call,
        code: Some(1),
        message,
        request_id: None,
        retry_after: None,
        answered: true,
    }
}

impl Service for FakeService {
    fn people_call(&self) -> Call {
        Call::QueryRoomUserList
    }

    fn batch(&self) -> usize {
        10
    }

    fn presences<'a>(&'a self, rooms: &'a [RoomId]) -> Answer<'a, Vec<Option<Presence>>> {
        Box::pin(async move {
            self.answer(self.people_call()).await?;
            let presence = Presence { people: People::Count(1), fields: Fields::default() };
            Ok(rooms.iter().map(|_| (!self.missing).then(|| presence.clone())).collect())
        })
    }

    fn attributes_call(&self) -> Option<Call> {
        (!self.bare).then_some(ATTRIBUTES)
    }

    fn user<'a>(&'a self, operation: Option<&'a Operation>) -> Option<&'a str> {
        Some(if operation.is_some() { "owner" } else { "operator" })
    }

    fn user_before<'a>(&'a self, operation: &'a Operation) -> Option<&'a str> {
        matches!(operation, Operation::Create(_)).then_some("owner")
    }

    fn register_call(&self) -> Option<Call> {
        (!self.bare).then_some(REGISTER)
    }

    fn attributes<'a>(&'a self, _: &'a RoomId) -> Answer<'a, Option<AttributesRead>> {
        let read = AttributesRead { sequence: Some(3), ..AttributesRead::default() };
        Box::pin(async move { self.answer(ATTRIBUTES).await.map(|()| Some(read)) })
    }

    fn change<'a>(&'a self, _: &'a RoomId, _: &'a Operation) -> Answer<'a, Receipt> {
        Box::pin(async move { self.answer(CREATE).await.map(|()| Receipt::default()) })
    }

    fn register<'a>(&'a self, user: &'a str) -> Answer<'a, ()> {
        let held = self.held.lock().expect("no panic").take();
        Box::pin(async move {
            if let Some(held) = held {
                held.await.expect("the registration is released");
            }
            self.registered.lock().expect("no panic").push(user.to_owned());
            self.answer(REGISTER).await
        })
    }

    fn probe(&self) -> Answer<'_, Probe> {
        Box::pin(
            async move { self.answer(self.people_call()).await.map(|()| Probe { clock: None }) },
        )
    }
}

fn client(fake: FakeService) -> (Arc<Client>, Arc<FakeService>) {
    let fake = Arc::new(fake);
    let rates = Kind::Zim.calls().iter().map(|(call, rate)| (*call, f64::from(*rate))).collect();
    let service = Arc::clone(&fake) as Arc<dyn Service>;
    (Arc::new(Client::new(service, rates, Arc::new(Fixed([128; 8])), clock())), fake)
}

fn room() -> RoomId {
    RoomId::new("lobby")
}

fn clock() -> Arc<dyn Clock> {
    struct Stopped;
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            at()
        }
    }
    Arc::new(Stopped)
}

fn seen() -> ObservedRoom {
    let (people, attributes) = (People::Count(1), Attributes::default());
    ObservedRoom {
        at: at(),
        people,
        attributes,
        attribute_sequence: Some(3),
        fields: Fields::default(),
    }
}

fn class<T: std::fmt::Debug>(outcome: Result<T, ApiError>) -> ErrorClass {
    outcome.expect_err("an error").class
}

#[tokio::test(start_paused = true)]
async fn a_query_is_retried_until_it_is_answered() {
    let retried =
        [ErrorClass::Retry, ErrorClass::TooOften, ErrorClass::Unknown, ErrorClass::SignAgain];
    let fake = FakeService::answering(&[(PEOPLE, &retried), (ATTRIBUTES, &[ErrorClass::Unknown])]);
    let (client, fake) = client(fake);
    assert_eq!(client.observed_room(&room()).await, Ok(Observation::There(seen())));
    assert_eq!((fake.made(PEOPLE), fake.made(ATTRIBUTES)), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn a_query_ends_after_six_attempts_or_a_final_error() {
    let (client, fake) = client(FakeService::answering(&[(PEOPLE, &[ErrorClass::Unknown; 9])]));
    let error = client.people(&room()).await.expect_err("its attempts are used up");
    assert_eq!(error.message, "no; given up after 6 attempts");
    assert_eq!(fake.made(PEOPLE), 6);
    for class in [
        ErrorClass::Fatal,
        ErrorClass::Refused,
        ErrorClass::Unrecognised,
        ErrorClass::OperatorUnknown,
    ] {
        let (client, fake) = super::tests::client(FakeService::answering(&[(PEOPLE, &[class])]));
        assert_eq!(client.people(&room()).await.expect_err("final").class, class);
        assert_eq!(fake.made(PEOPLE), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_signature_is_renewed_once() {
    let (client, fake) = client(FakeService::answering(&[(PEOPLE, &[ErrorClass::SignAgain; 2])]));
    assert_eq!(class(client.people(&room()).await), ErrorClass::Fatal);
    assert_eq!(fake.made(PEOPLE), 2);
}

#[tokio::test(start_paused = true)]
async fn a_missing_room_takes_one_call() {
    let (client, fake) = client(FakeService { missing: true, ..FakeService::default() });
    assert_eq!(client.observed_room(&room()).await, Ok(Observation::Gone(at())));
    assert_eq!((fake.made(PEOPLE), fake.made(ATTRIBUTES)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_operator_is_registered_once_and_never_by_a_read_only_client() {
    let (client, fake) =
        client(FakeService::answering(&[(ATTRIBUTES, &[ErrorClass::OperatorUnknown])]));
    assert_eq!(client.observed_room(&room()).await, Ok(Observation::There(seen())));
    assert_eq!((fake.made(REGISTER), fake.made(ATTRIBUTES)), (1, 2));
    client.register_user(None).await.expect("registered");
    assert_eq!(fake.made(REGISTER), 1);

    let (client, fake) = super::tests::client(FakeService::answering(&[(
        ATTRIBUTES,
        &[ErrorClass::OperatorUnknown],
    )]));
    let read_only = ReadOnly::new(client);
    assert_eq!(class(read_only.observed_room(&room()).await), ErrorClass::OperatorUnknown);
    assert_eq!(fake.made(REGISTER), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_is_unknown_after_registration_is_an_error() {
    let (client, fake) =
        client(FakeService::answering(&[(ATTRIBUTES, &[ErrorClass::OperatorUnknown; 4])]));
    assert_eq!(class(client.observed_room(&room()).await), ErrorClass::OperatorUnknown);
    assert_eq!((fake.made(REGISTER), fake.made(ATTRIBUTES)), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn concurrent_registrations_share_one_call_and_its_result() {
    for failure in [None, Some(ErrorClass::Refused)] {
        let fake = FakeService::answering(&[(REGISTER, failure.as_slice())]);
        let (release, held) = oneshot::channel();
        *fake.held.lock().expect("no panic") = Some(held);
        let (client, fake) = client(fake);
        let register = || {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.register_user(None).await })
        };
        let (first, second) = (register(), register());
        tokio::time::sleep(Duration::from_secs(1)).await;
        release.send(()).expect("a registration waits");
        for registration in [first, second, register()] {
            let outcome = registration.await.expect("no panic");
            assert_eq!(outcome.err().map(|error| error.class), failure);
        }
        assert_eq!(fake.made(REGISTER), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn each_user_is_registered_once_before_the_operation_that_needs_it() {
    let (client, fake) = client(FakeService::default());
    let (create, destroy) = (Operation::Create(Arc::default()), Operation::Destroy(Arc::default()));
    for _ in 0..2 {
        client.prepare(&create).await.expect("registered");
        client.prepare(&destroy).await.expect("no user is needed");
        client.register_user(Some(&create)).await.expect("registered");
        client.register_user(None).await.expect("registered");
    }
    assert_eq!(*fake.registered.lock().expect("no panic"), ["owner", "operator"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_run_of_the_same_client_registers_again() {
    let (client, fake) = client(FakeService::answering(&[(REGISTER, &[ErrorClass::Refused])]));
    for _ in 0..2 {
        assert_eq!(class(client.register_user(None).await), ErrorClass::Refused);
    }
    assert_eq!(fake.made(REGISTER), 1);
    client.begin_run(&BTreeMap::new(), at(), PreviousRun::Clean, SignatureLife::Usual);
    for _ in 0..2 {
        client.register_user(None).await.expect("registered");
    }
    assert_eq!(fake.made(REGISTER), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_without_attributes_and_users_gets_no_calls_for_them() {
    let (client, fake) = client(FakeService { bare: true, ..FakeService::default() });
    let rooms = [room(), RoomId::new("hall")];
    let unread = ObservedRoom { attribute_sequence: None, ..seen() };
    let unread = Observation::There(unread);
    assert_eq!(client.observed_rooms(&rooms).await, Ok(vec![unread.clone(), unread]));
    client.register_user(None).await.expect("no user is needed");
    assert_eq!(*fake.made.lock().expect("no panic"), [PEOPLE]);
    assert_eq!(Observer::batch(&*client), 10);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_one_attempt_with_any_error() {
    for error in
        [ErrorClass::Retry, ErrorClass::TooOften, ErrorClass::SignAgain, ErrorClass::Unknown]
    {
        let (client, fake) = client(FakeService::answering(&[(CREATE, &[error])]));
        let create = Operation::Create(Arc::default());
        let permit = client.permit(CREATE).await.expect("a permit");
        assert_eq!(class(client.attempt(permit, &room(), &create).await), error);
        assert_eq!(fake.made(CREATE), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_came_too_often_delays_only_its_own_call() {
    let (client, fake) = client(FakeService::default());
    let pause = Duration::from_secs(2);
    fake.now(Behaviour::TooOften(Some(pause)));
    let create = Operation::Create(Arc::default());
    let permit = client.permit(CREATE).await.expect("a permit");
    assert_eq!(class(client.attempt(permit, &room(), &create).await), ErrorClass::TooOften);
    let start = Instant::now();
    drop(client.permit(Call::DestroyRoom).await.expect("a permit"));
    assert!(start.elapsed() < Duration::from_millis(1), "{:?}", start.elapsed());
    drop(client.permit(CREATE).await.expect("a permit"));
    assert!(start.elapsed() + Duration::from_millis(25) >= pause, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_last_calls_of_a_run_count_towards_the_limits_of_the_next() {
    let now = Timestamp::from_millis(1_000_000);
    let (client, _) = client(FakeService::default());
    assert!(client.last_calls(now).is_empty());
    client.people(&room()).await.expect("read");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let last = client.last_calls(now);
    assert_eq!(last, [(PEOPLE, Timestamp::from_millis(999_700))].into());

    for (previous, call, waits) in [
        (PreviousRun::Clean, PEOPLE, true),
        (PreviousRun::Clean, CREATE, false),
        (PreviousRun::Unclean, CREATE, true),
    ] {
        let (next, _) = super::tests::client(FakeService::default());
        next.begin_run(&last, now, previous, SignatureLife::Usual);
        let start = Instant::now();
        drop(next.permit(call).await.expect("a permit"));
        assert_eq!(start.elapsed() > Duration::from_millis(50), waits, "{previous:?} {call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_known_limit_is_made_once_a_second() {
    let service = Arc::new(FakeService::default());
    let client = Client::new(service, BTreeMap::new(), Arc::new(Fixed([0; 8])), clock());
    let start = Instant::now();
    for _ in 0..3 {
        client.people(&room()).await.expect("read");
    }
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_check_is_one_query_that_is_retried() {
    let (client, fake) = client(FakeService::answering(&[(PEOPLE, &[ErrorClass::Retry])]));
    assert!(client.check().await.is_ok());
    assert_eq!(fake.made(PEOPLE), 2);
}
