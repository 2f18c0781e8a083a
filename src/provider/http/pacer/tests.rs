//! Counts what arrives at a service, in every second of it, on tokio's paused clock.

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

/// Where on its way the service counts a request.
#[derive(Clone, Copy, Debug)]
enum Counted {
    OnTheWayIn,
    AtTheAnswer,
    AtOnce,
}

/// Even shares of 0 to 1, the same in every run.
struct Shares(u64);

impl Shares {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).expect("32 bits")) / f64::from(u32::MAX)
    }

    fn between(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.next())
    }
}

type Latency = fn(&mut Shares) -> Duration;

fn constant(_: &mut Shares) -> Duration {
    Duration::from_millis(50)
}

fn slow(_: &mut Shares) -> Duration {
    Duration::from_secs(2)
}

fn jittered(shares: &mut Shares) -> Duration {
    shares.between(0.020, 0.080)
}

fn wide(shares: &mut Shares) -> Duration {
    shares.between(0.050, 0.750)
}

fn bimodal(shares: &mut Shares) -> Duration {
    if shares.next() < 0.8 { shares.between(0.030, 0.035) } else { shares.between(0.120, 0.130) }
}

/// A service that takes `limit` requests in any second and refuses the others.
struct Sliding {
    limit: usize,
    taken: VecDeque<Instant>,
}

impl Sliding {
    fn takes(&mut self, now: Instant) -> bool {
        while self.taken.front().is_some_and(|first| now.duration_since(*first) >= SECOND) {
            self.taken.pop_front();
        }
        let free = self.taken.len() < self.limit;
        if free {
            self.taken.push_back(now);
        }
        free
    }
}

/// What a run of many requests came to.
#[derive(Debug)]
struct Run {
    /// How much longer it took than at the full rate.
    stretch: f64,
    /// The share of requests that the service refused.
    refused: f64,
    sent: Vec<Instant>,
    arrived: Vec<Instant>,
}

async fn run(pacer: &Pacer, rate: f64, count: usize, latency: Latency, counted: Counted) -> Run {
    let service = Sliding { limit: slots(rate), taken: VecDeque::new() };
    let (service, mut shares) = (Arc::new(Mutex::new(service)), Shares(7));
    let (mut calls, mut sent) = (JoinSet::new(), Vec::new());
    for _ in 0..count {
        let permit = pacer.permit().await;
        let (journal, whole) = (shares.between(0.0, 0.004), latency(&mut shares));
        let before = match counted {
            Counted::OnTheWayIn => whole / 2,
            Counted::AtTheAnswer => whole,
            Counted::AtOnce => Duration::ZERO,
        };
        let service = Arc::clone(&service);
        calls.spawn(async move {
            sleep(journal).await;
            let in_flight = permit.sent().await;
            let sent = Instant::now();
            sleep(before).await;
            let arrived = Instant::now();
            let taken = service.lock().expect("no panic").takes(arrived);
            if taken {
                sleep(whole.saturating_sub(before)).await;
                in_flight.answered();
            } else {
                in_flight.too_often(None);
            }
            (sent, arrived, taken)
        });
    }
    let (mut arrived, mut refused) = (Vec::new(), 0);
    while let Some(joined) = calls.join_next().await {
        let (left, came, taken) = joined.expect("no panic");
        sent.push(left);
        arrived.push(came);
        refused += usize::from(!taken);
    }
    sent.sort();
    arrived.sort();
    let took = sent[sent.len() - 1] - sent[0];
    let stretch = took.as_secs_f64() * rate / part(sent.len() - 1);
    Run { stretch, refused: part(refused) / part(count), sent, arrived }
}

fn part(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a small number"))
}

fn slots(rate: f64) -> usize {
    (1..=10_000).take_while(|n| part(*n) <= rate).count().max(1)
}

/// The most arrivals in any second, the second's end left out.
fn busiest(arrived: &[Instant]) -> usize {
    let within = |(at, first): (usize, &Instant)| {
        arrived[at..].iter().take_while(|later| **later - *first < SECOND).count()
    };
    arrived.iter().enumerate().map(within).max().unwrap_or(0)
}

#[tokio::test(start_paused = true)]
async fn twenty_a_second_arrive_and_hardly_ever_one_more() {
    let latencies: [(&str, Latency, f64, f64); 5] = [
        ("constant 50 ms", constant, 1.01, 0.0),
        ("constant 2 s", slow, 1.015, 0.0),
        ("20 to 80 ms", jittered, 1.05, 0.002),
        ("30 ms, or 125", bimodal, 1.05, 0.002),
        ("50 to 750 ms", wide, 1.4, 0.005),
    ];
    for (name, latency, slowest, most_refused) in latencies {
        for counted in [Counted::AtOnce, Counted::OnTheWayIn, Counted::AtTheAnswer] {
            let run = run(&Pacer::new(20.0), 20.0, 1000, latency, counted).await;
            let Run { stretch, refused, sent: _, arrived } = &run;
            let busiest = busiest(arrived);
            let figures = format!("{name}, {counted:?}: {stretch:.4}, {refused:.4}, {busiest}");
            assert!(*stretch <= slowest, "{figures}");
            assert!(*refused <= most_refused, "{figures}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_are_paced() {
    let (pacer, mut sent) = (Pacer::new(20.0), Vec::new());
    for _ in 0..100_000 {
        let in_flight = pacer.permit().await.sent().await;
        sent.push(Instant::now());
        in_flight.answered();
    }
    assert_eq!(busiest(&sent), 20);
    let took = (sent[sent.len() - 1] - sent[0]).as_secs_f64();
    assert!(took < 99_999.0 / 20.0 * 1.01, "{took}");
}

#[tokio::test(start_paused = true)]
async fn neither_the_start_nor_a_pause_lets_a_burst_through() {
    let pacer = Pacer::new(20.0);
    for _ in 0..2 {
        let run = run(&pacer, 20.0, 20, constant, Counted::AtOnce).await;
        let gaps = run.sent.windows(2).map(|pair| pair[1] - pair[0]);
        let least = gaps.min().expect("gaps");
        assert!(least >= Duration::from_millis(45), "{least:?}");
        sleep(Duration::from_secs(100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rates_below_one_and_between_numbers() {
    for (rate, apart) in [(0.5, 2000), (0.1, 10_000), (1.0, 1000), (1.9, 1000)] {
        let run = run(&Pacer::new(rate), rate, 20, constant, Counted::AtOnce).await;
        let least = run.sent.windows(2).map(|pair| pair[1] - pair[0]).min().expect("gaps");
        assert!(least >= Duration::from_millis(apart), "{rate}: {least:?}");
        assert!(least <= Duration::from_millis(apart + 30), "{rate}: {least:?}");
    }
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
        drop(Pacer::new(rate).permit().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_not_sent_yet_holds_its_place() {
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
async fn a_permit_comes_a_little_ahead_and_nothing_is_sent_before_its_moment() {
    let (pacer, start) = (Pacer::new(1.0), Instant::now());
    pacer.permit().await.sent().await.answered();
    let permit = pacer.permit().await;
    assert_eq!(start.elapsed() + AHEAD, SECOND);
    let in_flight = permit.sent().await;
    assert_eq!(start.elapsed(), SECOND);
    in_flight.answered();
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_dropped_gives_its_place_away() {
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
async fn permits_that_are_given_back_cost_those_behind_them_nothing() {
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
async fn the_order_is_that_of_asking_and_who_leaves_takes_nothing() {
    let pacer = Pacer::new(10.0);
    let mut tasks = Vec::new();
    let (told, mut order) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..30 {
        let (pacer, told) = (pacer.clone(), told.clone());
        tasks.push(tokio::spawn(async move {
            pacer.permit().await.sent().await.answered();
            told.send(number).expect("someone listens");
        }));
        tokio::task::yield_now().await;
    }
    for cancelled in [0, 1, 7, 8, 29] {
        tasks[cancelled].abort();
    }
    let start = Instant::now();
    drop(told);
    let mut seen = Vec::new();
    while let Some(number) = order.recv().await {
        seen.push(number);
    }
    let kept: Vec<usize> = (0..30).filter(|n| ![1, 7, 8, 29].contains(n)).collect();
    assert_eq!(seen[seen.len() - 25..], kept[kept.len() - 25..]);
    assert!(start.elapsed() < Duration::from_millis(2750), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_costs_one_place_for_a_while() {
    let pacer = Pacer::new(20.0);
    run(&pacer, 20.0, 100, constant, Counted::AtOnce).await;
    let hung: Vec<_> = vec![pacer.permit().await.sent().await, pacer.permit().await.sent().await];
    let start = Instant::now();
    run(&pacer, 20.0, 100, constant, Counted::AtOnce).await;
    assert!(start.elapsed() < Duration::from_millis(5450), "{:?}", start.elapsed());
    drop(hung);
}

#[tokio::test(start_paused = true)]
async fn one_refusal_costs_little_and_many_at_once_count_as_one() {
    let pacer = Pacer::new(20.0);
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(pacer.permit().await.sent().await);
    }
    for in_flight in calls {
        in_flight.too_often(None);
    }
    let start = Instant::now();
    run(&pacer, 20.0, 100, constant, Counted::AtOnce).await;
    assert!(start.elapsed() < Duration::from_millis(5500), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_by_everyone() {
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
async fn two_runs_in_a_row_stay_inside_the_limit() {
    for (ago, latency) in [0, 20, 300, 700, 1100, 60_000]
        .into_iter()
        .flat_map(|ago| [(ago, constant as Latency), (ago, jittered)])
    {
        let first = Pacer::new(20.0);
        let before = run(&first, 20.0, 100, latency, Counted::AtTheAnswer).await.arrived;
        sleep(Duration::from_millis(ago)).await;
        let (second, start) = (Pacer::new(20.0), Instant::now());
        second.resume(first.last_sent().expect("it sent"));
        drop(second.permit().await);
        assert!(start.elapsed() <= Duration::from_millis(400), "{:?}", start.elapsed());
        let after = run(&second, 20.0, 20, latency, Counted::AtTheAnswer).await.arrived;
        let seam: Vec<_> = before[before.len() - 20..].iter().chain(&after).copied().collect();
        assert!(busiest(&seam) <= 20, "{ago}: {}", busiest(&seam));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_follows_waits_for_the_window_of_the_one_before() {
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
async fn what_was_resumed_is_told_on() {
    let pacer = Pacer::new(20.0);
    assert_eq!(pacer.last_sent(), None);
    pacer.resume(Duration::from_secs(3));
    sleep(SECOND).await;
    assert_eq!(pacer.last_sent(), Some(Duration::from_secs(4)));
    pacer.resume(Duration::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the latencies of up to a quarter of a second's spread: next to nothing is refused,
    /// and nothing is ever sent quicker than the rate.
    #[test]
    fn any_latency_of_a_learned_spread(
        least in 0_u64..300, spread in 0_u64..250, rate in 1_u32..60, seed in any::<u64>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        let rate = f64::from(rate);
        let (sent, refused) = runtime.block_on(async {
            let (pacer, mut shares) = (Pacer::new(rate), Shares(seed));
            let service = Sliding { limit: slots(rate), taken: VecDeque::new() };
            let service = Arc::new(Mutex::new(service));
            let (mut calls, mut sent, mut refused) = (JoinSet::new(), Vec::new(), 0);
            for _ in 0..600 {
                let permit = pacer.permit().await;
                let extra = Duration::from_millis(spread).mul_f64(shares.next());
                let service = Arc::clone(&service);
                let in_flight = permit.sent().await;
                sent.push(Instant::now());
                calls.spawn(async move {
                    sleep(Duration::from_millis(least) + extra).await;
                    in_flight.answered();
                    service.lock().expect("no panic").takes(Instant::now())
                });
            }
            while let Some(joined) = calls.join_next().await {
                refused += usize::from(!joined.expect("no panic"));
            }
            (sent, refused)
        });
        prop_assert!(busiest(&sent) <= slots(rate));
        prop_assert!(refused <= 3, "{refused} of 600 at {rate}/s");
    }
}
