//! Which parts of a signed request are new in every request, and which are reused.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::*;
use crate::model::Clock;
use crate::provider::http::Random;

#[tokio::test]
async fn a_signature_is_reused_until_it_is_refused() {
    struct Ticks(AtomicI64);
    impl Clock for Ticks {
        fn now(&self) -> Timestamp {
            let seconds = self.0.fetch_add(1, Ordering::Relaxed);
            Timestamp::from_millis(seconds * 1000)
        }
    }
    for code in [70_001, 60_004, 60_005] {
        let refused = format!(r#"{{"ActionStatus":"FAIL","ErrorCode":{code},"ErrorInfo":"x"}}"#);
        let answers = [response(200, SUCCESS), response(200, refused), response(200, SUCCESS)];
        let (mut access, script) = access(answers);
        access.clock = Arc::new(Ticks(1_700_000_000.into()));
        let tencent = TencentLive::new(access, "admin".to_owned());
        let outcomes = [
            tencent.register("a").await,
            tencent.register("a").await,
            tencent.register("a").await,
            tencent.register("a").await,
        ];
        let classes = outcomes.map(|outcome| outcome.err().map(|error| error.class));
        assert_eq!(classes, [None, Some(ErrorClass::SignAgain), None, None]);
        let [a, b, c, d] = &script.sent()[..] else { panic!("four requests") };
        assert_eq!((usersig(a), usersig(c)), (usersig(b), usersig(d)));
        assert_ne!(usersig(a), usersig(c));
    }
}

#[tokio::test]
async fn every_request_has_a_new_random_number() {
    struct Counts(AtomicU32);
    impl Random for Counts {
        fn eight_bytes(&self) -> Result<[u8; 8], getrandom::Error> {
            let next = self.0.fetch_add(1, Ordering::Relaxed);
            Ok((u64::from(next) << 32).to_be_bytes())
        }
    }
    let (mut access, script) = access([response(200, SUCCESS)]);
    access.random = Arc::new(Counts(u32::MAX.into()));
    let tencent = TencentLive::new(access, "admin".to_owned());
    for _ in 0..2 {
        tencent.register("a").await.expect("done");
    }
    let sent = script.sent();
    assert!(sent[0].query.contains("&random=4294967295&"), "{}", sent[0].query);
    assert!(sent[1].query.contains("&random=0&"), "{}", sent[1].query);
}
