/**
 * Submits a person, shows what happens to the job, and then what came of it: `npx tsx examples/node.ts [CURP]`, with `semanas demo --serve`
 * running, or SEMANAS_SERVER set.
 */
import { JobNotSucceededError, JobStage, JobState, SemanasClient, SemanasError, nameOf } from "@semanas/client";

const [curp = "GOAA970724HYNNNL08"] = process.argv.slice(2);
const client = new SemanasClient(process.env["SEMANAS_SERVER"] ?? "http://127.0.0.1:50051");

try {
  const { job } = await client.submitWorkHistory({ subject: { curp }, labels: { program: "example" } });
  console.log("job", job.jobId);
  for await (const update of client.watchWorkHistory(job.jobId)) {
    if (update.kind === "event") console.log(`event ${update.sequence}: ${stateOf(update.state, update.event.stage)}`);
    if (update.kind === "snapshot") console.log(`snapshot: ${stateOf(update.state, update.job.stage)}`);
    if (!update.isTerminal || update.kind === "stale" || !update.job) continue;
    if (update.state !== JobState.SUCCEEDED) throw new JobNotSucceededError(update.job);
    console.log(
      update.job.workHistory?.employmentCount ?? 0,
      "employments,",
      update.job.workHistory?.weeks?.total ?? "?",
      "weeks",
    );
  }
} catch (error) {
  if (!(error instanceof SemanasError)) throw error;
  console.error(`${error.kind}: ${error.message}`);
  process.exitCode = 1;
} finally {
  client.close();
}

function stateOf(state: JobState, stage: JobStage): string {
  return stage === JobStage.UNSPECIFIED ? nameOf(JobState, state) : `${nameOf(JobState, state)}, ${nameOf(JobStage, stage)}`;
}
