//! Counts the requests that arrive at a service in any second, on tokio's paused clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Pacer;
use super::ledger::AHEAD;

mod shares;

const SECOND: Duration = Duration::from_secs(1);

/// When the service counts a request.
#[derive(Clone, Copy, Debug)]
enum Counted {
    AfterHalfTheRoundTrip,
    AtTheEndOfTheRoundTrip,
    WhenSent,
}

/// A generator of uniformly distributed numbers from 0 to 1, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).expect("32 bits")) / f64::from(u32::MAX)
    }

    fn between(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.next())
    }
}

type Latency = fn(&mut Numbers) -> Duration;

fn constant(_: &mut Numbers) -> Duration {
    Duration::from_millis(50)
}

fn slow(_: &mut Numbers) -> Duration {
    Duration::from_secs(2)
}

fn jittered(numbers: &mut Numbers) -> Duration {
    numbers.between(0.020, 0.080)
}

fn wide(numbers: &mut Numbers) -> Duration {
    numbers.between(0.050, 0.750)
}

fn bimodal(numbers: &mut Numbers) -> Duration {
    if numbers.next() < 0.8 { numbers.between(0.030, 0.035) } else { numbers.between(0.120, 0.130) }
}

/// A service that accepts `limit` requests in any second, and refuses the others.
struct SlidingWindow {
    limit: usize,
    accepted: VecDeque<Instant>,
}

impl SlidingWindow {
    fn accepts(&mut self, now: Instant) -> bool {
        while self.accepted.front().is_some_and(|first| now.duration_since(*first) >= SECOND) {
            self.accepted.pop_front();
        }
        let free = self.accepted.len() < self.limit;
        if free {
            self.accepted.push_back(now);
        }
        free
    }
}

/// The result of a run of many requests.
#[derive(Debug)]
struct Run {
    /// The duration as a multiple of that at the full rate.
    stretch: f64,
    /// The share of requests that the service refused.
    refused: f64,
    sent: Vec<Instant>,
    arrived: Vec<Instant>,
}

async fn run(pacer: &Pacer, rate: f64, count: usize, latency: Latency, counted: Counted) -> Run {
    let service = SlidingWindow { limit: slots(rate), accepted: VecDeque::new() };
    let (service, mut numbers) = (Arc::new(Mutex::new(service)), Numbers(7));
    let (mut calls, mut sent) = (JoinSet::new(), Vec::new());
    for _ in 0..count {
        let permit = pacer.permit().await;
        let (write, round_trip) = (numbers.between(0.0, 0.004), latency(&mut numbers));
        let before = match counted {
            Counted::AfterHalfTheRoundTrip => round_trip / 2,
            Counted::AtTheEndOfTheRoundTrip => round_trip,
            Counted::WhenSent => Duration::ZERO,
        };
        let service = Arc::clone(&service);
        calls.spawn(async move {
            sleep(write).await;
            let in_flight = permit.sent().await;
            let sent = Instant::now();
            sleep(before).await;
            let arrived = Instant::now();
            let accepted = service.lock().expect("no panic").accepts(arrived);
            if accepted {
                sleep(round_trip.saturating_sub(before)).await;
                in_flight.answered();
            } else {
                in_flight.too_often(None);
            }
            (sent, arrived, accepted)
        });
    }
    let (mut arrived, mut refused) = (Vec::new(), 0);
    while let Some(joined) = calls.join_next().await {
        let (sent_at, arrived_at, accepted) = joined.expect("no panic");
        sent.push(sent_at);
        arrived.push(arrived_at);
        refused += usize::from(!accepted);
    }
    sent.sort();
    arrived.sort();
    let took = sent[sent.len() - 1] - sent[0];
    let stretch = took.as_secs_f64() * rate / to_f64(sent.len() - 1);
    Run { stretch, refused: to_f64(refused) / to_f64(count), sent, arrived }
}

fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a small number"))
}

fn slots(rate: f64) -> usize {
    (1..=10_000).take_while(|n| to_f64(*n) <= rate).count().max(1)
}

/// Returns the most arrivals in any second; the end of the second is excluded.
fn most_in_a_second(arrived: &[Instant]) -> usize {
    let within = |(at, first): (usize, &Instant)| {
        arrived[at..].iter().take_while(|later| **later - *first < SECOND).count()
    };
    arrived.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_reached_and_hardly_ever_exceeded() {
    let latencies: [(&str, Latency, f64, f64); 5] = [
        ("constant 50 ms", constant, 1.01, 0.0),
        ("constant 2 s", slow, 1.015, 0.0),
        ("20 to 80 ms", jittered, 1.05, 0.002),
        ("30 ms, or 125", bimodal, 1.05, 0.002),
        ("50 to 750 ms", wide, 1.4, 0.005),
    ];
    for (name, latency, slowest, most_refused) in latencies {
        for counted in
            [Counted::WhenSent, Counted::AfterHalfTheRoundTrip, Counted::AtTheEndOfTheRoundTrip]
        {
            let run = run(&Pacer::new(20.0), 20.0, 1000, latency, counted).await;
            let Run { stretch, refused, sent: _, arrived } = &run;
            let most_in_a_second = most_in_a_second(arrived);
            let figures =
                format!("{name}, {counted:?}: {stretch:.4}, {refused:.4}, {most_in_a_second}");
            assert!(*stretch <= slowest, "{figures}");
            assert!(*refused <= most_refused, "{figures}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_requests_keep_the_rate() {
    let (pacer, mut sent) = (Pacer::new(20.0), Vec::new());
    for _ in 0..100_000 {
        let in_flight = pacer.permit().await.sent().await;
        sent.push(Instant::now());
        in_flight.answered();
    }
    assert_eq!(most_in_a_second(&sent), 20);
    let took = (sent[sent.len() - 1] - sent[0]).as_secs_f64();
    assert!(took < 99_999.0 / 20.0 * 1.01, "{took}");
}

#[tokio::test(start_paused = true)]
async fn there_is_no_burst_at_the_start_or_after_a_pause() {
    let pacer = Pacer::new(20.0);
    for _ in 0..2 {
        let run = run(&pacer, 20.0, 20, constant, Counted::WhenSent).await;
        let gaps = run.sent.windows(2).map(|pair| pair[1] - pair[0]);
        let least = gaps.min().expect("gaps");
        assert!(least >= Duration::from_millis(45), "{least:?}");
        sleep(Duration::from_secs(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn fractional_and_invalid_rates_are_accepted() {
    for (rate, apart) in [(0.5, 2000), (0.1, 10_000), (1.0, 1000), (1.9, 1000)] {
        let run = run(&Pacer::new(rate), rate, 20, constant, Counted::WhenSent).await;
        let least = run.sent.windows(2).map(|pair| pair[1] - pair[0]).min().expect("gaps");
        assert!(least >= Duration::from_millis(apart), "{rate}: {least:?}");
        assert!(least <= Duration::from_millis(apart + 30), "{rate}: {least:?}");
    }
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
        drop(Pacer::new(rate).permit().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_not_sent_yet_holds_its_slot() {
    let (pacer, start) = (Pacer::new(1.0), Instant::now());
    let permit = pacer.permit().await;
    let waiting = tokio::spawn({
        let pacer = pacer.clone();
        async move {
            pacer.permit().await.sent().await.answered();
            start.elapsed()
        }
    });
    sleep(Duration::from_secs(30)).await;
    permit.sent().await.answered();
    let waited = waiting.await.expect("no panic");
    assert!((31_000..31_050).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_granted_early_and_sent_when_it_is_valid() {
    let (pacer, start) = (Pacer::new(1.0), Instant::now());
    pacer.permit().await.sent().await.answered();
    let permit = pacer.permit().await;
    assert_eq!(start.elapsed() + AHEAD, SECOND);
    let in_flight = permit.sent().await;
    assert_eq!(start.elapsed(), SECOND);
    in_flight.answered();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_permit_frees_its_slot() {
    let pacer = Pacer::new(1.0);
    let permit = pacer.permit().await;
    let next = tokio::spawn({
        let pacer = pacer.clone();
        async move { pacer.permit().await.sent().await.answered() }
    });
    sleep(Duration::from_secs(30)).await;
    let dropped = Instant::now();
    drop(permit);
    next.await.expect("no panic");
    assert!(dropped.elapsed() < Duration::from_millis(5), "{:?}", dropped.elapsed());
}

#[tokio::test(start_paused = true)]
async fn released_permits_do_not_delay_the_next_waiter() {
    let pacer = Pacer::new(20.0);
    for _ in 0..3 {
        pacer.permit().await.sent().await.answered();
    }
    let start = Instant::now();
    for _ in 0..200 {
        pacer.permit().await.release();
    }
    pacer.permit().await.sent().await.answered();
    assert!(start.elapsed() <= Duration::from_millis(51), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn permits_are_granted_in_fifo_order_and_cancelled_waiters_use_none() {
    let pacer = Pacer::new(10.0);
    let mut tasks = Vec::new();
    let (granted, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..30 {
        let (pacer, granted) = (pacer.clone(), granted.clone());
        tasks.push(tokio::spawn(async move {
            pacer.permit().await.sent().await.answered();
            granted.send(number).expect("the receiver is open");
        }));
        tokio::task::yield_now().await;
    }
    for cancelled in [0, 1, 7, 8, 29] {
        tasks[cancelled].abort();
    }
    let start = Instant::now();
    drop(granted);
    let mut seen = Vec::new();
    while let Some(number) = order.recv().await {
        seen.push(number);
    }
    let kept: Vec<usize> = (0..30).filter(|n| ![1, 7, 8, 29].contains(n)).collect();
    assert_eq!(seen[seen.len() - 25..], kept[kept.len() - 25..]);
    assert!(start.elapsed() < Duration::from_millis(2750), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_holds_one_slot_for_a_limited_time() {
    let pacer = Pacer::new(20.0);
    run(&pacer, 20.0, 100, constant, Counted::WhenSent).await;
    let hung: Vec<_> = vec![pacer.permit().await.sent().await, pacer.permit().await.sent().await];
    let start = Instant::now();
    run(&pacer, 20.0, 100, constant, Counted::WhenSent).await;
    assert!(start.elapsed() < Duration::from_millis(5450), "{:?}", start.elapsed());
    drop(hung);
}

#[tokio::test(start_paused = true)]
async fn simultaneous_refusals_count_as_one_and_delay_little() {
    let pacer = Pacer::new(20.0);
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(pacer.permit().await.sent().await);
    }
    for in_flight in calls {
        in_flight.too_often(None);
    }
    let start = Instant::now();
    run(&pacer, 20.0, 100, constant, Counted::WhenSent).await;
    assert!(start.elapsed() < Duration::from_millis(5500), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retry_after_delays_all_callers_for_at_most_a_minute() {
    let pacer = Pacer::new(20.0);
    pacer.permit().await.sent().await.too_often(Some(Duration::from_secs(7)));
    let start = Instant::now();
    pacer.permit().await.sent().await.answered();
    assert!(start.elapsed() >= Duration::from_secs(7));
    pacer.permit().await.sent().await.too_often(Some(Duration::from_secs(100_000)));
    pacer.permit().await.sent().await.answered();
    assert!(start.elapsed() < Duration::from_secs(70), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn two_runs_in_a_row_keep_the_limit() {
    for (ago, latency) in [0, 20, 300, 700, 1100, 60_000]
        .into_iter()
        .flat_map(|ago| [(ago, constant as Latency), (ago, jittered)])
    {
        let first = Pacer::new(20.0);
        let before = run(&first, 20.0, 100, latency, Counted::AtTheEndOfTheRoundTrip).await.arrived;
        sleep(Duration::from_millis(ago)).await;
        let (second, start) = (Pacer::new(20.0), Instant::now());
        second.resume(first.last_sent().expect("it sent requests"));
        drop(second.permit().await);
        assert!(start.elapsed() <= Duration::from_millis(400), "{:?}", start.elapsed());
        let after = run(&second, 20.0, 20, latency, Counted::AtTheEndOfTheRoundTrip).await.arrived;
        let seam: Vec<_> = before[before.len() - 20..].iter().chain(&after).copied().collect();
        assert!(most_in_a_second(&seam) <= 20, "{ago}: {}", most_in_a_second(&seam));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_the_window_of_the_previous_run() {
    for (ago, least) in [(0, 1000), (600, 400), (5000, 0)] {
        let (pacer, start) = (Pacer::new(1.0), Instant::now());
        pacer.resume(Duration::from_millis(ago));
        pacer.permit().await.sent().await.answered();
        let waited = start.elapsed().as_millis();
        assert!((least..=least + 351).contains(&waited), "{ago}: {waited}");
        sleep(SECOND * 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_resumed_time_is_returned_as_last_sent() {
    let pacer = Pacer::new(20.0);
    assert_eq!(pacer.last_sent(), None);
    pacer.resume(Duration::from_secs(3));
    sleep(SECOND).await;
    assert_eq!(pacer.last_sent(), Some(Duration::from_secs(4)));
    pacer.resume(Duration::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// With any latency whose spread is at most a quarter of a second, almost nothing is refused, and
    /// requests are never sent faster than the rate.
    #[test]
    fn the_rate_is_kept_with_any_latency_of_a_small_spread(
        least in 0_u64..300, spread in 0_u64..250, rate in 1_u32..60, seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        let rate = f64::from(rate);
        let (sent, refused) = runtime.block_on(async {
            let (pacer, mut numbers) = (Pacer::new(rate), Numbers(seed));
            let service = SlidingWindow { limit: slots(rate), accepted: VecDeque::new() };
            let service = Arc::new(Mutex::new(service));
            let (mut calls, mut sent, mut refused) = (JoinSet::new(), Vec::new(), 0);
            for _ in 0..600 {
                let permit = pacer.permit().await;
                let extra = Duration::from_millis(spread).mul_f64(numbers.next());
                let service = Arc::clone(&service);
                let in_flight = permit.sent().await;
                sent.push(Instant::now());
                calls.spawn(async move {
                    sleep(Duration::from_millis(least) + extra).await;
                    in_flight.answered();
                    service.lock().expect("no panic").accepts(Instant::now())
                });
            }
            while let Some(joined) = calls.join_next().await {
                refused += usize::from(!joined.expect("no panic"));
            }
            (sent, refused)
        });
        prop_assert!(most_in_a_second(&sent) <= slots(rate));
        prop_assert!(refused <= 3, "{refused} of 600 at {rate}/s");
    }
}
