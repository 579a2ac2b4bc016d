//! The measure of all: a guest that looks for keywords and does nothing else.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use portcullis_speed::clock;
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

/// The guest of `host-test/speed/keywords`.
pub struct Keywords {
    store: Store<()>,
    memory: Memory,
    room: TypedFunc<u32, u32>,
    count: TypedFunc<(), u32>,
}

impl Keywords {
    /// Compiles and starts it.
    ///
    /// # Errors
    /// When the file is no such guest.
    pub fn load(file: &Path) -> Result<Self> {
        let engine = Engine::default();
        let module = Module::from_file(&engine, file)?;
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module)?;
        let instance: Instance = linker.instantiate(&mut store, &module)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .context("no memory")?;
        let room = instance.get_typed_func(&mut store, "room")?;
        let count = instance.get_typed_func(&mut store, "count")?;
        Ok(Self {
            store,
            memory,
            room,
            count,
        })
    }

    /// How long one pass over a text takes.
    ///
    /// # Errors
    /// When it traps.
    pub fn pass(&mut self, text: &[u8]) -> Result<Duration> {
        let at = self
            .room
            .call(&mut self.store, u32::try_from(text.len())?)?;
        self.memory.write(&mut self.store, at as usize, text)?;
        let (count, took) = clock::time(|| self.count.call(&mut self.store, ()));
        count?;
        Ok(took)
    }
}
