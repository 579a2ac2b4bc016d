//! Shared data: the one store that all VMs with the same `vm_id` see, whatever worker they run on.

use std::collections::BTreeMap;

use crate::status::Status;

/// Values with their CAS numbers, by `vm_id` and key. Entries are never deleted, as in Envoy.
#[derive(Default)]
pub struct SharedData {
    entries: BTreeMap<(String, Vec<u8>), (Vec<u8>, u32)>,
    next_cas: u32,
}

impl SharedData {
    /// The value under a key and its CAS number.
    pub fn get(&self, vm_id: &str, key: impl AsRef<[u8]>) -> Option<(&[u8], u32)> {
        let entry = self
            .entries
            .get(&(vm_id.to_owned(), key.as_ref().to_vec()))?;
        Some((&entry.0, entry.1))
    }

    /// Writes a value. `cas` 0 is unconditional; any other number must be that of the present entry, or there must be no
    /// entry: a conditional write to a missing key creates it.
    ///
    /// # Errors
    /// [`Status::CasMismatch`].
    pub fn set(
        &mut self,
        vm_id: &str,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        cas: u32,
    ) -> Result<(), Status> {
        let key = (vm_id.to_owned(), key.as_ref().to_vec());
        if cas != 0
            && self
                .entries
                .get(&key)
                .is_some_and(|(_, present)| *present != cas)
        {
            return Err(Status::CasMismatch);
        }
        self.next_cas = self.next_cas.checked_add(1).unwrap_or(1);
        self.entries
            .insert(key, (value.as_ref().to_vec(), self.next_cas));
        Ok(())
    }

    /// Every key of one `vm_id`, in order.
    pub fn keys(&self, vm_id: &str) -> Vec<Vec<u8>> {
        self.entries
            .keys()
            .filter(|(id, _)| id == vm_id)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// How many bytes all keys and values take: what an attacker can make Envoy hold for ever.
    pub fn byte_size(&self) -> usize {
        self.entries
            .iter()
            .map(|((_, key), (value, _))| key.len() + value.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// facts/envoy-wasm.md: "CAS 0 means unconditional; a CAS write to a missing key creates it".
    #[test]
    fn compare_and_swap() {
        let mut data = SharedData::default();
        assert_eq!(data.set("vm", "k", "1", 77), Ok(()));
        let (_, cas) = data.get("vm", "k").unwrap();
        assert_eq!(data.set("vm", "k", "2", cas), Ok(()));
        assert_eq!(data.set("vm", "k", "3", cas), Err(Status::CasMismatch));
        assert_eq!(data.set("vm", "k", "4", 0), Ok(()));
        assert_eq!(data.get("vm", "k").unwrap().0, b"4");
        assert_eq!(data.get("other", "k"), None);
    }
}
