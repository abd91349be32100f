//! From the start of the process until it says that it serves, and the size of the program.

use super::Run;
use crate::world::{Replica, World, program_path};

pub async fn measure(run: &mut Run) -> anyhow::Result<()> {
    let world = World::start().await?;
    // The data set is there, as at every start but the first.
    drop(world.replica(&[]).await?);
    let url = format!("sqlite:{}", world.folder.path().join("started.db").display());
    let (mut redis_ms, mut sqlite_ms) = (Vec::new(), Vec::new());
    for _ in 0..run.scale.starts {
        run.quiet.wait("start").await?;
        redis_ms.push(world.replica(&[]).await?.started_in.as_secs_f64() * 1000.0);
        let embedded = Replica::start(world.folder.path(), &world.sandbox, &[("STORE__URL", &url)]).await?;
        sqlite_ms.push(embedded.started_in.as_secs_f64() * 1000.0);
    }
    run.report
        .figure("start_ms", "Start to SERVING on Redis, ms", &redis_ms, "≤ 100");
    run.report
        .figure("start_sqlite_ms", "Start to SERVING on SQLite, ms", &sqlite_ms, "≤ 100");
    let size = std::fs::metadata(program_path()?)?.len() as f64 / 1e6;
    run.report.figure("binary_mb", "Stripped binary, MB", &[size], "≤ 30");
    Ok(())
}
