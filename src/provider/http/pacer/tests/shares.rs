//! Noise, overload and its end: what part of the answers is "too often", and what gets through.

use super::*;

/// From when on, in seconds, a service takes how many requests in a second, and refuses what share of
/// all of them for no reason.
type Phase = (u64, usize, f64);

/// The answers of a service, by the moment of their requests' arrival.
struct Answers(Vec<(Duration, bool)>);

impl Answers {
    /// What got through in a second, and the share of what was refused, from and until a second.
    fn between(&self, from: u64, until: u64) -> (f64, f64) {
        let span = SECOND * seconds(from)..SECOND * seconds(until);
        let within = self.0.iter().filter(|(at, _)| span.contains(at));
        let (all, taken) = within.fold((0, 0), |(all, taken), (_, was_taken)| {
            (all + 1, taken + usize::from(*was_taken))
        });
        (part(taken) / f64::from(seconds(until - from)), part(all - taken) / part(all))
    }
}

fn seconds(count: u64) -> u32 {
    u32::try_from(count).expect("a small number")
}

/// Sends at 20 a second at most until a second, as many at once as it takes.
async fn send_until(end: u64, phases: &'static [Phase], seed: u64, latency: Latency) -> Answers {
    let (pacer, start) = (Pacer::new(20.0), Instant::now());
    let service = Sliding { limit: 20, taken: VecDeque::new() };
    let service = Arc::new(Mutex::new((service, Shares(seed))));
    let (mut in_flight, mut shares) = (JoinSet::new(), Shares(seed + 1));
    while start.elapsed() < SECOND * seconds(end) {
        let permit = pacer.permit().await;
        let (half, service) = (latency(&mut shares) / 2, Arc::clone(&service));
        in_flight.spawn(async move {
            let in_flight = permit.sent().await;
            sleep(half).await;
            let at = start.elapsed();
            let phase = phases.iter().rev().find(|(from, _, _)| at >= SECOND * seconds(*from));
            let (_, limit, noise) = *phase.expect("one begins at once");
            let taken = {
                let (service, shares) = &mut *service.lock().expect("no panic");
                service.limit = limit;
                shares.next() >= noise && service.takes(Instant::now())
            };
            sleep(half).await;
            if taken {
                in_flight.answered()
            } else {
                in_flight.too_often(None)
            };
            (at, taken)
        });
    }
    Answers(in_flight.join_all().await)
}

#[tokio::test(start_paused = true)]
async fn few_refusals_for_no_reason_cost_little_more_than_themselves() {
    let cases: [(&'static [Phase], f64); 3] =
        [(&[(0, 20, 0.05)], 1.15), (&[(0, 20, 0.1)], 1.35), (&[(0, 20, 0.2)], 2.0)];
    for (phases, longest) in cases {
        for (seed, latency) in [(1, constant as Latency), (2, jittered), (3, bimodal)] {
            let (through, _) = send_until(200, phases, seed, latency).await.between(0, 200);
            assert!(20.0 / through <= longest, "{phases:?}, {seed}: {through} a second");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_leave_of_the_limit_is_used_without_a_storm() {
    let cases: [(&'static [Phase], f64); 4] = [
        (&[(0, 15, 0.0)], 15.0),
        (&[(0, 10, 0.0)], 10.0),
        (&[(0, 5, 0.0)], 5.0),
        (&[(0, 10, 0.05)], 9.5),
    ];
    for (phases, available) in cases {
        for (seed, latency) in [(1, constant as Latency), (2, jittered), (3, bimodal)] {
            let answers = send_until(100, phases, seed, latency).await;
            let (through, refused) = answers.between(10, 100);
            let figures = format!("{phases:?}, {seed}: {through} a second, {refused} refused");
            assert!(through >= 0.85 * available, "{figures}");
            assert!(refused < 0.17, "{figures}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_pace_is_back_ten_seconds_after_an_overload() {
    let phases: &[Phase] = &[(0, 20, 0.0), (20, 5, 0.0), (60, 20, 0.0)];
    for (seed, latency) in [(1, constant as Latency), (2, jittered), (3, constant), (4, jittered)] {
        let answers = send_until(80, phases, seed, latency).await;
        let (before, _) = answers.between(5, 20);
        let (during, refused) = answers.between(25, 60);
        let (after, _) = answers.between(71, 80);
        let figures = format!("{seed}: {before}, {during} with {refused} refused, {after}");
        assert!(before > 19.0 && during > 4.25 && refused < 0.15 && after > 19.0, "{figures}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_everything_is_asked_now_and_then() {
    let answers = send_until(60, &[(0, 0, 0.0)], 1, constant).await;
    assert!(answers.0.len() < 150, "{}", answers.0.len());
}
