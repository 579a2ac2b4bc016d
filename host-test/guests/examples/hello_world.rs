//! As the SDK's example of the same name: says hello, and then the time and some random bytes every five seconds.

use std::time::Duration;

use log::info;
use proxy_wasm::traits::{Context, RootContext};
use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(HelloWorld));
}}

struct HelloWorld;

impl Context for HelloWorld {}

impl RootContext for HelloWorld {
    fn on_vm_start(&mut self, _: usize) -> bool {
        info!("Hello, World!");
        self.set_tick_period(Duration::from_secs(5));
        true
    }

    fn on_tick(&mut self) {
        let now = self
            .get_current_time()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        let state = std::collections::hash_map::RandomState::new();
        let random = std::hash::BuildHasher::hash_one(&state, 0_u8);
        info!("It's {} and the number is {random}", now.as_secs());
    }
}
