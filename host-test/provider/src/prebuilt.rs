//! Replies that were made before: a benchmark sends the same request over and over, and should not measure the stub.
//!
//! Only while recording is off, because a reply that is given twice also has its ids twice.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::api::Failure;
use crate::reply::Reply;
use crate::script::Script;

/// The most replies kept: a benchmark has one or two requests, and each costs a comparison.
const PREBUILT_MAX: usize = 8;

/// What a reply depends on, but for the ids in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Cause {
    pub(crate) api: &'static str,
    pub(crate) path: String,
    pub(crate) script: Script,
    pub(crate) body: Bytes,
}

/// The newest replies.
#[derive(Debug, Default)]
pub(crate) struct Prebuilt {
    kept: Mutex<VecDeque<Arc<(Cause, Reply)>>>,
}

impl Prebuilt {
    /// The reply to `cause`, made now if there is none.
    pub(crate) fn get_or_make(
        &self,
        cause: Cause,
        make: impl FnOnce(&Cause) -> Result<Reply, Failure>,
    ) -> Result<Reply, Failure> {
        let kept: Vec<_> = self.kept().iter().cloned().collect();
        if let Some(found) = kept.iter().find(|kept| kept.0 == cause) {
            return Ok(found.1.clone());
        }
        let reply = make(&cause)?;
        let mut kept = self.kept();
        kept.truncate(PREBUILT_MAX - 1);
        kept.push_front(Arc::new((cause, reply.clone())));
        Ok(reply)
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Arc<(Cause, Reply)>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
