//! Tests of mistakes, alone and together.

use super::world::{World, codes, with_rooms};

#[test]
fn all_mistakes_are_reported_in_one_run_sorted_by_place() {
    let text = r#"version: 1
providers:
  chat:
    kind: zmi
    app_id: one
    server_secret: 9193cc662a4c0ec135ec71fb57194b38
    endpoint: http://user:pass@example.com/
    rate_share: 50
    rate_limit: {CreateRom: 3}
    secret_env: 9193cc662a4c0ec135ec71fb57194b38
  Chat 2: {kind: rtc, app_id: 0}
policy: {on_vanish: ignroe, on_conflict: adpot, max_destroy: 200%}
defaults: {destroy_delay_time: 4h}
rooms:
  - id: lobby
    nmae: Lobby
    attributes: {topic: 5, topic: x, topic2: {valu: x}}
    lifecycle: {prevent_destroy: yes}
  - name: x
    provider: cht
  - id: 5
  - id: a/b
    provider: chat
    destroy_delay_time: 1d
    attributes:
      averyveryverylongkey: x
  -
  - 7
  - id: lobby
    provider: chat
  - id: "lob,by"
    provider: chat
    for_each: {n: 1..3}
  - id: lobby
    provider: chat
state: postgres://x/y?options=z
extra: 1
"#;
    let world = World::of(&[("rooms.yaml", text)]);
    insta::assert_snapshot!(world.shown(&world.findings(&["rooms.yaml"])));
}

#[test]
fn each_mistake_of_a_room_is_reported_at_its_place() {
    let long = "x".repeat(33);
    let name = "é".repeat(33);
    let value = "x".repeat(1025);
    let many: Vec<String> = (0..21).map(|n| format!("k{n}: v")).collect();
    let large: Vec<String> = (0..6).map(|n| format!("k{n}: {}", "x".repeat(1000))).collect();
    let mut wrong = Vec::new();
    for (room, reported) in [
        ("id: \"\"".to_owned(), "room_id 6:9"),
        (format!("id: {long}"), "room_id 6:9"),
        ("id: a/b".to_owned(), "room_id 6:9"),
        ("id: 'a,b'".to_owned(), "room_id_doubtful 6:9"),
        ("id: 12".to_owned(), "wrong_type 6:9"),
        ("id: true".to_owned(), "wrong_type 6:9"),
        ("id: ~".to_owned(), "wrong_type 6:9"),
        ("id:".to_owned(), "wrong_type 6:5"),
        ("id: 1.5".to_owned(), "wrong_type 6:9"),
        ("id: 18446744073709551616".to_owned(), "wrong_type 6:9"),
        ("id: -9223372036854775809".to_owned(), "wrong_type 6:9"),
        ("name: x".to_owned(), "missing_key 6:5"),
        ("{id: a, name: }".to_owned(), "wrong_type 6:13"),
        (format!("{{id: a, name: {name}}}"), "name_length 6:19"),
        ("{id: a, destroy_delay_time: 10801}".to_owned(), "destroy_delay_time 6:33"),
        ("{id: a, destroy_delay_time: 181m}".to_owned(), "destroy_delay_time 6:33"),
        ("{id: a, destroy_delay_time: -1}".to_owned(), "wrong_type 6:33"),
        ("{id: a, destroy_delay_time: 1d}".to_owned(), "destroy_delay_time 6:33"),
        ("{id: a, destroy_delay_time: 99999999999}".to_owned(), "destroy_delay_time 6:33"),
        ("{id: a, provider: caht}".to_owned(), "unknown_provider 6:23"),
        ("{id: a, providers: [chat, x]}".to_owned(), "unknown_provider 6:31"),
        ("{id: a, providers: [chat, chat]}".to_owned(), "provider 6:31"),
        ("{id: a, providers: []}".to_owned(), "provider 6:24"),
        ("{id: a, provider: chat, providers: [chat]}".to_owned(), "provider 6:29"),
        ("{id: a, attributes: {k: 1}}".to_owned(), "wrong_type 6:29"),
        ("{id: a, attributes: {k: true}}".to_owned(), "wrong_type 6:29"),
        ("{id: a, attributes: {1: a}}".to_owned(), "wrong_type 6:26"),
        ("{id: a, attributes: {k: {value: 1}}}".to_owned(), "wrong_type 6:37"),
        ("{id: a, attributes: {k: {auto_delete: true}}}".to_owned(), "missing_key 6:30"),
        ("{id: a, attributes: {\"\": a}}".to_owned(), "attribute_key 6:26"),
        ("{id: a, attributes: {12345678901234567: a}}".to_owned(), "wrong_type 6:26"),
        ("{id: a, attributes: {x2345678901234567: a}}".to_owned(), "attribute_key 6:26"),
        (format!("{{id: a, attributes: {{k: {value}}}}}"), "attribute_value 6:29"),
        (format!("{{id: a, attributes: {{{}}}}}", many.join(", ")), "attribute_count 6:13"),
        (format!("{{id: a, attributes: {{{}}}}}", large.join(", ")), "attribute_total 6:13"),
        ("{id: a, attributes: {server_secret: a}}".to_owned(), "secret_in_file 6:26"),
        ("{id: a, attributes: {k: a, k: b}}".to_owned(), "duplicate_key 6:32"),
        ("{id: a, id: b}".to_owned(), "duplicate_key 6:13"),
        ("{id: a, lifecycle: {on_remove: forgt}}".to_owned(), "unknown_value 6:36"),
        ("{id: a, for_each: {n: 1..2}}".to_owned(), "for_each 6:10"),
        ("{id: a, lifecycle: {ignore_changes: [nmae]}}".to_owned(), "unknown_path 6:42"),
        ("{id: a, lifecycle: {ignore_changes: [muted]}}".to_owned(), "unknown_path 6:42"),
        ("{id: a, lifecycle: {ignore_changes: name}}".to_owned(), "wrong_type 6:41"),
        ("{id: a, lifecycle: {on_conflict: adpot}}".to_owned(), "unknown_value 6:38"),
        ("{id: a, close: {reason: x}}".to_owned(), "not_of_kind 6:13"),
        ("{id: a, close: {}}".to_owned(), "not_of_kind 6:13"),
        ("{id: a, seat_template: Karaoke}".to_owned(), "not_of_kind 6:13"),
        ("{id: a, muted: 1}".to_owned(), "wrong_type 6:20"),
        ("{id: a, name: '${ZEGO_SET}'}".to_owned(), "variable_not_replaced 6:19"),
        ("{id: a, <<: {name: x}}".to_owned(), "merge_key 6:13"),
        ("{id: !!str a}".to_owned(), "tag 6:10"),
        ("[a]".to_owned(), "wrong_type 6:5"),
    ] {
        let actual = codes(&with_rooms(&format!("  - {room}\n")));
        if actual.first().map(String::as_str) != Some(reported) {
            wrong.push(format!("{room}: {reported}, but {actual:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn each_mistake_of_the_head_is_reported_at_its_place() {
    let mut wrong = Vec::new();
    for (from, to, reported) in [
        ("version: 1", "version: 2", "version 1:10"),
        ("version: 1", "version: \"1\"", "wrong_type 1:10"),
        ("version: 1\n", "", "missing_key 1:1"),
        ("kind: zim, ", "", "missing_key 3:10"),
        ("app_id: 1, ", "", "missing_key 3:10"),
        (", operator: admin", "", "missing_key 3:10"),
        ("kind: zim", "kind: tencent-live", "default_unused 4:12"),
        ("kind: zim", "kind: tencent", "unknown_value 3:16"),
        ("app_id: 1", "app_id: 4294967296", "out_of_range 3:29"),
        ("app_id: 1", "app_id: '${ZEGO_UNSET}'", "variable_unset 3:29"),
        ("app_id: 1", "app_id: '${HOME}'", "variable_refused 3:29"),
        ("app_id: 1", "app_id: '${ZEGO_UNSET:-x}'", "wrong_type 3:29"),
        ("operator: admin", "operator: 5", "wrong_type 3:42"),
        ("operator: admin", "operator: a/b", "operator 3:42"),
        ("operator: admin", "operator: a, secret: x", "secret_in_file 3:45"),
        ("operator: admin", "operator: a, endpoint: 'http://x.example'", "endpoint 3:55"),
        ("operator: admin", "operator: a, secret_env: A, secret_file: b", "secret 3:73"),
        ("operator: admin", "operator: a, rate_limit: 0", "out_of_range 3:57"),
        ("operator: admin", "operator: a, rate_share: 0%", "rate_share 3:57"),
        ("operator: admin", "operator: a, rate_share: 101%", "rate_share 3:57"),
        ("operator: admin", "operator: a, max_rooms: -1", "wrong_type 3:56"),
        ("operator: admin", "operator: a, limits: {keys: 1}", "unknown_key 3:54"),
        ("operator: admin", "operator: a, dissolve_after: 1h", "not_of_kind 3:45"),
        ("operator: admin", "operator: 'a|b'", "operator_doubtful 3:42"),
        (
            "operator: admin}",
            "operator: a}\n  two: {kind: zim, app_id: 1, operator: b}",
            "same_application 4:3",
        ),
        (
            "operator: admin}",
            "operator: a}\n  chat: {kind: zim, app_id: 2, operator: b}",
            "duplicate_key 4:3",
        ),
        ("operator: admin}", "operator: a}\nstate: 'postgres://h/db?x=1'", "state 4:8"),
        ("operator: admin}", "operator: a}\nstate: ''", "state 4:8"),
        ("operator: admin}", "operator: a}\nstate: s3://b", "state 4:8"),
        ("operator: admin}", "operator: a}\nstate: 'gs://b/k?lease=5s'", "state 4:8"),
        ("operator: admin}", "operator: a}\nstate:   az://c/k?x=1", "state 4:10"),
        ("operator: admin}", "operator: a}\nstate: https://h/k", "state 4:8"),
        ("operator: admin}", "operator: a}\nstate: s3://u:p@b/k", "state 4:8"),
        ("operator: admin}", "operator: a}\npolicy: {max_recreate: half}", "max_recreate 4:24"),
        ("operator: admin}", "operator: a}\npolicy: {replace: later}", "unknown_value 4:19"),
        ("operator: admin}", "operator: a}\npolicy: {refresh: sometimes}", "unknown_value 4:19"),
        ("operator: admin}", "operator: a}\npolicy: {max_destroy: -1}", "wrong_type 4:23"),
        ("operator: admin}", "operator: a}\npolicy:", "wrong_type 4:1"),
        ("{destroy_delay_time: 1h}", "{destroy_delay_time: 4h}", "destroy_delay_time 4:32"),
        ("{destroy_delay_time: 1h}", "{destroy_delay: 4h}", "unknown_key 4:12"),
        ("rooms:\n  - id: a\n", "rooms:\n", "wrong_type 5:1"),
        ("rooms:\n  - id: a\n", "rooms: ~\n", "wrong_type 5:8"),
        ("rooms:\n  - id: a\n", "", "missing_key 1:1"),
        ("rooms:\n  - id: a\n", "rooms: []\nrooms: []\n", "duplicate_key 6:1"),
        ("providers:\n  chat: {kind: zim, app_id: 1, operator: admin}\n", "", "missing_key 1:1"),
        (
            "providers:\n  chat: {kind: zim, app_id: 1, operator: admin}\n",
            "providers: {}\n",
            "no_provider 2:12",
        ),
    ] {
        let valid = with_rooms("  - id: a\n");
        assert!(valid.contains(from), "{from}");
        let actual = codes(&valid.replace(from, to));
        if actual.first().map(String::as_str) != Some(reported) {
            wrong.push(format!("{to}: {reported}, but {actual:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_secret_instead_of_its_variables_name_is_refused_and_not_shown() {
    let secret = "a193cc662a4c0ec135ec71fb57194b38";
    let upper = secret.to_ascii_uppercase();
    for (key, secret) in [("env", secret), ("env", &upper), ("file", secret)] {
        let named = format!("operator: a, secret_{key}: {secret}");
        let text = with_rooms("  - id: a\n").replace("operator: admin", &named);
        let world = World::of(&[("rooms.yaml", &text)]);
        let findings = world.findings(&["rooms.yaml"]);
        assert_eq!(findings[0].code, "secret");
        assert!(!format!("{findings:?}").contains(secret), "{findings:#?}");
    }
}

#[test]
fn no_secret_is_ever_shown() {
    for (from, to) in [
        ("operator: admin", "operator: a, server_secret: hush"),
        ("operator: admin", "operator: a, \"secret-key\": 'hush'"),
        ("operator: admin", "operator: a, secret_env: 9hush"),
        ("operator: admin", "operator: a, endpoint: \"https://u:hush@h/\""),
        ("version: 1", "version: 1\nstate: s3://u:hush@b/k"),
        ("version: 1", "version: 1\nstate: 's3://u:hu@hush@b/k'"),
        ("version: 1", "version: 1\nstate: s3://u:hu/hush@b/k"),
        ("version: 1", "version: 1\nstate: postgres://u:hush@h/db"),
        ("version: 1", "version: 1\nstate: postgres://h/db?password=hush"),
        ("version: 1", "version: 1\nstate: az://c/k?sv=1&sig=hush"),
        ("version: 1", "version: 1\nstate: >-\n  s3://u:hush@b/k"),
        ("version: 1", "version: 1\nstate: s3://u:hush@b/k # s3://v:hush@b/k"),
        ("operator: admin", "operator: a, server_secret: hush, nonsense: ["),
        ("  - id: a", "  - {id: a, attributes: {server_secret: hush}, nmae: 5}"),
        ("version: 1", "server_secret:\n  hush: [\nversion: 1"),
        ("version: 1", "server_secret: |\n  other\n\n  hush\u{1}\nversion: 1"),
        ("version: 1", "x: {secret_key: \"a\n  hush\\q\"}\nversion: 1"),
        ("version: 1", "secret_env:\n- hush: [\nversion: 1"),
    ] {
        let world = World::of(&[("rooms.yaml", &with_rooms("  - id: a\n").replace(from, to))]);
        let findings = world.findings(&["rooms.yaml"]);
        assert!(!format!("{findings:?}").contains("hush"), "{findings:#?}");
        for place in findings.iter().filter_map(|it| it.place.as_ref()) {
            assert!(place.column <= place.text.chars().count(), "{place:?}");
        }
    }
}

#[test]
fn a_state_url_is_parsed_and_its_mistakes_are_reported() {
    let world = |state: &str| {
        let text = with_rooms("  - id: a\n").replace("version: 1", &format!("version: 1\n{state}"));
        World::of(&[("rooms.yaml", &text)])
    };
    let loaded = world("state: s3://b/fleet/rooms.json?lease=20s").load(&["rooms.yaml"]);
    assert_eq!(loaded.desired.state.to_string(), "s3://b/fleet/rooms.json");
    let of = |state: &str| {
        let world = world(state);
        let findings = world.findings(&["rooms.yaml"]);
        world.shown(&findings)
    };
    insta::assert_snapshot!(of("state: s3://me:hush-hush@b/k"), @r"
    error[state]: invalid `state`: the URL contains a user name or a password: remove it; credentials come from the environment, a profile, or the machine's identity
     --> rooms.yaml:2:8
      | state: s3://************@b/k
      |        ^^^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(of("state: az://c/k?sig=hush"), @r"
    error[state]: invalid `state`: unknown parameter `sig`: only `lease` is known, as in `?lease=20s`
     --> rooms.yaml:2:8
      | state: az://c/k?********
      |        ^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(of("state: postgres://me:hush-hush@h/db"), @r"
    error[state]: invalid `state`: the URL contains a password (or an `@`, which is written `%40`): remove it; a password comes from PGPASSWORD, from a password file (PGPASSFILE or ~/.pgpass), or from a service file
     --> rooms.yaml:2:8
      | state: postgres://************@h/db
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(of("state: s3://b/k?lease=1h"), @r"
    error[state]: invalid `state`: invalid lease `1h`: expected 15s to 10m, such as `?lease=20s`
     --> rooms.yaml:2:8
      | state: s3://b/k?lease=1h
      |        ^^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(of("state: gs://b"), @r"
    error[state]: invalid `state`: it has no object key: expected gs://BUCKET/KEY, such as gs://my-bucket/rooms.state.json
     --> rooms.yaml:2:8
      | state: gs://b
      |        ^^^^^^
    ");
}
