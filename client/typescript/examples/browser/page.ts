/**
 * A page that submits a person and shows the job live, over gRPC-Web. The server is the one that the address names: `?server=http://…`.
 */
import { JobStage, JobState, SemanasClient, SemanasError, nameOf } from "@semanas/client/web";
import type { JobUpdate, WorkHistory } from "@semanas/client/web";

const server = new URLSearchParams(location.search).get("server") ?? "http://127.0.0.1:50051";
const form = element("form", HTMLFormElement);
const button = element("button", HTMLButtonElement);
const status = element("#status", HTMLElement);
const events = element("#events", HTMLElement);
const employments = element("#employments", HTMLElement);

/** Ends what was shown before. */
let showing = new AbortController();

element("#server", HTMLElement).textContent = server;
form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const curp = new FormData(form).get("curp");
  void show(typeof curp === "string" ? curp.trim() : "");
});

async function show(curp: string): Promise<void> {
  showing.abort();
  showing = new AbortController();
  const { signal } = showing;
  events.replaceChildren();
  employments.replaceChildren();
  tell("submitting", "busy");
  button.disabled = true;
  try {
    const client = new SemanasClient(server);
    const { job } = await client.submitWorkHistory({ subject: { curp } }, { signal });
    for await (const update of client.watchWorkHistory(job.jobId, { signal })) showUpdate(update);
  } catch (error) {
    tell(error instanceof SemanasError ? `${error.kind}: ${error.message}` : String(error), "failed");
  } finally {
    button.disabled = false;
  }
}

function showUpdate(update: JobUpdate): void {
  if (update.kind === "stale") return;
  const stage = update.kind === "event" ? update.event.stage : update.job.stage;
  const state = nameOf(JobState, update.state);
  const line = stage === JobStage.UNSPECIFIED ? state : nameOf(JobStage, stage);
  events.append(item("li", line.toLowerCase().replaceAll("_", " ")));
  const hasSucceeded = update.state === JobState.SUCCEEDED;
  tell(state, update.isTerminal ? (hasSucceeded ? "succeeded" : "failed") : "busy");
  if (update.isTerminal && update.job?.workHistory) showHistory(update.job.workHistory);
  if (update.isTerminal && update.job?.failure) tell(`${state}: ${update.job.failure.message}`, "failed");
}

function showHistory({ employments: list }: WorkHistory): void {
  for (const { employer, startDate, endDate, current } of list) {
    const row = document.createElement("tr");
    const end = current ? "today" : (endDate?.year ?? "?");
    row.append(item("td", employer), item("td", `${startDate?.year ?? "?"} – ${end}`));
    employments.append(row);
  }
}

function tell(text: string, mood: "busy" | "succeeded" | "failed"): void {
  status.textContent = text;
  status.dataset["mood"] = mood;
}

/** What is shown is text, whatever a server sends. */
function item(tag: "li" | "td", text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function element<E extends Element>(selector: string, type: new () => E): E {
  const found = document.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page has no ${selector}`);
  return found;
}
