//! The README's example, as it is written there, against the server that `testing` starts.

use semanas_client::testing::Server;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../../examples/work_history.rs");

#[test]
fn the_example_is_the_readmes() {
    let block = README
        .split("```rust,no_run\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    assert!(
        EXAMPLE.ends_with(block),
        "copy the README's example to examples/work_history.rs:\n{block}"
    );
}

/// Needs the `semanas` program: `make test` names it; without it there is nothing to run against.
#[tokio::test]
async fn the_example_runs() {
    if std::env::var_os("SEMANAS_BIN").is_none() {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "SEMANAS_BIN does not name the program"
        );
        return;
    }
    let server = Server::start_real().await.unwrap();
    let example = std::env::current_exe().unwrap();
    let example = example.ancestors().nth(2).unwrap().join("examples/work_history");
    let run = tokio::process::Command::new(&example)
        .env("SEMANAS_SERVER", server.endpoint())
        .output();
    let output = run.await.unwrap();
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{complained}");
    assert_eq!(said.lines().count(), 3, "one line an employment: {said}");
}
