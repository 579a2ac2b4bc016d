//! What a line of the configuration can ask for: a call of the host, or something odd.

use crate::host::*;
use crate::text::{pairs, show, show_pairs, unescape};
use crate::{STATE, outside, wasi};

pub(crate) fn perform(operation: &[String]) -> String {
    let word = |at: usize| operation.get(at).map(String::as_str).unwrap_or_default();
    let text = |at: usize| unescape(word(at));
    let number = |at: usize| -> u32 {
        match word(at) {
            "stream" => STATE.with_borrow(|state| state.last_stream),
            "cas" => STATE.with_borrow(|state| state.last_cas),
            "token" => STATE.with_borrow(|state| state.last_token),
            "metric" => STATE.with_borrow(|state| state.last_metric),
            "max" => u32::MAX,
            other => other.parse().unwrap_or(0),
        }
    };
    let size = |at: usize| number(at) as usize;
    let mut given = Given::none();
    let (mut out, mut wide) = (0_u32, 0_u64);
    let status = |code: u32| code.to_string();
    unsafe {
        match word(0) {
            "log" => status(proxy_log(number(1), word(2).as_ptr(), word(2).len())),
            "log_level" => format!("{} {out}", proxy_get_log_level(&mut out)),
            "status" => {
                let code = proxy_get_status(&mut out, &mut given.at, &mut given.size);
                format!("{code} {out} {}", show(&given.take()))
            }
            "time" => format!("{} {wide}", proxy_get_current_time_nanoseconds(&mut wide)),
            "tick" => status(proxy_set_tick_period_milliseconds(number(1))),
            "body" => {
                let code = proxy_get_buffer_bytes(
                    number(1),
                    size(2),
                    size(3),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "body_status" => {
                let mut length = 0;
                let code = proxy_get_buffer_status(number(1), &mut length, &mut out);
                format!("{code} {length} {out}")
            }
            "set_body" => {
                let bytes = text(4);
                status(proxy_set_buffer_bytes(
                    number(1),
                    size(2),
                    size(3),
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "grow_body" => {
                let bytes = vec![b'x'; size(2)];
                status(proxy_set_buffer_bytes(
                    number(1),
                    usize::MAX,
                    0,
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "size" => {
                let mut length = 0;
                let code = proxy_get_header_map_size(number(1), &mut length);
                format!("{code} {length}")
            }
            "pairs" => {
                let code = proxy_get_header_map_pairs(number(1), &mut given.at, &mut given.size);
                format!("{code} {}", show_pairs(&given.take()))
            }
            "set_pairs" => {
                let bytes = pairs(word(2));
                status(proxy_set_header_map_pairs(
                    number(1),
                    bytes.as_ptr(),
                    bytes.len(),
                ))
            }
            "get" => {
                let key = text(2);
                let code = proxy_get_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "add" => {
                let (key, value) = (text(2), text(3));
                status(proxy_add_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "set" => {
                let (key, value) = (text(2), text(3));
                status(proxy_replace_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "remove" => {
                let key = text(2);
                status(proxy_remove_header_map_value(
                    number(1),
                    key.as_ptr(),
                    key.len(),
                ))
            }
            "resume" => status(proxy_continue_stream(number(1))),
            "close" => status(proxy_close_stream(number(1))),
            "reply" => {
                let (body, headers, details) = (text(2), pairs(word(3)), text(4));
                status(proxy_send_local_response(
                    number(1),
                    details.as_ptr(),
                    details.len(),
                    body.as_ptr(),
                    body.len(),
                    headers.as_ptr(),
                    headers.len(),
                    -1,
                ))
            }
            "sd_get" => {
                let key = text(1);
                let code = proxy_get_shared_data(
                    key.as_ptr(),
                    key.len(),
                    &mut given.at,
                    &mut given.size,
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_cas = out);
                format!("{code} {}", show(&given.take()))
            }
            "sd_set" => {
                let (key, value) = (text(1), text(2));
                status(proxy_set_shared_data(
                    key.as_ptr(),
                    key.len(),
                    value.as_ptr(),
                    value.len(),
                    number(3),
                ))
            }
            "queue" => {
                let name = text(1);
                let code = proxy_register_shared_queue(name.as_ptr(), name.len(), &mut out);
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "resolve" => {
                let (vm, name) = (text(1), text(2));
                let vm = if vm == b"-" { Vec::new() } else { vm };
                let code = proxy_resolve_shared_queue(
                    vm.as_ptr(),
                    vm.len(),
                    name.as_ptr(),
                    name.len(),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "enqueue" => {
                let item = text(2);
                status(proxy_enqueue_shared_queue(
                    number(1),
                    item.as_ptr(),
                    item.len(),
                ))
            }
            "dequeue" => {
                let code = proxy_dequeue_shared_queue(number(1), &mut given.at, &mut given.size);
                format!("{code} {}", show(&given.take()))
            }
            "call" => {
                let (cluster, headers, body) = (text(1), pairs(word(2)), text(4));
                let none = pairs("");
                let code = proxy_http_call(
                    cluster.as_ptr(),
                    cluster.len(),
                    headers.as_ptr(),
                    headers.len(),
                    body.as_ptr(),
                    body.len(),
                    none.as_ptr(),
                    none.len(),
                    number(3),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_call" => {
                let (service, message, none) = (text(1), text(2), pairs(""));
                let code = proxy_grpc_call(
                    service.as_ptr(),
                    service.len(),
                    b"a.Service".as_ptr(),
                    9,
                    b"Method".as_ptr(),
                    6,
                    none.as_ptr(),
                    none.len(),
                    message.as_ptr(),
                    message.len(),
                    number(3),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_stream" => {
                let (service, none) = (text(1), pairs(""));
                let code = proxy_grpc_stream(
                    service.as_ptr(),
                    service.len(),
                    b"a.Service".as_ptr(),
                    9,
                    b"Method".as_ptr(),
                    6,
                    none.as_ptr(),
                    none.len(),
                    &mut out,
                );
                STATE.with_borrow_mut(|state| state.last_token = out);
                status(code)
            }
            "grpc_send" => {
                let message = text(2);
                status(proxy_grpc_send(
                    number(1),
                    message.as_ptr(),
                    message.len(),
                    number(3),
                ))
            }
            "grpc_cancel" => status(proxy_grpc_cancel(number(1))),
            "grpc_close" => status(proxy_grpc_close(number(1))),
            "metric" => {
                let name = text(2);
                let code = proxy_define_metric(number(1), name.as_ptr(), name.len(), &mut out);
                STATE.with_borrow_mut(|state| state.last_metric = out);
                status(code)
            }
            "metric_add" => status(proxy_increment_metric(number(1), word(2).parse().unwrap())),
            "metric_set" => status(proxy_record_metric(number(1), word(2).parse().unwrap())),
            "metric_get" => format!("{} {wide}", proxy_get_metric(number(1), &mut wide)),
            "prop" => {
                let path = word(1).replace('.', "\0");
                let path = unescape(&path);
                let code =
                    proxy_get_property(path.as_ptr(), path.len(), &mut given.at, &mut given.size);
                format!("{code} {}", show(&given.take()))
            }
            "set_prop" => {
                let (path, value) = (text(1), text(2));
                status(proxy_set_property(
                    path.as_ptr(),
                    path.len(),
                    value.as_ptr(),
                    value.len(),
                ))
            }
            "foreign" => {
                let (name, argument) = (text(1), text(2));
                let code = proxy_call_foreign_function(
                    name.as_ptr(),
                    name.len(),
                    argument.as_ptr(),
                    argument.len(),
                    &mut given.at,
                    &mut given.size,
                );
                format!("{code} {}", show(&given.take()))
            }
            "effective" => status(proxy_set_effective_context(number(1))),
            "done" => status(proxy_done()),
            "env" => format!("{:?}", std::env::var(word(1))),
            "random" => {
                let state = std::collections::hash_map::RandomState::new();
                std::hash::BuildHasher::hash_one(&state, 0_u8).to_string()
            }
            "print" => {
                println!("{}", word(1));
                "printed".to_owned()
            }
            "grow" => {
                std::mem::forget(vec![1_u8; size(1)]);
                "grown".to_owned()
            }
            "spin" => (0..number(1))
                .fold(1_u32, |a, b| std::hint::black_box(a.wrapping_mul(3) ^ b))
                .to_string(),
            // Addresses beyond the memory, and lists that overflow: never more than an error of the host.
            "outside" => outside::outside(number(1)),
            "wasi" => wasi::call_all(),
            "trap" => std::process::abort(),
            other => panic!("no operation {other}"),
        }
    }
}
