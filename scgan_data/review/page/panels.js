// The small dialogs: reasons, copies, audit, help.
import { get, post } from "./api.js";
import { text } from "./grid.js";
import { items, judge, keepOf, session, tell, undo } from "./store.js";

const byId = (id) => document.getElementById(id);
document.querySelectorAll("[data-close]").forEach((button) => (button.onclick = () => button.closest("dialog").close()));

export const anyOpen = () => document.querySelector("dialog[open]") !== null;

export function help() {
  byId("help").showModal();
}

// Reject with a reason of the list; digits choose, the note goes with it.
export function askReason(ids) {
  if (!ids.length) return;
  const list = byId("reason-list");
  byId("note").value = "";
  list.replaceChildren(...session.reasons.map(({ name, meaning }, number) => {
    const line = document.createElement("li");
    const button = line.appendChild(document.createElement("button"));
    button.type = "button";
    if (number < 9) button.append(text("kbd", "", `${number + 1}`), " ");
    button.append(meaning);
    button.onclick = () => {
      byId("reasons").close();
      judge(ids, "reject", { reason: name, note: byId("note").value.trim() });
    };
    return line;
  }));
  byId("reasons").onkeydown = (event) => {
    if (event.target.id === "note" && event.key !== "Enter") return;
    const number = event.key === "Enter" && event.target.id === "note" ? 0 : Number(event.key) - 1;
    if (!(number >= 0 && number < 9)) return;
    event.preventDefault();
    list.querySelectorAll("button")[number]?.click();
  };
  byId("reasons").showModal();
}

export function copies(id) {
  const group = id && items.get(id).group;
  const members = [...items.values()].filter((item) => group && item.group === group);
  if (members.length < 2) return tell("It has no copies.");
  const kept = (item) => (item.word ? item.word === "accept" : item.kept);
  byId("members").replaceChildren(...members.sort((a, b) => kept(b) - kept(a)).map((item) => {
    const button = document.createElement("button");
    button.className = kept(item) ? "keeper" : "";
    const picture = button.appendChild(new Image());
    picture.src = `/thumb/${item.id}`;
    picture.alt = "";
    const state = kept(item) ? "kept" : item.word === "reject" ? "rejected by a person" : `${item.stage}: ${(item.why || "").replaceAll("_", " ")}`;
    button.append(text("b", "", state), text("div", "", `${item.size[0]} × ${item.size[1]}, ${item.domain}`), text("div", "", item.id.slice(0, 12)));
    button.onclick = async () => {
      byId("group").close();
      if (kept(item) && members.filter(kept).length === 1) return;
      const done = await keepOf(item.id, members.map((member) => member.id));
      if (done) tell("Stored: the other copy is rejected; this one is kept at the next dvc repro.");
    };
    return button;
  }));
  byId("group").onkeydown = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const all = [...byId("members").children];
    all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
    event.preventDefault();
  };
  byId("group").showModal();
  byId("members").firstChild.focus();
}

let running = null; // {name, ids, place}

export async function audit() {
  const domains = [...new Set([...items.values()].map((item) => item.domain))].sort();
  byId("audit-domain").replaceChildren(new Option("all domains", ""), ...domains.map((name) => new Option(name, name)));
  await past();
  face(false);
  if (!byId("audit").open) byId("audit").showModal();
}

async function past() {
  const { audits } = await get("/api/audits");
  byId("audit-past").replaceChildren(...audits.reverse().map((one) => text("li", "", `${one.domain || "all domains"}: ${one.words}`)));
}

function face(judging) {
  byId("audit-ask").hidden = judging;
  byId("audit-judge").hidden = !judging;
}

byId("audit-start").onclick = async () => {
  try {
    const drawn = await post("/api/audit", () => ({ domain: byId("audit-domain").value || null, count: Number(byId("audit-count").value) || 100 }));
    running = { name: drawn.name, ids: drawn.ids, place: 0 };
    next();
  } catch (failure) {
    tell(failure.message, true);
  }
};

async function next() {
  const { ids, place } = running;
  if (place >= ids.length) {
    running = null;
    return audit();
  }
  face(true);
  byId("audit-place").textContent = `${place + 1} of ${ids.length}`;
  byId("audit-picture").src = `/picture/${ids[place]}`;
}

async function answer(verdict) {
  if (!running || running.busy) return;
  running.busy = true;
  const stored = await judge([running.ids[running.place]], verdict, { audit: running.name });
  running.busy = false;
  if (stored) running.place += 1;
  next();
}

async function takeBack() {
  if (!running || running.busy || !running.place) return;
  running.busy = true;
  const done = await undo();
  running.busy = false;
  if (done) running.place -= 1;
  next();
}

byId("audit-bad").onclick = () => answer("reject");
byId("audit-good").onclick = () => answer("accept");
byId("audit-undo").onclick = takeBack;
byId("audit").addEventListener("close", () => (running = null));
document.addEventListener("keydown", (event) => {
  if (!running || event.ctrlKey || event.metaKey) return;
  const key = { x: () => answer("reject"), a: () => answer("accept"), u: takeBack }[event.key];
  if (!key) return;
  key();
  event.preventDefault();
});
