//! What a run tells: transcripts, steps, instructions, memory, metrics, logs.

use std::time::Duration;

use crate::{probe, run};
use expect_test::expect;
use portcullis_host_test::{LogLevel, Piece, Proxy, Request, Response, Status, World};

#[test]
fn a_transcript_tells_the_story() {
    let world = World::new();
    let proxy = Proxy::single(
        &world,
        probe("request_headers: add 0 x 1; get 0 x\nresponse_body: set_body 1 99 0 !"),
    )
    .unwrap();
    let story = world.transcript_of(|| {
        let request = Request::post("/", "hello");
        proxy.run(
            &request,
            Response::new(200)
                .body("world")
                .pause(Duration::from_millis(5)),
        );
    });
    expect![[r#"
        > client #1 headers
        >   :method: POST
        >   :path: /
        >   :authority: localhost
        >   :scheme: http
          probe #1 [worker 0] on_context_create(1)
          probe #1 [worker 0] on_request_headers(4, 0) -> Continue
            | info: 2 request_headers(4,0)
            add_header_map_value request headers x: 1
            | info:   add 0 x 1 -> 0
            | info:   get 0 x -> 0 1
        < upstream #1 headers
        <   :method: POST
        <   :path: /
        <   :authority: localhost
        <   :scheme: http
        <   x: 1
        > client #1 data (end) hello
          probe #1 [worker 0] on_request_body(5, 1) -> Continue
        < upstream #1 data (end) hello
        -- 5 ms
        > upstream #1 headers
        >   :status: 200
          probe #1 [worker 0] on_response_headers(1, 0) -> Continue
        < client #1 headers
        <   :status: 200
        -- 10 ms
        > upstream #1 data (end) world
          probe #1 [worker 0] on_response_body(5, 1) -> Continue
            | info: 2 response_body(5,1)
            set_buffer_bytes 1 99+0 = !
            | info:   set_body 1 99 0 ! -> 0
        < client #1 data (end) world!
          probe #1 [worker 0] on_log()
          probe #1 [worker 0] on_done() -> true
          probe #1 [worker 0] on_delete()
    "#]]
    .assert_eq(&story.render());
    assert_eq!(
        story.render(),
        story.render_all(),
        "reads are recorded only when asked for"
    );
    world.record_reads();
    let story = world.transcript_of(|| drop(proxy.run(&Request::get("/"), Response::new(200))));
    assert!(
        story
            .render_all()
            .contains("get_header_map_value request headers x\n"),
        "{}",
        story.render_all()
    );
    assert!(!story.render().contains("get_header_map_value"));
}

#[test]
fn each_step_says_what_it_let_through() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("request_body#1: pause")).unwrap();
    let exchange = proxy.exchange(0);
    let flow = exchange.request_headers([(":method", "POST"), (":path", "/")], false);
    assert_eq!(flow.to_upstream.len(), 1);
    assert!(exchange.request_data("abc", false).to_upstream.is_empty());
    let flow = exchange.request_data("def", true);
    assert_eq!(flow.to_upstream, [Piece::Data(b"abcdef".to_vec(), true)]);
    let flow = exchange.response_headers([(":status", "204")], true);
    assert_eq!(flow.to_client.len(), 1);
    assert!(exchange.over());
    assert!(exchange.response_data("late", true).to_client.is_empty());
}

#[test]
fn instructions_are_counted_exactly() {
    let spin = |turns: u32| {
        let world = World::new().counting_instructions();
        let outcome = run(&world, &format!("response_headers: spin {turns}"));
        let of = |name: &str| {
            outcome
                .callbacks
                .iter()
                .find(|c| c.name == name)
                .unwrap()
                .instructions
                .unwrap()
        };
        assert_eq!(
            outcome.instructions().unwrap(),
            outcome
                .callbacks
                .iter()
                .map(|c| c.instructions.unwrap())
                .sum::<u64>()
        );
        assert!(world.instructions()["proxy_on_configure"] > 0);
        (of("on_response_headers"), of("on_request_headers"))
    };
    let (little, other) = spin(1000);
    let (much, same) = spin(2000);
    assert_eq!(other, same);
    assert_eq!(
        spin(1000),
        (little, other),
        "the same run takes the same number"
    );
    assert!(
        (5_000..50_000).contains(&(much - little)),
        "{much} - {little}"
    );
    assert_eq!(run(&World::new(), "log: quiet").instructions(), None);
}

#[test]
fn log_levels_are_obeyed() {
    let world = World::new();
    world.set_log_level(LogLevel::Error);
    run(&world, "request_headers: log 2 quiet; log 4 loud");
    assert_eq!(world.log_text(), "error loud\n");
    assert_eq!(world.logs()[0].plugin, "probe");
}

#[test]
fn memory_is_reported() {
    let world = World::new();
    let proxy = Proxy::single(&world, probe("request_headers: grow 1000000")).unwrap();
    let before = proxy.memory_bytes(0, 0).unwrap();
    proxy.run(&Request::get("/"), Response::new(200));
    assert!(proxy.memory_bytes(0, 0).unwrap() >= before + 1_000_000 - 65_536);
    assert_eq!(proxy.memory_bytes(1, 0), None);
}

#[test]
fn metrics_can_be_read() {
    let world = World::new();
    run(
        &world,
        "request_headers: metric 0 c; metric_add metric 2; metric 1 g; metric_set metric 7; metric 2 h; metric_set metric 3",
    );
    let metrics = world.metrics();
    assert_eq!(
        (
            metrics.counter("c"),
            metrics.gauge("g"),
            metrics.histogram("h")
        ),
        (2, 7, vec![3])
    );
    assert_eq!(metrics.iter().count(), 3);
}

#[test]
fn statuses_have_the_numbers_of_the_abi() {
    let numbers = [
        Status::Ok,
        Status::NotFound,
        Status::BadArgument,
        Status::CasMismatch,
        Status::Unimplemented,
    ];
    assert_eq!(numbers.map(|status| status as u32), [0, 1, 2, 8, 12]);
}
