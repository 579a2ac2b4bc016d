//! Envoy's rate-limit protocol.

use std::collections::HashMap;
use std::time::Duration;

use envoy_types::pb::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::rate_limit::Unit;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::{
    Code, DescriptorStatus, RateLimit,
};
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::RateLimitService;
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use envoy_types::pb::google::protobuf;
use limitador::AsyncRateLimiter;
use limitador::counter::Counter;
use limitador::errors::LimitadorError;
use limitador::limit::Namespace;
use tonic::{Request, Response, Status, async_trait};

/// Answers whether requests are within the limits, and counts them.
pub struct Service {
    limiter: AsyncRateLimiter,
}

impl Service {
    /// A service of these limits.
    pub const fn new(limiter: AsyncRateLimiter) -> Self {
        Self { limiter }
    }

    /// One descriptor. With an addend of its own it reports a cost, which has been paid whether it fits or not, and so is added
    /// in any case; an addend of 0 asks only. Without one it is a request, counted when it fits.
    async fn check(
        &self,
        domain: &Namespace,
        descriptor: &RateLimitDescriptor,
        request_hits: i64,
    ) -> Result<DescriptorStatus, LimitadorError> {
        let values: HashMap<String, String> = descriptor
            .entries
            .iter()
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect();
        let hits = match &descriptor.hits_addend {
            Some(cost) => {
                let cost = i64::try_from(cost.value).unwrap_or(i64::MAX);
                if cost > 0 {
                    self.limiter.update_counters(domain, &values, cost).await?;
                }
                0
            }
            None => request_hits,
        };
        let result = self
            .limiter
            .check_rate_limited_and_update(domain, &values, hits, true)
            .await?;
        let mut status = DescriptorStatus {
            code: code(result.limited).into(),
            ..DescriptorStatus::default()
        };
        if let Some(counter) = result.counters.first() {
            status.current_limit = Some(limit_of(counter));
            let remaining = counter.remaining().unwrap_or_default().max(0);
            status.limit_remaining = u32::try_from(remaining).unwrap_or(u32::MAX);
            status.duration_until_reset =
                Some(whole_seconds(counter.expires_in().unwrap_or_default()));
        }
        Ok(status)
    }
}

#[async_trait]
impl RateLimitService for Service {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        let request = request.into_inner();
        let domain = Namespace::from(request.domain);
        let hits = i64::from(request.hits_addend.max(1));
        let mut response = RateLimitResponse::default();
        for descriptor in &request.descriptors {
            // Not `Code::Unknown`, which Envoy takes for a yes: with an error it does as `failure_mode_deny` says.
            let status = self
                .check(&domain, descriptor, hits)
                .await
                .map_err(|error| Status::unavailable(error.to_string()))?;
            response.statuses.push(status);
        }
        let limited = response
            .statuses
            .iter()
            .any(|status| status.code() == Code::OverLimit);
        response.overall_code = code(limited).into();
        Ok(Response::new(response))
    }
}

const fn code(limited: bool) -> Code {
    if limited { Code::OverLimit } else { Code::Ok }
}

fn limit_of(counter: &Counter) -> RateLimit {
    RateLimit {
        name: String::new(),
        requests_per_unit: u32::try_from(counter.max_value()).unwrap_or(u32::MAX),
        unit: match counter.seconds() {
            1 => Unit::Second,
            60 => Unit::Minute,
            3600 => Unit::Hour,
            86_400 => Unit::Day,
            _ => Unit::Unknown,
        }
        .into(),
    }
}

/// Rounded up: whoever waits so long is in the next window.
fn whole_seconds(duration: Duration) -> protobuf::Duration {
    let seconds = duration.as_nanos().div_ceil(1_000_000_000);
    protobuf::Duration {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    }
}
