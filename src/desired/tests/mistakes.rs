//! Mistakes, one by one and many at once.

use super::world::World;

#[test]
fn all_mistakes_are_told_at_once_in_order_of_place() {
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
policy: {on_vanish: ignore, on_conflict: adpot, max_destroy: 200%}
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
state: s3://x/y
extra: 1
"#;
    let world = World::of(&[("rooms.yaml", text)]);
    insta::assert_snapshot!(world.shown(&world.findings(&["rooms.yaml"])));
}
