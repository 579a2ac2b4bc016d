//! Every input that once broke a target, and every seed, breaks none.

use std::fs;
use std::path::Path;

#[test]
fn inputs_break_nothing() {
    let mut count = 0;
    for (name, check) in portcullis_fuzz::TARGETS {
        for kind in ["seeds", "regressions"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(name);
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let file = entry.expect("a file").path();
                if file.file_name().is_some_and(|name| name == ".gitkeep") {
                    continue;
                }
                eprintln!("{}", file.display());
                check(&fs::read(&file).expect("its bytes"));
                count += 1;
            }
        }
    }
    assert!(
        count > portcullis_fuzz::TARGETS.len(),
        "no inputs were found"
    );
}
