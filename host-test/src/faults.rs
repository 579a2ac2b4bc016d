//! Faults to order.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::shared::SharedData;

/// What runs before a conditional write; see [`Faults::before_cas`].
pub type BeforeCas = Box<dyn FnMut(&mut SharedData, &str, &[u8])>;

/// What goes wrong from now on. Order it with [`crate::World::faults`].
#[derive(Default)]
pub struct Faults {
    /// So many of the next conditional writes to shared data fail with `CasMismatch`.
    pub cas_mismatches: u32,
    /// In so many of 1000 conditional writes, drawn from the world's seed, `CasMismatch` is the answer.
    pub cas_mismatch_permille: u32,
    /// These host functions (`proxy_get_shared_data`) do nothing and answer `InternalFailure`.
    pub refused: BTreeSet<&'static str>,
    /// Runs before each conditional write and may change the entry (VM id, key): what another worker does between the
    /// guest's read and its write.
    pub before_cas: Option<BeforeCas>,
    /// So many of the next callouts fail as if the connection could not be made.
    pub callout_failures: u32,
    /// Every answer to a callout comes so much later.
    pub callout_delay: Duration,
    /// VMs that start see no environment variable of the proxy's process, whatever `host_env` asks for.
    pub missing_environment: bool,
}
