//! Compiled modules, and the contract they show to a host.
//!
//! Compiling a megabyte takes a second or so; a process compiles the same bytes once for each engine. The memo is keyed
//! by the bytes and holds nothing that a test could change, so that tests still share no state.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use anyhow::{Context as _, Result};
use wasmtime::{Cache, CacheConfig, Config, Engine, ExternType};

/// Which engine runs a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum EngineKind {
    /// As fast as wasmtime is with little address space.
    Fast,
    /// Counts the instructions of every callback.
    Counting,
    /// As V8 in an Envoy: what is out of bounds is found by guards around the memory.
    Guarded,
}

static ENGINES: LazyLock<[Result<Engine, String>; 3]> = LazyLock::new(|| {
    [EngineKind::Fast, EngineKind::Counting, EngineKind::Guarded]
        .map(|kind| new_engine(kind).map_err(|error| format!("{error:#}")))
});

/// Modules by their bytes.
type Modules = HashMap<Arc<[u8]>, Arc<Inner>>;

static MODULES: LazyLock<Mutex<Modules>> = LazyLock::new(Mutex::default);

fn new_engine(kind: EngineKind) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config.consume_fuel(kind == EngineKind::Counting);
    // What V8 runs in Envoy's official builds: SIMD, bulk memory and multi-value load, threads do not.
    config.wasm_multi_memory(false);
    config.wasm_memory64(false);
    if kind != EngineKind::Guarded {
        // A module of a test has one or two megabytes: reserving 4 GiB of address space for each of thousands of instances
        // would exhaust it.
        config.memory_reservation(64 << 20);
    }
    if std::env::var_os("PERF_MAP").is_some() {
        config.profiler(wasmtime::ProfilingStrategy::PerfMap);
    }
    config.cache(cache());
    Engine::new(&config)
}

/// A cache of compiled modules on disk, beside what cargo built: compiling takes seconds, and every test binary would do it
/// anew. Without a target directory (or if it cannot be written) there is none.
fn cache() -> Option<Cache> {
    let program = std::env::current_exe().ok()?;
    let target = program
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())?;
    let mut config = CacheConfig::new();
    config.with_directory(target.join("wasmtime-cache"));
    Cache::new(config).ok()
}

/// A Proxy-Wasm module. Cheap to clone; compiled when first loaded.
#[derive(Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

struct Inner {
    bytes: Arc<[u8]>,
    /// One for each engine.
    compiled: [OnceLock<Result<wasmtime::Module, String>>; 3],
}

impl PartialEq for Module {
    fn eq(&self, other: &Self) -> bool {
        // The same bytes are the same module in one process.
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Module {
    /// Reads a module (binary, or text with the ending `.wat`) from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no text that `wat` understands.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).with_context(|| format!("reading module {}", path.display()))?;
        Self::from_bytes(&bytes).with_context(|| format!("module {}", path.display()))
    }

    /// Takes a binary module, or its text form.
    ///
    /// # Errors
    /// When it is neither.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes = wat::parse_bytes(bytes)?;
        let bytes: Arc<[u8]> = Arc::from(bytes.as_ref());
        let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
        let inner = modules.entry(Arc::clone(&bytes)).or_insert_with(|| {
            Arc::new(Inner {
                bytes,
                compiled: Default::default(),
            })
        });
        Ok(Self {
            inner: Arc::clone(inner),
        })
    }

    /// The bytes of the module.
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// Every import as `module.name (parameters) -> results`, sorted: what the module asks of a host.
    ///
    /// # Errors
    /// When the module does not compile.
    pub fn imports(&self) -> Result<Vec<String>> {
        let module = self.compile(EngineKind::Fast)?;
        let mut imports: Vec<_> = module
            .imports()
            .map(|i| format!("{}.{} {}", i.module(), i.name(), signature(&i.ty())))
            .collect();
        imports.sort();
        Ok(imports)
    }

    /// Every export as `name (parameters) -> results`, sorted: what the module offers to a host.
    ///
    /// # Errors
    /// When the module does not compile.
    pub fn exports(&self) -> Result<Vec<String>> {
        let module = self.compile(EngineKind::Fast)?;
        let mut exports: Vec<_> = module
            .exports()
            .map(|e| format!("{} {}", e.name(), signature(&e.ty())))
            .collect();
        exports.sort();
        Ok(exports)
    }

    /// Imports and exports as text for a golden file: whoever reviews a change of it sees what the module newly asks of
    /// Envoy, and whether an older Envoy can still load it.
    ///
    /// # Errors
    /// When the module does not compile.
    pub fn contract(&self) -> Result<String> {
        let mut text = String::new();
        for (title, lines) in [("imports", self.imports()?), ("exports", self.exports()?)] {
            text.push_str(title);
            text.push('\n');
            for line in lines {
                text.push_str("  ");
                text.push_str(&line);
                text.push('\n');
            }
        }
        Ok(text)
    }

    pub(crate) fn compile(&self, kind: EngineKind) -> Result<wasmtime::Module> {
        let [fast, counting, guarded] = &self.inner.compiled;
        let compiled = match kind {
            EngineKind::Fast => fast,
            EngineKind::Counting => counting,
            EngineKind::Guarded => guarded,
        };
        // Two tests that start together do not compile the same module twice: one waits for the other.
        let compiled = compiled.get_or_init(|| {
            let module = engine(kind)
                .and_then(|engine| Ok(wasmtime::Module::new(engine, &self.inner.bytes)?));
            module.map_err(|error| format!("{error:#}"))
        });
        compiled
            .clone()
            .map_err(|error| anyhow::anyhow!("compiling the module: {error}"))
    }
}

/// The one engine of that kind in this process.
pub(crate) fn engine(kind: EngineKind) -> Result<&'static Engine> {
    let [fast, counting, guarded] = &*ENGINES;
    let engine = match kind {
        EngineKind::Fast => fast,
        EngineKind::Counting => counting,
        EngineKind::Guarded => guarded,
    };
    engine.as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn signature(ty: &ExternType) -> String {
    let ExternType::Func(function) = ty else {
        return match ty {
            ExternType::Memory(_) => "memory".to_owned(),
            ExternType::Global(_) => "global".to_owned(),
            ExternType::Table(_) => "table".to_owned(),
            ExternType::Func(_) | ExternType::Tag(_) => "tag".to_owned(),
        };
    };
    let list = |types: Vec<String>| types.join(", ");
    format!(
        "({}) -> ({})",
        list(function.params().map(|p| p.to_string()).collect()),
        list(function.results().map(|r| r.to_string()).collect())
    )
}
