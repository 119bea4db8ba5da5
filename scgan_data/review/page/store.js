// What the page knows of the pictures, what it changes, and the way back.
import { Failure, get, post } from "./api.js";

export const items = new Map();
export const session = { reviewer: "", regions: [], reasons: [], generation: 0 };
const listeners = [];
const KEY = "review-actions";
let actions = JSON.parse(sessionStorage.getItem(KEY) || "[]"); // [{at, ids}]: this tab's, over a reload; else the reviewer's
let undone = [];

export function load(answer) {
  Object.assign(session, answer);
  answer.items.forEach((item) => items.set(item.id, item));
  if (!actions.length) actions = answer.actions;
}

export function onChange(listener) {
  listeners.push(listener);
}

export function tell(message, bad = false) {
  listeners.forEach((listener) => listener({ message, bad, ids: [] }));
}

function take(states) {
  const ids = Object.keys(states).filter((id) => items.has(id));
  ids.forEach((id) => Object.assign(items.get(id), states[id]));
  listeners.forEach((listener) => listener({ ids }));
  return ids;
}

function seen(ids) {
  return Object.fromEntries(ids.map((id) => [id, items.get(id).version]));
}

// Send a change about pictures. `shown` is what they look like at once; a refusal takes it back.
async function change(path, ids, body, shown, record = true) {
  const before = Object.fromEntries(ids.map((id) => [id, { ...items.get(id) }]));
  if (shown) take(Object.fromEntries(ids.map((id) => [id, shown])));
  try {
    const answer = await post(path, () => ({ ...body(), ...(path === "/api/boxes" ? {} : { seen: seen(ids) }) }));
    take(answer.states);
    if (record) {
      actions.push({ at: answer.at, ids });
      undone = [];
      keep();
    }
    return answer;
  } catch (failure) {
    take(Object.fromEntries(ids.map((id) => [id, pick(before[id])])));
    refused(failure);
    return null;
  }
}

function pick(item) {
  const { word, reason, note, reviewer, at, words, moved } = item;
  return { word, reason, note, reviewer, at, words, moved };
}

function refused(failure) {
  if (failure instanceof Failure && failure.status === 409) {
    const ids = take(failure.states);
    const said = ids.map((id) => items.get(id)).map((item) => `${item.reviewer || "somebody"}: ${item.word || "boxes moved or taken back"}`);
    tell(`Changed meanwhile by ${[...new Set(said)].slice(0, 3).join("; ")}. Nothing of yours was stored; look, and say it again.`, true);
  } else if (failure instanceof Failure && failure.status === 403) {
    tell("This page's key is no longer valid: the server was started again. Open the address that the terminal shows; all that was shown as stored is stored.", true);
  } else if (failure instanceof Failure) {
    tell(`Not stored: ${failure.message}`, true);
  } else {
    tell("Not stored: the server does not answer. Start it again and open the address that it prints; everything before this is stored.", true);
  }
}

export function judge(ids, verdict, { reason = null, note = "", audit = null } = {}) {
  if (!ids.length) return Promise.resolve(null);
  const said = { verdict, ...(verdict === "reject" ? { reason } : {}), ...(note ? { note } : {}), ...(audit ? { audit } : {}) };
  const shown = audit ? null : { word: verdict, reason: verdict === "reject" ? reason : null, words: {} };
  return change("/api/verdict", ids, () => said, shown);
}

export function place(id, regions) {
  const shown = { moved: { ...items.get(id).moved, ...regions } };
  return change("/api/boxes", [id], () => ({ id, version: items.get(id).version, regions }), shown);
}

export function keepOf(id, members) {
  return change("/api/keeper", members, () => ({ id }), null);
}

// Reject, or take one's own rejection back; another's rejection is answered by accepting.
export function toggle(id) {
  const item = items.get(id);
  if (item.word !== "reject") return judge([id], "reject");
  const known = actions.some((action) => action.at === item.at && action.ids.includes(id));
  if (!known) return judge([id], "accept");
  return change("/api/undo", [id], () => ({ at: item.at }), { word: null, reason: null });
}

export async function undo() {
  const action = actions.pop();
  if (!action) return tell("Nothing left to undo.");
  keep();
  const answer = await change("/api/undo", action.ids, () => ({ at: action.at }), null, false);
  if (answer) undone.push({ at: answer.at, ids: action.ids });
  return answer ? action.ids : null;
}

export async function redo() {
  const action = undone.pop();
  if (!action) return tell("Nothing to redo.");
  const answer = await change("/api/undo", action.ids, () => ({ at: action.at }), null, false);
  if (answer) actions.push({ at: answer.at, ids: action.ids });
  keep();
  return answer ? action.ids : null;
}

function keep() {
  sessionStorage.setItem(KEY, JSON.stringify(actions.slice(-1000)));
}

// The boxes as they stand: a person's over the stage's; null is not visible, undefined nobody knows.
export function boxOf(item, region) {
  if (region in item.moved) return item.moved[region];
  if (item.boxes[region]) return item.boxes[region];
  return item.hidden.includes(region) ? null : undefined;
}

export async function poll() {
  try {
    const answer = await get(`/api/changes?since=${session.generation}`);
    session.generation = answer.generation;
    const news = Object.fromEntries(Object.entries(answer.states).filter(([id, state]) => items.get(id)?.version !== state.version));
    if (Object.keys(news).length) take(news);
  } catch {
    // the next change says so
  }
}
