//! Mirrors that misbehave at random: a file is fetched whole or not at all.

use super::run::server::{Answer, Server, Shared, gzip};
use super::run::{FILES, Sandbox, mnist};
use super::{Dice, assert_civil, contents, report, rounds};
use core::time::Duration;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A good answer, or one of many bad ones.
fn answer(dice: &mut Dice, url: &str, good: &Shared) -> Answer {
    let changed = |change: &mut dyn FnMut(&mut Vec<u8>)| {
        let mut bytes = good.to_vec();
        change(&mut bytes);
        Answer::Body(Arc::new(bytes))
    };
    let at = dice.below(good.len());
    match dice.below(24) {
        0 => Answer::Cut(Arc::clone(good), at),
        1 => Answer::Status(*dice.one_of(&[204, 206, 304, 400, 401, 403, 404, 410, 416, 429, 500, 503])),
        2 => Answer::Moved(format!("{url}/{}.gz", dice.one_of(&FILES))),
        3 => Answer::Silent(Arc::clone(good), if dice.below(2) == 0 { 0 } else { at }),
        4 => Answer::Endless(gzip(&vec![0; 1 << 16])),
        5 => changed(&mut |bytes| bytes[at] ^= 1 << dice.below(8)),
        6 => changed(&mut |bytes| bytes.truncate(at)),
        7 => changed(&mut |bytes| bytes.extend_from_within(..at)),
        8 => Answer::Body(Arc::new(b"<html>Please log in</html>".to_vec())),
        _ => Answer::Body(Arc::clone(good)),
    }
}

#[test]
fn mirrors_that_misbehave() {
    // Without MNIST, no file can be the right one.
    let directory = mnist::directory("mirrors_that_misbehave (in part)");
    let file =
        |name: &str| directory.as_ref().map_or(vec![7; 10_008], |directory| fs::read(directory.join(name)).unwrap());
    let files: Arc<[Shared; 4]> = Arc::new(FILES.map(|name| gzip(&file(name))));
    let dice = Arc::new(Mutex::new(Dice::new()));
    let (mut asked, mut complete, rounds) = (0, 0, rounds(3, 60));
    for _ in 0..rounds {
        let url = Arc::new(Mutex::new(String::new()));
        let servers = [(); 3].map(|()| {
            let (files, dice, url) = (Arc::clone(&files), Arc::clone(&dice), Arc::clone(&url));
            Server::new(move |name| {
                let which = FILES.iter().position(|file| name == format!("{file}.gz"));
                which.map_or(Answer::Status(404), |which| {
                    answer(&mut dice.lock().unwrap(), &url.lock().unwrap(), &files[which])
                })
            })
        });
        *url.lock().unwrap() = servers[0].url();
        let urls = servers.each_ref().map(Server::url);
        let sandbox = Sandbox::new().replacing();
        let mut arguments = vec!["data", "fetch", "mnist", "--timeout", "0.3"];
        arguments.extend(urls.iter().flat_map(|url| ["--mirror", url]));
        let start = Instant::now();
        let ran = sandbox.run(&arguments);
        assert!(start.elapsed() < Duration::from_secs(60), "{ran:#?}");
        assert_civil(&ran);
        asked += servers.iter().map(|server| server.asked().len()).sum::<usize>();
        complete += u32::from(ran.code == Some(0));
        let (found, temporary) = contents(&sandbox);
        assert_eq!((temporary, found.len() == 4), (0, ran.code == Some(0)), "{ran:#?}");
        for (name, bytes) in found {
            let name = name.rsplit_once('/').unwrap().1;
            assert!(directory.is_some() && bytes == file(name), "{name} is not what it should be: {ran:#?}");
        }
    }
    report(&format!(
        "mirrors: {rounds} × 3 that misbehave, {asked} answers; {complete} data sets complete, all other runs failed and kept \
         whole files only"
    ));
}
