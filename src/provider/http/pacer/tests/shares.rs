//! How the pacer adapts to random refusals, to an overload and to its end.

use super::*;

/// The start in seconds, how many requests per second the service accepts from then on, and which share of
/// all requests it refuses at random.
type Phase = (u64, usize, f64);

/// Whether each request was accepted, with the time of its arrival.
struct Answers(Vec<(Duration, bool)>);

impl Answers {
    /// Returns the accepted requests per second and the share of refused requests between two seconds.
    fn between(&self, from: u64, until: u64) -> (f64, f64) {
        let span = SECOND * seconds(from)..SECOND * seconds(until);
        let within = self.0.iter().filter(|(at, _)| span.contains(at));
        let (all, accepted) = within.fold((0, 0), |(all, accepted), (_, was_accepted)| {
            (all + 1, accepted + usize::from(*was_accepted))
        });
        (to_f64(accepted) / f64::from(seconds(until - from)), to_f64(all - accepted) / to_f64(all))
    }
}

fn seconds(count: u64) -> u32 {
    u32::try_from(count).expect("a small number")
}

/// Sends requests at a rate of 20 per second for `end` seconds.
async fn send_until(end: u64, phases: &'static [Phase], seed: u64, latency: Latency) -> Answers {
    let (pacer, start) = (Pacer::new(20.0), Instant::now());
    let service = SlidingWindow { limit: 20, accepted: VecDeque::new() };
    let service = Arc::new(Mutex::new((service, Numbers(seed))));
    let (mut in_flight, mut numbers) = (JoinSet::new(), Numbers(seed + 1));
    while start.elapsed() < SECOND * seconds(end) {
        let permit = pacer.permit().await;
        let (half, service) = (latency(&mut numbers) / 2, Arc::clone(&service));
        in_flight.spawn(async move {
            let in_flight = permit.sent().await;
            sleep(half).await;
            let at = start.elapsed();
            let phase = phases.iter().rev().find(|(from, _, _)| at >= SECOND * seconds(*from));
            let (_, limit, noise) = *phase.expect("a phase starts at 0 s");
            let accepted = {
                let (service, numbers) = &mut *service.lock().expect("no panic");
                service.limit = limit;
                numbers.next() >= noise && service.accepts(Instant::now())
            };
            sleep(half).await;
            if accepted {
                in_flight.answered()
            } else {
                in_flight.too_often(None)
            };
            (at, accepted)
        });
    }
    Answers(in_flight.join_all().await)
}

#[tokio::test(start_paused = true)]
async fn a_small_share_of_random_refusals_slows_down_little() {
    let cases: [(&'static [Phase], f64); 3] =
        [(&[(0, 20, 0.05)], 1.15), (&[(0, 20, 0.1)], 1.35), (&[(0, 20, 0.2)], 2.0)];
    for (phases, longest) in cases {
        for (seed, latency) in [(1, constant as Latency), (2, jittered), (3, bimodal)] {
            let (accepted_rate, _) = send_until(200, phases, seed, latency).await.between(0, 200);
            assert!(
                20.0 / accepted_rate <= longest,
                "{phases:?}, {seed}: {accepted_rate} per second"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_part_of_the_limit_that_others_leave_is_used() {
    let cases: [(&'static [Phase], f64); 4] = [
        (&[(0, 15, 0.0)], 15.0),
        (&[(0, 10, 0.0)], 10.0),
        (&[(0, 5, 0.0)], 5.0),
        (&[(0, 10, 0.05)], 9.5),
    ];
    for (phases, available) in cases {
        for (seed, latency) in [(1, constant as Latency), (2, jittered), (3, bimodal)] {
            let answers = send_until(100, phases, seed, latency).await;
            let (accepted_rate, refused) = answers.between(10, 100);
            let figures =
                format!("{phases:?}, {seed}: {accepted_rate} per second, {refused} refused");
            assert!(accepted_rate >= 0.85 * available, "{figures}");
            assert!(refused < 0.17, "{figures}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_full_pace_is_restored_ten_seconds_after_an_overload() {
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
async fn a_service_that_refuses_everything_is_called_rarely() {
    let answers = send_until(60, &[(0, 0, 0.0)], 1, constant).await;
    assert!(answers.0.len() < 150, "{} requests", answers.0.len());
}
