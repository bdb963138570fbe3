//! Runs the program in a sandbox: an empty directory, with an empty cache, no network and no MNIST.

#![allow(dead_code, unreachable_pub, reason = "each test uses what it needs")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

pub mod mnist;
pub mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// The names of a data set's files.
pub const FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// A temporary directory with the working directory `work` and the cache directory `cache`.
pub struct Sandbox {
    directory: TempDir,
    /// Whether commands get `--force`.
    replaces: bool,
}

/// The commands that write files.
const WRITERS: [&str; 6] = ["train", "eval", "predict", "quantize", "import", "export"];

impl Sandbox {
    pub fn new() -> Self {
        let directory = TempDir::with_prefix("twolayer-test-").unwrap();
        fs::create_dir(directory.path().join("work")).unwrap();
        fs::create_dir(directory.path().join("cache")).unwrap();
        Self { directory, replaces: false }
    }

    /// A sandbox with a small data set, `data`, and a network of 70 hidden units trained on it, `m.twolayer`.
    pub fn trained() -> Self {
        let sandbox = Self::new();
        sandbox.data("data", &SmallSet::TINY);
        let train = ["train", "--data", "data", "--hidden", "70", "--epochs", "2", "--quiet", "--model", "m.twolayer"];
        sandbox.run(&train).succeeded();
        sandbox
    }

    /// The same, whose commands replace files: for tests that write a file again and again.
    pub fn replacing(self) -> Self {
        Self { replaces: true, ..self }
    }

    /// The working directory of programs.
    pub fn work(&self) -> PathBuf {
        self.directory.path().join("work")
    }

    /// The cache directory of programs.
    pub fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    /// A command that runs the program.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_for(env!("CARGO_BIN_EXE_twolayer"), arguments);
        if self.replaces && arguments.first().is_none_or(|it| it.starts_with('-') || WRITERS.contains(it)) {
            command.arg("--force");
        }
        command
    }

    /// A command that runs another program, such as a shell, in the sandbox.
    pub fn command_for(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.work()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let lower = name.to_string_lossy().to_lowercase();
            if lower.ends_with("_proxy") || lower.starts_with("twolayer_") || lower == "mnist_dir" {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.directory.path()).env("XDG_CACHE_HOME", self.cache());
        // No server listens on this port.
        command.env("TWOLAYER_MIRROR", "http://127.0.0.1:9/");
        command
    }

    /// A command that runs an example: built by `cargo test` before the tests, or else now.
    pub fn example(&self, name: &str) -> Command {
        let directory = Path::new(env!("CARGO_BIN_EXE_twolayer")).parent().unwrap().join("examples");
        let program = directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if !program.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--example", name]).current_dir(env!("CARGO_MANIFEST_DIR"));
            build.arg("--target-dir").arg(directory.ancestors().nth(2).unwrap());
            assert!(build.status().unwrap().success());
        }
        self.command_for(program.to_str().unwrap(), &[])
    }

    /// Runs the program and waits for it.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::from(self.command(arguments))
    }

    /// Writes a small data set to a directory under `work`.
    pub fn data(&self, name: &str, set: &SmallSet) -> PathBuf {
        let directory = self.work().join(name);
        set.write(&directory);
        directory
    }

    /// A writable device, `full` or `null`, by its minor number. For root it is created in the sandbox, so that a bug
    /// cannot replace the one of the system; `None` if that fails.
    pub fn device(&self, name: &str, minor: u8) -> Option<PathBuf> {
        let ours = Outcome::from(self.command_for("mknod", &[name, "c", "1", &minor.to_string()])).code == Some(0);
        let root = Outcome::from(self.command_for("id", &["-u"])).out.trim() == "0";
        let device = if ours { self.work().join(name) } else { Path::new("/dev").join(name) };
        let usable = (ours || !root) && fs::OpenOptions::new().write(true).open(&device).is_ok();
        usable.then_some(device)
    }

    /// Every file in the sandbox with its length, and every empty directory, sorted.
    pub fn listing(&self) -> Vec<String> {
        let mut found = Vec::new();
        list(self.directory.path(), self.directory.path(), &mut found);
        found.sort();
        found
    }
}

fn list(root: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        if !path.is_dir() {
            found.push(format!("{name} {}", path.metadata().map_or(0, |meta| meta.len())));
        } else if fs::read_dir(&path).unwrap().next().is_none() {
            found.push(format!("{name}/"));
        } else {
            list(root, &path, found);
        }
    }
}

/// The result of running a program.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Command> for Outcome {
    fn from(mut command: Command) -> Self {
        command.output().unwrap().into()
    }
}

impl From<Child> for Outcome {
    fn from(child: Child) -> Self {
        child.wait_with_output().unwrap().into()
    }
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Outcome {
    /// Asserts success, and returns standard output.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    /// Asserts exit code 1 and an error message that contains all these words: of one or two lines, or one and a recipe.
    #[track_caller]
    pub fn failed(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{self:#?}");
        let message = self.err.find("error: ").map_or("", |at| &self.err[at..]);
        let most = if message.contains(":\n    ") { 4 } else { 2 };
        assert!((1..=most).contains(&message.lines().count()), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        for word in words {
            assert!(message.contains(word), "no {word:?} in {self:#?}");
        }
    }

    /// Asserts a usage error: exit code 2 and a message that contains all these words.
    #[track_caller]
    pub fn rejected(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{self:#?}");
        assert_eq!(self.out, "", "{self:#?}");
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {self:#?}");
        }
    }
}

/// A small data set: the position of three bright pixels gives the class; one dark pixel is noise.
pub struct SmallSet {
    pub side: usize,
    pub classes: usize,
    pub train: usize,
    pub test: usize,
}

impl SmallSet {
    pub const TINY: Self = Self { side: 8, classes: 3, train: 90, test: 30 };

    /// The bytes of a file, by its index in [`FILES`].
    pub fn file(&self, which: usize) -> Vec<u8> {
        let count = if which < 2 { self.train } else { self.test };
        if which.is_multiple_of(2) {
            images(count, self.side, |index| self.image(index))
        } else {
            labels(count, |n| self.label(n))
        }
    }

    pub fn write(&self, directory: &Path) {
        fs::create_dir_all(directory).unwrap();
        for (which, name) in FILES.iter().enumerate() {
            fs::write(directory.join(name), self.file(which)).unwrap();
        }
    }

    fn label(&self, index: usize) -> u8 {
        u8::try_from(index % self.classes).unwrap()
    }

    fn image(&self, index: usize) -> Vec<u8> {
        let pixels = self.side * self.side;
        let mut image = vec![0; pixels];
        let label = usize::from(self.label(index));
        let start = label * pixels / self.classes;
        for pixel in &mut image[start..(start + 3).min(pixels)] {
            *pixel = 200;
        }
        image[(index * 7919) % pixels] = 30;
        image
    }
}

/// An IDX file of images.
pub fn images(count: usize, side: usize, image: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [count, side, side] {
        bytes.extend(u32::try_from(size).unwrap().to_be_bytes());
    }
    bytes.extend((0..count).flat_map(image));
    bytes
}

/// An IDX file of labels.
pub fn labels(count: usize, label: impl Fn(usize) -> u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1];
    bytes.extend(u32::try_from(count).unwrap().to_be_bytes());
    bytes.extend((0..count).map(label));
    bytes
}
