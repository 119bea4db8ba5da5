// Talking to the server: one change after the other, each with the versions that this page saw.
let posting = "";

export async function begin() {
  const session = await get("/api/session");
  posting = session.posting;
  return session;
}

export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Failure(answer.status, await read(answer));
  return answer.json();
}

// A refusal: `status`, and of a change that came too late (409) the others' `states`.
export class Failure extends Error {
  constructor(status, body) {
    super(body.error || `refused (${status})`);
    this.status = status;
    this.states = body.states || {};
  }
}

async function read(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return { error: text.trim() };
  }
}

let last = Promise.resolve();

// Send a change once all earlier ones are answered; `make` builds it then, so that it carries their new versions.
export function post(path, make) {
  const sent = last.then(async () => {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-review-token": posting },
      body: JSON.stringify(make()),
    });
    if (!answer.ok) throw new Failure(answer.status, await read(answer));
    return answer.json();
  });
  last = sent.catch(() => {});
  return sent;
}

export function idle() {
  return last;
}
