//! How fast text becomes marked text, beside the parser alone.
//!
//! ```text
//! HERESY_BENCH_TREE=/usr/lib/python3.11 cargo bench --bench transpile
//! ```
//!
//! All `.py` files below the folder are read beforehand; one iteration takes them all, on one thread, so that the throughput is
//! that of a tree. Without the variable it is the standard library of the `python3` on PATH, without what is installed in it.
//! `tree` takes them again, a file on each processor's thread at a time, as `heresy transpile FOLDER` does, without the disk.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heresy::{Options, Source, with_room};
use mimalloc::MiMalloc;
use rustpython_ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

/// As in the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn tree() -> PathBuf {
    if let Some(folder) = env::var_os("HERESY_BENCH_TREE") {
        return folder.into();
    }
    let words = ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'), end='')"];
    let said = Command::new("python3").args(words).output().expect("a python3 on PATH, or HERESY_BENCH_TREE");
    String::from_utf8(said.stdout).expect("a path in UTF-8").into()
}

fn read(folder: &Path, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if !path.ends_with("site-packages") && !path.ends_with("dist-packages") {
                read(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "py") {
            let bytes = fs::read(&path).expect("a file that can be read");
            found.extend(Source::from_bytes(path.to_string_lossy(), &bytes).ok());
        }
    }
}

fn transpile(criterion: &mut Criterion) {
    let mut sources = Vec::new();
    read(&tree(), &mut sources);
    let options = Options::default();
    let bytes: usize = sources.iter().map(|source| source.text().len()).sum();

    let mut group = criterion.benchmark_group("transpile");
    group.throughput(Throughput::Bytes(bytes as u64)).sample_size(10);
    group.bench_function("parse alone", |bencher| {
        bencher.iter(|| {
            let parse =
                |source: &Source| parse_unchecked(source.text(), ParseOptions::from(Mode::Module)).tokens().len();
            on_large_stack(|| sources.iter().map(parse).sum::<usize>())
        });
    });
    group.bench_function("parse to text", |bencher| {
        bencher.iter(|| {
            with_room(|room| {
                let transpile = |source| room.transpile(source, &options).map_or(0, |done| done.text().len());
                sources.iter().map(transpile).sum::<usize>()
            })
        });
    });
    group.bench_function("tree", |bencher| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        bencher.iter(|| {
            let next = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        with_room(|room| {
                            while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                                std::hint::black_box(room.transpile(source, &options).is_ok());
                            }
                        })
                    });
                }
            });
        });
    });
    group.finish();
}

/// The parser goes as deep as the text does; some files of the standard library's tests go deep.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(1 << 30).spawn_scoped(scope, work).expect("a thread");
        worker.join().expect("the parser does not panic")
    })
}

criterion_group!(benches, transpile);
criterion_main!(benches);
