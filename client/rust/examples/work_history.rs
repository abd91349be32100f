//! The README's example: a person's complete work history. It calls the server that SEMANAS_SERVER names.

#![allow(clippy::print_stdout)]

use semanas_client::{Client, Error, Options, SubmitWorkHistoryRequest};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = std::env::var("SEMANAS_SERVER").unwrap_or("http://127.0.0.1:50051".into());
    let client = Client::new(&server, Options::default())?;
    let mut request = SubmitWorkHistoryRequest::default();
    request.subject.curp = "GOAA970724HYNNNL08".into();
    let job = client.get_work_history_when_done(request, None).await?;
    for employment in job.work_history.unwrap_or_default().employments {
        println!("{} {:?}", employment.registro_patronal, employment.start_date);
    }
    Ok(())
}
