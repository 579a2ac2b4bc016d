//! Marks on the states of an automaton.

/// One bit a state. Whoever marks states takes their marks away again, so that nothing needs to be cleared as a whole.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    /// Marks a state; false when it was marked before.
    pub(crate) fn set(&mut self, state: u16) -> bool {
        let (index, bit) = (usize::from(state) / 64, 1 << (state % 64));
        if index >= self.0.len() {
            self.0.resize(index + 1, 0);
        }
        self.0.get_mut(index).is_some_and(|word| {
            let unmarked = *word & bit == 0;
            *word |= bit;
            unmarked
        })
    }

    /// Takes the mark of a state away.
    pub(crate) fn clear(&mut self, state: u16) {
        if let Some(word) = self.0.get_mut(usize::from(state) / 64) {
            *word &= !(1 << (state % 64));
        }
    }
}
