//! F1: a unary call that is answered from memory.

use semanas_client::raw::v1::{SubmitWorkHistoryRequest, SubmitWorkHistoryResponse};
use tonic::Status;

use crate::answers;
use crate::service::Floor;

pub struct Echo;

impl Floor for Echo {
    async fn submit(&self, _: SubmitWorkHistoryRequest) -> Result<SubmitWorkHistoryResponse, Status> {
        Ok(answers::submitted(answers::new_job_id()))
    }
}
