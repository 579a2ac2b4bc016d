//! Metrics that guests define. All VMs share them by name, as they share Envoy's stats scope.

use std::collections::BTreeMap;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum MetricKind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

impl MetricKind {
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram]
            .into_iter()
            .find(|kind| *kind as u32 == code)
    }
}

/// The values of all metrics.
#[derive(Default)]
pub struct Metrics {
    values: BTreeMap<(MetricKind, String), u64>,
    histograms: BTreeMap<String, Vec<u64>>,
}

impl Metrics {
    /// The value of a counter; 0 if there is none.
    pub fn counter(&self, name: &str) -> u64 {
        self.value(MetricKind::Counter, name)
    }

    /// The value of a gauge; 0 if there is none.
    pub fn gauge(&self, name: &str) -> u64 {
        self.value(MetricKind::Gauge, name)
    }

    /// What a histogram recorded, in order.
    pub fn histogram(&self, name: &str) -> Vec<u64> {
        self.histograms.get(name).cloned().unwrap_or_default()
    }

    /// Every metric that was defined, histograms with the number of their records, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (MetricKind, &str, u64)> {
        let histograms = self.histograms.iter().map(|(name, records)| {
            (
                MetricKind::Histogram,
                name.as_str(),
                u64::try_from(records.len()).unwrap_or(u64::MAX),
            )
        });
        self.values
            .iter()
            .map(|((kind, name), value)| (*kind, name.as_str(), *value))
            .chain(histograms)
    }

    pub(crate) fn value(&self, kind: MetricKind, name: &str) -> u64 {
        self.values
            .get(&(kind, name.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    pub(crate) fn define(&mut self, kind: MetricKind, name: &str) {
        match kind {
            MetricKind::Counter | MetricKind::Gauge => {
                self.values.entry((kind, name.to_owned())).or_default();
            }
            MetricKind::Histogram => {
                self.histograms.entry(name.to_owned()).or_default();
            }
        }
    }

    pub(crate) fn increment(&mut self, kind: MetricKind, name: &str, offset: i64) {
        let value = self.values.entry((kind, name.to_owned())).or_default();
        *value = value.wrapping_add_signed(offset);
    }

    pub(crate) fn record(&mut self, kind: MetricKind, name: &str, value: u64) {
        match kind {
            MetricKind::Counter => {
                let counter = self.values.entry((kind, name.to_owned())).or_default();
                *counter = counter.wrapping_add(value);
            }
            MetricKind::Gauge => {
                self.values.insert((kind, name.to_owned()), value);
            }
            MetricKind::Histogram => self
                .histograms
                .entry(name.to_owned())
                .or_default()
                .push(value),
        }
    }
}
