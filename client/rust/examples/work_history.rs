//! The README's example: a person's complete work history. It calls the server that SEMANAS_SERVER names.

#![allow(clippy::print_stdout)]

use semanas_client::{Client, Error, Options};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let server = std::env::var("SEMANAS_SERVER").unwrap_or("http://127.0.0.1:50051".into());
    let client = Client::new(&server, Options::default())?;
    let job = client.get_work_history_when_done("GOAA970724HYNNNL08", None).await?;
    for employment in job.work_history.unwrap_or_default().employments {
        let since = employment.start_date.unwrap_or_default().year;
        println!("{} since {since}", employment.employer);
    }
    Ok(())
}
