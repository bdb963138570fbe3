//! The floors of `src`: a floor uses only those below it, through their doors, and nothing reaches around them through the crate's
//! root. So do the rooms of `host`. So no circle of modules can come into being. The program's modules form none, either.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first.
const FLOORS: [&str; 8] = ["base", "simd", "net", "int", "image", "model", "ffi", "host"];
/// The rooms of `host`, lowest first.
const ROOMS: [&str; 7] = ["files", "convert", "pictures", "data", "train", "quantize", "report"];

#[test]
fn a_floor_uses_only_those_below_it() {
    let mut faults = Vec::new();
    let files = sources(Path::new("src"));
    assert!(files.len() > 60, "{} files", files.len());
    let mut checked = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        // Unit tests may use all that there is.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let mut parts = file.iter().skip(1).map(|part| part.to_str().unwrap());
        let (floor, room) = (parts.next().unwrap(), parts.next());
        if ["bin", "lib.rs"].contains(&floor) {
            continue;
        }
        let own = rank(&FLOORS, floor).unwrap_or_else(|| panic!("{}: no such floor", file.display()));
        let own_room = room.and_then(|room| rank(&ROOMS, room));
        for (line, path) in paths(text) {
            let mut names = path.split("::");
            let first = names.next().unwrap_or_default();
            let place = format!("{}:{line}: crate::{path}", file.display());
            if first == "support" {
                continue; // shared by unit tests that are files of their own
            }
            let Some(used) = rank(&FLOORS, first) else {
                faults.push(format!("{place}: through the crate's root"));
                continue;
            };
            checked += 1;
            if used > own {
                faults.push(format!("{place}: {first} is above {floor}"));
            }
            if let ("host", Some(own)) = (first, own_room) {
                match names.next().and_then(|name| rank(&ROOMS, name)) {
                    None => faults.push(format!("{place}: through the door of host, not of a room")),
                    Some(used) if used > own => {
                        faults.push(format!("{place}: {} is above {}", ROOMS[used], ROOMS[own]));
                    }
                    Some(_) => {}
                }
            }
        }
        if own_room.is_some() && climbs(text, file.components().count() - 4 + usize::from(!file.ends_with("mod.rs"))) {
            faults.push(format!("{}: super:: leaves the room", file.display()));
        }
    }
    assert!(checked > 150, "{checked} uses: are they still found?");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn faults_are_found() {
    let text = "use crate::host::{Error, data};\n// crate::ffi\nlet x = crate::net::Shape::MNIST;\nuse crate::{\n    Bits,\n};\n";
    let found: Vec<_> = paths(text).collect();
    assert_eq!(found, [(1, "host::{Error, data}".into()), (3, "net::Shape::MNIST".into()), (4, "{ Bits, }".into())]);
}

#[test]
fn climbing_is_found() {
    assert!(!climbs("use super::bytes; // not super::super::bytes\n", 1));
    let text = "use super::super::files::Bytes;\n";
    assert!(climbs(text, 1) && !climbs(text, 2) && !climbs("pub(super) use bytes::Bytes;\n", 0));
}

#[test]
fn the_program_has_no_circle() {
    let files = sources(Path::new("src/bin/twolayer"));
    let modules: Vec<_> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
    let used = |file| {
        let text = fs::read_to_string(file).unwrap();
        let words = |path: String| path.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
        // The first name, or those in braces where there is none before them.
        let first = |words: Vec<String>| if words[0].is_empty() { words } else { vec![words[0].clone()] };
        let used = paths(&text).flat_map(|(_, path)| first(words(path)));
        used.filter(|name| modules.contains(&name.as_str())).collect()
    };
    let uses: BTreeMap<_, Vec<_>> = modules.iter().map(|name| (*name).to_owned()).zip(files.iter().map(used)).collect();
    let count = uses.values().map(Vec::len).sum::<usize>();
    assert!(count > 40, "{count} uses: are they still found?");
    assert_eq!(circles(uses), [""; 0], "these use each other, or what does");
}

#[test]
fn circles_are_found() {
    let uses = [("a", "b"), ("b", "c"), ("c", "d")].map(|(name, used)| (name.to_owned(), vec![used.to_owned()]));
    let mut uses = BTreeMap::from(uses);
    assert_eq!(circles(uses.clone()), [""; 0]);
    uses.get_mut("c").unwrap().push("b".to_owned());
    assert_eq!(circles(uses), ["a", "b", "c"]);
}

/// The modules in circles, and those that use them: what is left when modules go that use none of those left.
fn circles(mut uses: BTreeMap<String, Vec<String>>) -> Vec<String> {
    while let Some(name) =
        uses.iter().find(|(_, used)| !used.iter().any(|it| uses.contains_key(it))).map(|it| it.0.clone())
    {
        uses.remove(&name);
    }
    uses.into_keys().collect()
}

/// The paths that begin with `crate::`, and their lines; not those in comments.
fn paths(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.match_indices("crate::").filter_map(|(at, found)| {
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        if text[start..at].contains("//") || text[..at].ends_with('$') {
            return None;
        }
        let rest = &text[at + found.len()..];
        let end = match rest.find(['{', ';', ',', ')', '(', '<', '>', ' ', '\n', '}', '!', '&']) {
            Some(end) if rest[end..].starts_with('{') => end + rest[end..].find('}')? + 1,
            end => end.unwrap_or(rest.len()),
        };
        let path = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
        Some((text[..at].lines().count().max(1) + usize::from(text[..at].ends_with('\n')), path))
    })
}

/// Whether a line that is not a comment begins a path with more than `depth` times `super::`.
fn climbs(text: &str, depth: usize) -> bool {
    text.lines().any(|line| line.split("//").next().unwrap_or(line).contains(&"super::".repeat(depth + 1)))
}

fn rank(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|other| *other == name)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
