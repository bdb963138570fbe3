//! `--report`: the page is well-formed, asks for nothing outside itself, says the figures that the text says, and is the same
//! every time but for times. A browser, where there is one, has nothing to complain of.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod run;

use run::mnist::{self, skipped};
use run::{Outcome, Sandbox, SmallSet};
use std::fs;
use std::process::Command;

/// A training run with a page.
const TRAIN: [&str; 11] =
    ["train", "--data", "data", "--hidden", "70", "--epochs", "2", "--model", "m.twolayer", "--report", "r.html"];

/// Asserts that every element is closed in its turn and every attribute quoted, and gives the names of the elements.
#[track_caller]
fn elements(page: &str) -> Vec<&str> {
    const VOID: [&str; 4] = ["meta", "link", "img", "!DOCTYPE"];
    let (mut open, mut found) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some((text, behind)) = rest.split_once('<') {
        assert!(!text.contains('>') || open.last() == Some(&"style"), "a stray > in {text:?}");
        let mut quoted = false;
        let end = behind.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let (tag, after) = behind.split_at(end.unwrap_or_else(|| panic!("an open tag: {behind:.80}")));
        rest = &after[1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed before {rest:.80}");
            continue;
        }
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let attributes = attributes.trim_end_matches('/').trim_end();
        let name = name.trim_end_matches('/');
        if name != "!DOCTYPE" {
            // Outside quotes there are names and equals signs only.
            assert!(attributes.is_empty() || attributes.ends_with('"'), "{tag}");
            let names = attributes.split('"').step_by(2).all(|it| it.is_empty() || it.trim_start().ends_with('='));
            assert!(names && attributes.matches('"').count() % 2 == 0, "{tag}");
        }
        found.push(name);
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert_eq!(open, [""; 0]);
    found
}

/// The page without what differs from time to time.
fn without_times(page: &str) -> String {
    let mut parts = page.split("class=\"time\">");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |page, part| page + &part[part.find('<').unwrap()..])
}

/// Asserts that nothing is asked for outside the page, and that all pictures and plots are described.
#[track_caller]
fn assert_alone(page: &str) {
    for words in ["://", "<script", "@import", "url(", "javascript:"] {
        assert!(!page.contains(words), "{words}");
    }
    for attribute in [" src=\"", " href=\""] {
        assert!(page.split(attribute).skip(1).all(|it| it.starts_with("data:")), "{attribute}");
    }
    assert!(page.split("<img ").skip(1).all(|it| it.starts_with("alt=\"") && !it.starts_with("alt=\"\"")));
    let plots: Vec<_> = page.split("<svg ").skip(1).collect();
    assert!(plots.iter().all(|it| it.split_once('>').unwrap().0.contains("role=\"img\" aria-label=\"")));
    assert!(!plots.is_empty() && plots.iter().all(|it| !it.contains("NaN")));
}

#[test]
fn the_page_says_what_the_text_says() {
    let sandbox = Sandbox::new().replacing();
    // Some answers are wrong after one epoch of this.
    sandbox.data("data", &SmallSet { classes: 10, train: 1000, test: 200, ..SmallSet::TINY });
    let out = sandbox.run(&TRAIN).succeeded();
    assert!(out.contains("\nreport    r.html\n"), "{out}");
    let read = |name: &str| fs::read_to_string(sandbox.work().join(name)).unwrap();
    let page = read("r.html");
    let found = elements(&page);
    assert_alone(&page);
    assert_eq!(found.iter().filter(|name| **name == "h1").count(), 1);
    let accuracy =
        out.lines().last().unwrap().strip_prefix("accuracy  ").unwrap().replace(" of 200", "</strong> of 200");
    assert!(page.contains(&accuracy), "{accuracy}");
    for line in out.lines().filter(|line| line.starts_with("epoch ")) {
        let (_, figures) = line.split_once(": ").unwrap();
        let (last, figures) = figures.split_once(", mean ").unwrap();
        let (mean, figures) = figures.split_once("; test ").unwrap();
        let right = figures.split_once(';').unwrap().0;
        assert!(page.contains(&format!("<td>{last}</td><td>{mean}</td><td>{right}</td>")), "{line}");
    }
    let named = |name: &str| out.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert!(page.contains(&format!("<dt>recipe</dt><dd>{}</dd>", named("recipe    "))));
    let hash = named("model     ").rsplit(' ').next().unwrap();
    assert!(page.contains(&format!("<dt>weights</dt><dd>{hash}</dd>")));
    assert!(page.contains(&format!("<code>twolayer {} --force</code>", TRAIN.join(" "))));
    // The confusion matrix.
    let table = out.lines().skip_while(|line| !line.starts_with("label ")).skip(1).take(10);
    for line in table {
        let mut words = line.split_whitespace();
        let label = words.next().unwrap();
        let row = page.split_once("Confusion matrix").unwrap().1;
        let row = row.split_once(&format!("<th scope=\"row\">{label}</th>")).unwrap().1.split_once("</tr>").unwrap().0;
        let cells: Vec<_> = row.split("</td>").map(|cell| cell.rsplit('>').next().unwrap()).take(11).collect();
        let expected: Vec<_> = [words.next().unwrap().to_owned() + " %"]
            .into_iter()
            .chain(words.skip(1).map(|count| count.replace('·', "0")))
            .collect();
        assert_eq!(cells, expected, "{line}");
    }

    // The same again, but for times; and the report changes nothing.
    let model = fs::read(sandbox.work().join("m.twolayer")).unwrap();
    sandbox.run(&TRAIN).succeeded();
    let again = read("r.html");
    assert_eq!(without_times(&again), without_times(&page));
    sandbox.run(&TRAIN[..9]).succeeded();
    assert!(fs::read(sandbox.work().join("m.twolayer")).unwrap() == model);

    // An evaluation, in f32 and in integers, finds the same.
    let eval = sandbox.run(&["eval", "--data", "data", "--model", "m.twolayer", "--report", "e.html"]).succeeded();
    let page = read("e.html");
    elements(&page);
    assert_alone(&page);
    assert!(page.contains(&accuracy) && page.contains(hash), "{eval}");
    for line in eval.lines().skip_while(|line| !line.starts_with("most confident")).skip(1).take(4) {
        let words: Vec<_> = line.split_whitespace().collect();
        assert!(page.contains(&format!("<th scope=\"row\">{} %</th><td>{} %</td>", words[0], words[2])), "{line}");
    }
    sandbox.run(&["quantize", "--data", "data", "--model", "m.twolayer"]).succeeded();
    let eval = ["eval", "--data", "data", "--model", "m.int8.twolayer", "--report", "q.html"];
    let out = sandbox.run(&eval).succeeded();
    let page = read("q.html");
    elements(&page);
    assert_alone(&page);
    let accuracy = out.lines().find_map(|line| line.strip_prefix("accuracy  ")).unwrap().replace(" of", "</strong> of");
    assert!(page.contains(&accuracy) && page.contains("int8"));
    assert!(page.contains("Positive sums of the hidden units") && page.contains("strongest of 70 hidden units"));
}

/// Names of files are text, not markup.
#[test]
fn what_is_not_ours_is_escaped() {
    let sandbox = Sandbox::new();
    let name = "<b>&\"it's\"";
    sandbox.data(name, &SmallSet::TINY);
    let train =
        ["--data", name, "--hidden", "24", "--epochs", "1", "--model", "a & <i>.twolayer", "--report", "r.html"];
    sandbox.run(&train).succeeded();
    let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
    let found = elements(&page);
    assert!(!found.contains(&"i") && !page.contains("<i>") && !page.contains(name));
    assert!(page.contains("a &amp; &lt;i&gt;.twolayer") && page.contains("&lt;b&gt;&amp;&quot;it&#39;s&quot;"));
    // The command names the command, and is what a shell takes.
    assert!(page.contains("<code>twolayer train --data &#39;&lt;b&gt;"), "{page}");
}

/// Networks of other shapes: halved images, many classes, one hidden unit, no mistakes.
#[test]
fn pages_of_other_networks() {
    let sandbox = Sandbox::new().replacing();
    sandbox.data("many", &SmallSet { side: 10, classes: 30, train: 300, test: 60 });
    sandbox.data("data", &SmallSet::TINY);
    sandbox.data("letters", &SmallSet { side: 10, classes: 31, train: 310, test: 310 });
    for options in [
        &["--data", "many", "--hidden", "40"][..],
        &["--data", "letters", "--hidden", "40", "--recipe", "fast", "--epochs", "1"],
        &["--data", "data", "--hidden", "33", "--halve", "--recipe", "fast", "--epochs", "2"],
        &["--data", "data", "--hidden", "1", "--epochs", "1", "--limit", "1"],
    ] {
        let options = [options, &["--quiet", "--model", "m.twolayer", "--report", "r.html"]].concat();
        let run = sandbox.run(&options);
        // Small networks may answer by chance, and are said to.
        let is_quiet = run.err.lines().all(|line| line.contains(" is no better than chance: "));
        assert!(run.code == Some(0) && is_quiet, "{options:?}: {run:#?}");
        let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
        elements(&page);
        assert_alone(&page);
        if options.contains(&"letters") {
            most_frequent_confusions(&sandbox, &page);
        }
    }
}

/// The page of 31 classes has the most frequent confusions, those that JSON has.
fn most_frequent_confusions(sandbox: &Sandbox, page: &str) {
    let out = sandbox.run(&["eval", "--data", "letters", "--model", "m.twolayer", "--json"]).succeeded();
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    let matrix: Vec<Vec<u64>> = serde_json::from_value(line["confusion"].clone()).unwrap();
    let mut wrong = Vec::new();
    for (label, row) in matrix.iter().enumerate() {
        let all = row.iter().sum::<u64>();
        wrong.extend(
            row.iter()
                .enumerate()
                .filter(|(class, count)| *class != label && **count > 0)
                .map(|(class, count)| (*count, label, class, all)),
        );
    }
    assert!(wrong.len() > 10, "a test of no use");
    wrong.sort_by_key(|it| core::cmp::Reverse(it.0));
    let (table, _) = page.split_once("Most frequent confusions</caption>").unwrap().1.split_once("</table>").unwrap();
    let rows: Vec<_> = table.split("<tr>").skip(2).collect();
    assert_eq!(rows.len(), wrong.len().min(40));
    for (row, (count, label, class, all)) in rows.iter().zip(&wrong) {
        let share = 100.0 * f64::from(u32::try_from(*count).unwrap()) / f64::from(u32::try_from(*all).unwrap());
        let expected =
            format!("<th scope=\"row\">{label}</th><td>{class}</td><td>{count}</td><td>{share:.2} %</td></tr>");
        assert!(row.starts_with(&expected), "{row}: {expected}");
    }
    let sum = wrong.iter().map(|it| it.0).sum::<u64>();
    assert!(page.contains(&format!("{sum} images are taken for one of another class, in {} pairs", wrong.len())));
}

/// What cannot be written is found before the work; nothing is left behind.
#[test]
fn a_report_that_cannot_be_written_stops_the_run_first() {
    let sandbox = Sandbox::trained();
    let before = sandbox.listing();
    let train = ["train", "--data", "data", "--hidden", "24", "--model", "n.twolayer", "--report"];
    let eval = ["eval", "--data", "data", "--model", "m.twolayer", "--report"];
    for (command, own) in [(&train[..], "n.twolayer"), (&eval, "m.twolayer")] {
        let report = |path: &str| sandbox.run(&[command, &[path]].concat());
        report("missing/r.html").failed(&["missing/r.html"]);
        report("data").failed(&["cannot write data"]);
        report(own).failed(&[own, "--report"]);
    }
    assert_eq!(sandbox.listing(), before);
}

/// The page of the main job is small, whatever is in it.
#[test]
fn the_page_of_the_main_job_is_small() {
    let Some(directory) = mnist::directory("the_page_of_the_main_job_is_small") else { return };
    let sandbox = Sandbox::new().replacing();
    let train = ["--epochs", "1", "--limit", "12000", "--report", "r.html", "--data", directory.to_str().unwrap()];
    let out = sandbox.run(&[&train[..], &["--model", "m.twolayer"]].concat()).succeeded();
    let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
    assert!(page.contains("<figcaption>Test accuracy during the first epoch"));
    // The tests within the epoch change nothing.
    let plain =
        sandbox.run(&["--epochs", "1", "--limit", "12000", "--data", train[7], "--model", "m.twolayer"]).succeeded();
    let hash = |out: &str| out.split_once(", weights ").unwrap().1[..16].to_owned();
    assert_eq!(hash(&out), hash(&plain));
    elements(&page);
    assert_alone(&page);
    assert!(page.len() < 400_000, "{}", page.len());
    assert!(page.matches("<img ").count() > 60);
}

/// A browser shows the page without a word on its console and without a request.
#[test]
fn a_browser_has_nothing_to_complain_of() {
    let test = "a_browser_has_nothing_to_complain_of";
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let works = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success());
    let Some(browser) = browsers.into_iter().find(works) else {
        return skipped(test, "Chromium was not found: install the package `chromium`");
    };
    let sandbox = Sandbox::new();
    sandbox.data("data", &SmallSet::TINY);
    sandbox.run(&TRAIN).succeeded();
    let show = |page: &str| {
        let url = format!("file://{}/{page}", sandbox.work().display());
        let profile = format!("--user-data-dir={}/profile", sandbox.cache().display());
        let flags =
            ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
        let arguments = [&flags[..], &[&profile, "--enable-logging=stderr", "--v=0", "--dump-dom", &url]].concat();
        Outcome::from(sandbox.command_for(browser, &arguments))
    };
    let run = show("r.html");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("<h1>twolayer: a training run</h1>"), "{:.300}", run.out);
    assert!(!run.err.contains("CONSOLE"), "{}", run.err);
    // The policy would say so if anything were asked for; and this is what it says.
    let page = fs::read_to_string(sandbox.work().join("r.html")).unwrap();
    let asking = page.replace("<main>", "<main><img alt=\"x\" src=\"http://127.0.0.1:9/x.png\">");
    fs::write(sandbox.work().join("asking.html"), asking).unwrap();
    let run = show("asking.html");
    assert!(run.err.contains("CONSOLE") && run.err.contains("Content Security Policy"), "{}", run.err);
}
