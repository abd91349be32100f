//! Who may use whom: the layers of the server, and the crates that belong to one place.
//!
//! The tables are the rule. If one is in your way, change it in the same commit and say why. Test code (files of tests
//! and inline `#[cfg(test)]` modules) may reach anywhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::lexer::{code_only, names_behind, without_inline_tests};
use crate::tree::{Offence, Tree, is_test};

/// Each top-level module of the server and what it may use of the others, from the top down.
const LAYERS: &[(&str, &[&str])] = &[
    ("main", &["app", "cli", "telemetry"]),
    (
        "app",
        &[
            "cli",
            "config",
            "api",
            "http",
            "engine",
            "store",
            "providers",
            "domain",
            "telemetry",
            "clock",
            "failpoint",
        ],
    ),
    // Checks for tests and for the crate in fuzz/, each beside what it judges; here is their table.
    (
        "fuzzing",
        &["config", "api", "http", "engine", "store", "providers", "domain"],
    ),
    // The client commands: a caller like any other, so they reach the engine only through semanas-client.
    ("cli", &["config", "domain", "telemetry", "clock"]),
    // Sees every module's Options in order to fill them; nothing below it sees the whole configuration.
    (
        "config",
        &["api", "http", "engine", "store", "providers", "domain", "telemetry"],
    ),
    ("api", &["engine", "domain", "telemetry", "clock"]),
    ("http", &["engine", "domain", "telemetry", "clock"]),
    (
        "engine",
        &["store", "providers", "domain", "telemetry", "clock", "failpoint"],
    ),
    ("store", &["domain", "telemetry", "clock"]),
    ("providers", &["domain", "telemetry", "clock"]),
    ("telemetry", &["domain"]),
    ("clock", &["domain"]),
    // Where tests hold a replica; empty in a release.
    ("failpoint", &[]),
    ("domain", &[]),
];

/// Crates that only some of the server's modules may name; a crate that is not here may be used anywhere but in domain.
const CRATES: &[(&str, &[&str])] = &[
    ("anyhow", &["main", "app", "cli"]),
    ("axum", &["http", "app"]),
    ("clap", &["main", "app", "cli", "config"]),
    ("comfy_table", &["app", "cli"]),
    ("indicatif", &["app", "cli"]),
    ("prost", &["api"]),
    ("prost_types", &["api", "cli"]),
    ("redis", &["store"]),
    ("reqwest", &["providers", "app"]),
    ("rusqlite", &["store"]),
    ("semanas_client", &["cli", "app"]),
    ("semanas_proto", &["api", "cli", "app"]),
    // The commands sandbox and demo run it.
    ("semanas_sandbox", &["cli", "app"]),
    ("tonic", &["api", "cli", "app"]),
    ("tonic_health", &["api", "cli", "app"]),
    ("tonic_types", &["api"]),
];

/// What the domain must not name: it is pure, and time and randomness are its arguments.
const NOT_IN_DOMAIN: &[&str] = &[
    "async_trait",
    "config",
    "futures",
    "http",
    "opentelemetry",
    "rand",
    "secrecy",
    "tokio",
    "tokio_stream",
    "tracing",
];
const NOT_IN_DOMAIN_OF_STD: &[&str] = &["env", "fs", "io", "net", "process", "thread"];

/// One module naming another, and where.
struct Edge {
    from: String,
    to: String,
    path: String,
    line: usize,
}

pub fn check_layers(tree: &Tree) -> Vec<Offence> {
    let allowed: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut offences = Vec::new();
    for (path, _) in server_sources(tree) {
        let module = top_module(path);
        if module != "lib" && !allowed.contains_key(module) {
            offences.push(Offence {
                path: path.to_owned(),
                line: 0,
                what: format!("module `{module}` has no layer"),
                fix: "give it one in LAYERS of server/tests/tidy/layers.rs, or put the file into a module that has"
                    .into(),
            });
        }
    }
    let outside = edges(tree).into_iter().filter(|edge| {
        allowed
            .get(edge.from.as_str())
            .is_some_and(|uses| !uses.contains(&edge.to.as_str()))
    });
    offences.extend(outside.map(|edge| Offence {
        what: format!("`{}` must not use `{}`", edge.from, edge.to),
        fix: format!(
            "it may use {}; move the code, or pass what it needs as an argument",
            list(allowed[edge.from.as_str()])
        ),
        path: edge.path,
        line: edge.line,
    }));
    offences
}

/// The layers allow no cycle; this finds one should a change of the table let it in.
pub fn check_cycles(tree: &Tree) -> Vec<Offence> {
    let edges = edges(tree);
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for edge in &edges {
        uses.entry(&edge.from).or_default().insert(&edge.to);
    }
    let closes_cycle = |edge: &&Edge| reachable(&uses, &edge.to).contains(edge.from.as_str());
    edges
        .iter()
        .filter(closes_cycle)
        .map(|edge| Offence {
            path: edge.path.clone(),
            line: edge.line,
            what: format!(
                "`{}` uses `{}`, which leads back to `{}`",
                edge.from, edge.to, edge.from
            ),
            fix: "cut the cycle: move what both need to the lower of the two".into(),
        })
        .collect()
}

pub fn check_crates(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, code) in server_sources(tree) {
        let module = top_module(path);
        for (name, homes) in CRATES {
            if module != "lib" && !homes.contains(&module) {
                let fix = format!("it belongs to {}", list(homes));
                offences.extend(uses_of(&code, name).map(|line| offence(path, line, name, &fix)));
            }
        }
        if module == "domain" {
            let fix = "the domain does no I/O and reads no clock: pass the value as an argument";
            for name in NOT_IN_DOMAIN {
                offences.extend(uses_of(&code, name).map(|line| offence(path, line, name, fix)));
            }
            let of_std = names_behind(&code, "std").into_iter();
            let of_std = of_std.filter(|(_, name)| NOT_IN_DOMAIN_OF_STD.contains(&name.as_str()));
            offences.extend(of_std.map(|(line, name)| offence(path, line, &format!("std::{name}"), fix)));
        }
    }
    offences
}

fn offence(path: &str, line: usize, name: &str, fix: &str) -> Offence {
    let what = format!("`{}` must not name `{name}`", top_module(path));
    Offence {
        path: path.to_owned(),
        line,
        what,
        fix: fix.to_owned(),
    }
}

fn uses_of(code: &str, name: &str) -> impl Iterator<Item = usize> {
    names_behind(code, name).into_iter().map(|(line, _)| line)
}

/// The server's own code without its tests: path and code.
fn server_sources(tree: &Tree) -> impl Iterator<Item = (&str, String)> {
    tree.texts(&["rs"])
        .filter(|(path, _)| path.starts_with("server/src/") && !is_test(path))
        .map(|(path, text)| (path, without_inline_tests(&code_only(text))))
}

/// `server/src/store/redis/keys.rs` belongs to `store`, `server/src/clock.rs` to `clock`.
fn top_module(path: &str) -> &str {
    let inside = path.strip_prefix("server/src/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or(inside)
}

fn edges(tree: &Tree) -> Vec<Edge> {
    let modules: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    let mut edges = Vec::new();
    for (path, code) in server_sources(tree) {
        let from = top_module(path);
        // In main.rs `crate` is the binary, and the modules are the library's.
        let mut prefixes = vec!["crate".to_owned(), "semanas_server".to_owned()];
        // As many `super` as the file is deep lead to the crate's root; inline modules add none of ours.
        prefixes.push(vec!["super"; depth(path)].join("::"));
        for prefix in prefixes.iter().filter(|prefix| !prefix.is_empty()) {
            for (line, to) in names_behind(&code, prefix) {
                if to != from && modules.contains(&to.as_str()) {
                    edges.push(Edge {
                        from: from.to_owned(),
                        to,
                        path: path.to_owned(),
                        line,
                    });
                }
            }
        }
    }
    edges
}

/// How many modules deep a file is: `store/mod.rs` and `store.rs` 1, `store/redis/keys.rs` 3, `lib.rs` 0.
fn depth(path: &str) -> usize {
    let inside = path.strip_prefix("server/src/").unwrap_or(path);
    let is_root = inside == "lib.rs" || inside == "main.rs";
    let files = if is_root || inside.ends_with("/mod.rs") { 0 } else { 1 };
    inside.matches('/').count() + files
}

fn reachable<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(module) = open.pop() {
        let next = uses.get(module).into_iter().flatten().copied();
        open.extend(next.filter(|module| seen.insert(*module)));
    }
    seen
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        "nothing of ours".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(check: fn(&Tree) -> Vec<Offence>, files: &[(&str, &str)], expected: &[(&str, usize)]) {
        let offences = check(&Tree::made_up(files));
        let found: Vec<(&str, usize)> = offences.iter().map(|o| (o.path.as_str(), o.line)).collect();
        assert_eq!(found, expected, "{offences:?}");
    }

    #[test]
    fn an_import_that_goes_up_or_sideways_is_found() {
        let api = "server/src/api/status.rs";
        check(
            check_layers,
            &[(api, "use crate::engine::Hub;\nuse crate::domain::Curp;")],
            &[],
        );
        check(check_layers, &[(api, "\nuse crate::store::Store;")], &[(api, 2)]);
        check(
            check_layers,
            &[(api, "use crate::{domain, store::{Lease}};")],
            &[(api, 1)],
        );
        check(check_layers, &[(api, "use super::super::store::Store;")], &[(api, 1)]);
        check(check_layers, &[(api, "use super::convert;")], &[]);
        check(
            check_layers,
            &[("server/src/domain/curp.rs", "fn f(c: &crate::clock::Clock)")],
            &[("server/src/domain/curp.rs", 1)],
        );
        check(
            check_layers,
            &[("server/src/main.rs", "use semanas_server::engine;")],
            &[("server/src/main.rs", 1)],
        );
    }

    #[test]
    fn comments_strings_and_tests_may_name_anything() {
        let api = "server/src/api/mod.rs";
        check(
            check_layers,
            &[(api, "// crate::store::x\nlet a = \"crate::store::x\";")],
            &[],
        );
        check(
            check_layers,
            &[(api, "#[cfg(test)]\nmod tests {\n    use crate::store::X;\n}\n")],
            &[],
        );
        check(
            check_layers,
            &[("server/src/api/tests.rs", "use crate::store::X;")],
            &[],
        );
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        check(
            check_layers,
            &[("server/src/utils.rs", "")],
            &[("server/src/utils.rs", 0)],
        );
    }

    #[test]
    fn a_cycle_is_found_at_each_of_its_edges() {
        let (engine, store) = ("server/src/engine/mod.rs", "server/src/store/mod.rs");
        check(
            check_cycles,
            &[(engine, "use crate::store::S;"), (store, "use crate::domain::D;")],
            &[],
        );
        let cycle = [(engine, "use crate::store::S;"), (store, "use crate::engine::E;")];
        check(check_cycles, &cycle, &[(engine, 1), (store, 1)]);
    }

    #[test]
    fn a_crate_outside_its_home_is_found() {
        check(
            check_crates,
            &[("server/src/store/redis/mod.rs", "use redis::Cmd;")],
            &[],
        );
        check(
            check_crates,
            &[("server/src/engine/mod.rs", "\nuse redis::Cmd;")],
            &[("server/src/engine/mod.rs", 2)],
        );
        let domain = "server/src/domain/job.rs";
        check(
            check_crates,
            &[(domain, "use std::fmt;\nuse std::{fs, fmt};\ntokio::spawn(x)")],
            &[(domain, 3), (domain, 2)],
        );
    }

    #[test]
    fn the_table_of_layers_goes_down_only() {
        for (position, (module, uses)) in LAYERS.iter().enumerate() {
            for used in *uses {
                let below = LAYERS.iter().position(|(name, _)| name == used);
                assert!(
                    below.is_some_and(|below| below > position),
                    "`{module}` lists `{used}`, which is not below it"
                );
            }
        }
    }
}
