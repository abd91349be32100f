//! F2: a unary call with one Redis script: as many keys and bytes as Submit's, one hash written, nothing looked at.

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{IntoConnectionInfo as _, Script};
use semanas_client::raw::v1::{SubmitWorkHistoryRequest, SubmitWorkHistoryResponse};
use tonic::Status;

use crate::answers;
use crate::service::Floor;

/// Seen on Submit's own call (`MONITOR`): nine keys of so many bytes with the job's name at their end, …
const KEYS: usize = 9;
const KEY_BYTES: usize = 30;
/// … the plan, the job's record, and the sealed person.
const PLAN_BYTES: usize = 600;
const RECORD_BYTES: usize = 500;
const SEALED_BYTES: usize = 140;

const TEXT: &str = "redis.call('HSET', KEYS[1], 'record', ARGV[2], 'subject', ARGV[3]) return {'STARTED', '1'}";

/// A connection that sends each call at once, as Semanas does.
pub async fn connect(redis: &str) -> anyhow::Result<MultiplexedConnection> {
    let settings = TcpSettings::default().set_nodelay(true);
    let info = redis.into_connection_info()?.set_tcp_settings(settings);
    Ok(redis::Client::open(info)?.get_multiplexed_async_connection().await?)
}

pub struct OneScript {
    redis: MultiplexedConnection,
    script: Script,
}

impl OneScript {
    pub async fn connect(redis: &str) -> anyhow::Result<OneScript> {
        Ok(OneScript {
            redis: connect(redis).await?,
            script: Script::new(TEXT),
        })
    }

    /// Runs it for a job; gives what Redis answered.
    pub async fn run(&self, job_id: &str) -> Result<Vec<String>, Status> {
        let mut call = self.script.prepare_invoke();
        for number in 0..KEYS {
            call.key(format!("floor:{number}:{:k$}:{job_id}", "", k = KEY_BYTES));
        }
        for bytes in [PLAN_BYTES, RECORD_BYTES, SEALED_BYTES] {
            call.arg("x".repeat(bytes));
        }
        let answer = call.invoke_async(&mut self.redis.clone()).await;
        answer.map_err(|error| Status::unavailable(error.to_string()))
    }
}

impl Floor for OneScript {
    async fn submit(&self, _: SubmitWorkHistoryRequest) -> Result<SubmitWorkHistoryResponse, Status> {
        let job_id = answers::new_job_id();
        self.run(&job_id).await?;
        Ok(answers::submitted(job_id))
    }
}
