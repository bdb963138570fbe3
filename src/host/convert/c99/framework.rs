//! The directories that embedded frameworks take a library in.
//!
//! Their files are `frameworks/`: texts with the network's name in place of `@name@`, in capitals in place of `@NAME@`, and so on.

use super::{C99, ConvertError};
use crate::host::files::{Action, FileError, OutputDirectory, write_all_atomically};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A framework for firmware, and the form in which it takes a library: with a manifest, an example, and the C beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framework {
    /// An Arduino library, of the format 1.5: `library.properties`, `src` and a sketch in `examples`.
    Arduino,
    /// A `PlatformIO` library: `library.json`, `src` and a project for Arduino boards in `examples`.
    PlatformIo,
    /// A Zephyr module: `zephyr/module.yml`, `CMakeLists.txt`, `Kconfig`, `src` and an application in `samples`.
    Zephyr,
    /// A component of ESP-IDF: `CMakeLists.txt`, `idf_component.yml`, `src` and a project in `examples`.
    EspIdf,
}

impl Framework {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Arduino, Self::PlatformIo, Self::Zephyr, Self::EspIdf];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arduino => "arduino",
            Self::PlatformIo => "platformio",
            Self::Zephyr => "zephyr",
            Self::EspIdf => "esp-idf",
        }
    }

    /// Its files beside the C: paths and texts.
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        macro_rules! texts {
            ($($path:literal: $text:literal),+ $(,)?) => { &[$(($path, include_str!(concat!("frameworks/", $text)))),+] };
        }
        match self {
            Self::Arduino => texts! {
                "library.properties": "arduino/library.properties",
                "examples/@name@/@name@.ino": "sketch.ino",
            },
            Self::PlatformIo => texts! {
                "library.json": "platformio/library.json",
                "examples/@name@/platformio.ini": "platformio/platformio.ini",
                "examples/@name@/src/main.cpp": "sketch.ino",
            },
            Self::Zephyr => texts! {
                "zephyr/module.yml": "zephyr/module.yml",
                "CMakeLists.txt": "zephyr/module.cmake",
                "Kconfig": "zephyr/Kconfig",
                "samples/@name@/CMakeLists.txt": "zephyr/sample.cmake",
                "samples/@name@/prj.conf": "zephyr/prj.conf",
                "samples/@name@/sample.yaml": "zephyr/sample.yaml",
                "samples/@name@/src/main.c": "example.c",
            },
            Self::EspIdf => texts! {
                "CMakeLists.txt": "esp-idf/component.cmake",
                "idf_component.yml": "esp-idf/idf_component.yml",
                "examples/@name@/CMakeLists.txt": "esp-idf/example.cmake",
                "examples/@name@/main/CMakeLists.txt": "esp-idf/main.cmake",
                "examples/@name@/main/main.c": "example.c",
            },
        }
    }
}

impl C99<'_> {
    /// Writes the directory that a framework takes, with the C in `src`. All files are complete before the first has its name.
    ///
    /// ```
    /// # use twolayer::host::{C99, Framework, Quantized};
    /// # use twolayer::{Bits, Shape};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let mut payload = [0; 86];
    /// # payload[0] = 1;
    /// # let network = Quantized::new(Shape::new(4, 3, 2)?, Bits::Eight, &payload)?;
    /// # let directory = tempfile::tempdir()?;
    /// # let libraries = directory.path();
    /// let directory = libraries.join("digits");
    /// C99::new("digits", &network)?.write_library(Framework::Arduino, &directory)?;
    /// assert!(directory.join("examples/digits/digits.ino").exists());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConvertError::File`] if the directory has anything in it, or if a file cannot be written.
    pub fn write_library(&self, framework: Framework, directory: &Path) -> Result<(), ConvertError> {
        match directory.read_dir() {
            Ok(mut found) => found.next().map_or(Ok(()), |found| {
                let found = found.map_err(FileError::io(Action::Read, directory))?;
                Err(FileError::Exists { path: found.path() })
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => Err(FileError::io(Action::Read, directory)(error))?,
        }
        let path = |path: &str| directory.join(path.replace("@name@", self.name));
        let c = [("src/@name@.h", self.header()), ("src/@name@.c", self.source(self.name))];
        let others = framework.files().iter().map(|&(path, text)| (path, self.filled(framework, text)));
        let files: Vec<(PathBuf, String)> = c.into_iter().chain(others).map(|(it, text)| (path(it), text)).collect();

        let mut output = OutputDirectory::create(directory)?;
        files.iter().filter_map(|(path, _)| path.parent()).try_for_each(|parent| output.add(parent))?;
        let files: Vec<(&Path, &[u8])> = files.iter().map(|(path, text)| (path.as_path(), text.as_bytes())).collect();
        Ok(write_all_atomically(&files)?)
    }

    /// A text of `frameworks/` with what this network has in place of what is between two @.
    fn filled(&self, framework: Framework, text: &str) -> String {
        let shape = self.network.shape();
        let (pixels, hidden, outputs) = (shape.pixels(), shape.hidden(), shape.outputs());
        let (main, end) = match framework {
            Framework::EspIdf => ("void app_main(void)", ""),
            _ => ("int main(void)", "    return 0;\n"),
        };
        text.replace("@name@", self.name)
            .replace("@NAME@", &self.name.to_ascii_uppercase())
            .replace("@version@", env!("CARGO_PKG_VERSION"))
            .replace("@about@", &format!("{pixels} pixels, {hidden} hidden units, {outputs} classes."))
            .replace("@main@", main)
            .replace("@return@", end)
    }
}
