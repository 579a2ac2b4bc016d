//! Several Envoys, and what they share.

use std::thread;
use std::time::Duration;

use portcullis_envoy_test::Scenario;
use serde_json::Value;

use crate::common::{Variant, World, eventually};
use crate::redis::Redis;
use crate::service::Service;

const VARIANT: Variant = Variant::held("global-limits");

/// How long Envoy may take to see that a connection is gone, or that a service is there again.
pub const NOTICE_MAX: Duration = Duration::from_secs(10);

/// Envoys, each with a stub provider of its own, and one rate-limit service for all.
pub struct Shared {
    pub gateways: Vec<World>,
    pub service: Service,
    pub redis: Redis,
    folder: tempfile::TempDir,
}

impl Shared {
    /// So many Envoys, with the scenario changed in all of them.
    pub fn start(gateways: usize, change: fn(&mut Scenario)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let redis = Redis::start(folder.path());
        let service = Service::start(redis.address(), folder.path());
        let address = service.address();
        let start = || {
            World::with(VARIANT, |scenario| {
                scenario.cluster("ratelimit", address).unwrap();
                change(scenario);
            })
        };
        let gateways = thread::scope(|scope| {
            let started: Vec<_> = (0..gateways).map(|_| scope.spawn(start)).collect();
            started
                .into_iter()
                .map(|gateway| gateway.join().unwrap())
                .collect()
        });
        Self {
            gateways,
            service,
            redis,
            folder,
        }
    }

    /// Nothing counted, nothing received, ordinary answers, and these limits a minute: for each value of a descriptor, or for the
    /// one of `descriptor=value`. All others are out of reach.
    pub fn reset(&mut self, limits: &[(&str, u32)]) {
        self.service.stop();
        for gateway in &self.gateways {
            eventually("Envoy sees that the service is gone", NOTICE_MAX, || {
                let connections = gateway.envoy.stats("cluster.ratelimit.upstream_cx_active");
                connections.unwrap().values().sum::<u64>() == 0
            });
            gateway.provider.clear_scripts();
            gateway.provider.clear();
        }
        self.redis.forget_everything();
        self.service.restart(limits);
    }

    pub fn restart_redis(&mut self) {
        self.redis.restart(self.folder.path());
    }

    /// What the next answers of all providers shall be.
    pub fn answer(&self, script: &Value) {
        for gateway in &self.gateways {
            gateway.answer(script);
        }
    }

    /// How many requests have reached the providers since the last reset.
    pub fn received(&self) -> usize {
        let received = self.gateways.iter().map(World::take_received);
        received.map(|requests| requests.len()).sum()
    }

    /// Waits until so much is counted: a charge follows the answer.
    #[track_caller]
    pub fn await_counter(&self, descriptor: &str, value: &str, expected: u64) {
        let mut last = 0;
        let what = format!("{descriptor} of {value} is {expected}");
        eventually(&what, NOTICE_MAX, || {
            last = self.redis.counter(descriptor, value);
            assert!(last <= expected, "{what}, but it is {last}");
            last == expected
        });
    }

    /// Says what the Envoys complained about.
    pub fn explain(&self) {
        for gateway in &self.gateways {
            println!("{}", gateway.envoy.complaints().unwrap());
        }
    }

    /// What must hold after every test: every Envoy still answers and understood what it was to charge, no VM was lost, no line of a log holds what was planted.
    pub fn finish(self) {
        for gateway in self.gateways {
            // What costs nothing is not worth a warning.
            let complaints = gateway.envoy.complaints().unwrap();
            assert!(!complaints.contains("hits_addend"), "{complaints}");
            gateway.finish();
        }
    }
}
