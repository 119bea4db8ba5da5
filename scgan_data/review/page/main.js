// The page put together: filters, keys, touch, counts.
import { begin } from "./api.js";
import * as editor from "./editor.js";
import * as grid from "./grid.js";
import * as panels from "./panels.js";
import { items, judge, load, onChange, poll, redo, session, tell, toggle, undo } from "./store.js";

const byId = (id) => document.getElementById(id);
const POLL_MS = 2000;
const FILTERS = ["review", "status", "domain", "doubt"];
const disputed = (item) => Object.keys(item.words).length > 1;
const REVIEW = {
  all: ["Any verdict", () => true],
  todo: ["Not judged yet", (item) => !item.word],
  disputed: ["Disputed", disputed],
  accept: ["Accepted by people", (item) => item.word === "accept"],
  reject: ["Rejected by people", (item) => item.word === "reject"],
  moved: ["Boxes corrected", (item) => Object.keys(item.moved).length > 0],
  mine: ["Judged by me", (item) => item.word && item.reviewer === session.reviewer],
};

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, words]) => new Option(words, value)));
}

function count(names) {
  const counts = new Map();
  names.forEach((name) => counts.set(name, (counts.get(name) || 0) + 1));
  return [...counts].sort();
}

function fillFilters() {
  const all = [...items.values()];
  const plain = (name) => name.replaceAll("_", " ");
  options(byId("review"), Object.entries(REVIEW).map(([name, [words]]) => [name, words]));
  const fallen = count(all.filter((item) => !item.kept).map((item) => `${item.stage}: ${item.why}`));
  options(byId("status"), [
    ["kept", "Kept"],
    ["any", "Kept and rejected"],
    ...(fallen.length ? [["fallen", "Rejected by a stage"]] : []),
    ...fallen.map(([name, number]) => [name, `${plain(name)} (${number})`]),
  ]);
  options(byId("domain"), [["", "All domains"], ...count(all.map((item) => item.domain)).map(([name, number]) => [name, `${name} (${number})`])]);
  options(byId("doubt"), [
    ["", "Any doubt"],
    ["any", "Doubtful"],
    ...count(all.flatMap((item) => item.doubt)).map(([name, number]) => [name, `${plain(name)}? (${number})`]),
  ]);
  const wanted = new URLSearchParams(location.hash.slice(1));
  FILTERS.forEach((name) => {
    if (wanted.has(name) && [...byId(name).options].some((option) => option.value === wanted.get(name))) byId(name).value = wanted.get(name);
    byId(name).onchange = () => apply();
  });
}

function matches(item) {
  const [review, status, domain, doubt] = FILTERS.map((name) => byId(name).value);
  const stage = status === "any" || (status === "kept" ? item.kept : status === "fallen" ? !item.kept : !item.kept && `${item.stage}: ${item.why}` === status);
  return stage && REVIEW[review][1](item) && (!domain || item.domain === domain) && (!doubt || (doubt === "any" ? item.doubt.length > 0 : item.doubt.includes(doubt)));
}

// The server's order has the doubtful first; what reviewers dispute comes before all.
function apply(keep) {
  const ids = [...items.values()].filter(matches).sort((a, b) => disputed(b) - disputed(a)).map((item) => item.id);
  grid.setView(ids, keep);
  location.replace(`#${new URLSearchParams(FILTERS.filter((name) => byId(name).selectedIndex > 0).map((name) => [name, byId(name).value]))}`);
  counts();
}

function counts() {
  const ids = grid.viewed();
  const seen = ids.map((id) => items.get(id));
  const [rejected, accepted] = ["reject", "accept"].map((word) => seen.filter((item) => item.word === word).length);
  const argued = seen.filter(disputed).length;
  byId("bar-reject").style.width = `${(100 * rejected) / (ids.length || 1)}%`;
  byId("bar-accept").style.width = `${(100 * accepted) / (ids.length || 1)}%`;
  const parts = [`${(rejected + accepted).toLocaleString("en")} of ${ids.length.toLocaleString("en")} judged`, `${rejected} rejected`];
  if (argued) parts.push(`${argued} disputed`);
  byId("counts").textContent = parts.join(" · ");
}

let hush = null;

function toast(message, bad) {
  const box = byId("toast");
  const host = document.querySelector("dialog[open]") || document.body; // a modal dialog hides all that is outside it
  host.append(box);
  box.textContent = message;
  box.className = bad ? "bad" : "";
  box.hidden = false;
  clearTimeout(hush);
  hush = setTimeout(() => (box.hidden = true), bad ? 9000 : 3500);
}

onChange(({ message, bad, ids }) => {
  if (message) toast(message, bad);
  if (!ids.length) return;
  grid.redraw(ids);
  editor.refresh(ids);
  counts();
});

const chosen = () => grid.selected().filter(Boolean);
const plural = (number) => `${number} picture${number === 1 ? "" : "s"}`;

const DO = {
  reject: () => judge(chosen(), "reject"),
  accept: () => judge(chosen(), "accept"),
  reason: () => panels.askReason(chosen()),
  open: () => editor.open(grid.focused()),
  group: () => panels.copies(grid.focused()),
  undo: () => back(undo, "Undone"),
  redo: () => back(redo, "Done again"),
  "reject-shown": async () => {
    const ids = grid.shown();
    if (await judge(ids, "reject")) tell(`${plural(ids.length)} rejected (u undoes)`);
  },
  "accept-rest": async () => {
    const rest = grid.shown().filter((id) => !items.get(id).word);
    const last = grid.atEnd();
    grid.page(1);
    if (rest.length && !(await judge(rest, "accept"))) return;
    tell(`${plural(rest.length)} accepted (u undoes)${last ? "; that was the last screen" : ""}`);
  },
};

async function back(which, word) {
  const ids = await which();
  if (!ids) return;
  const place = ids.find((id) => grid.viewed().includes(id));
  if (place) grid.goTo(place);
  tell(`${word}: ${plural(ids.length)}`);
}

document.querySelector(".actions").addEventListener("click", (event) => {
  DO[event.target.closest("[data-do]")?.dataset.do]?.();
  byId("grid").focus();
});
byId("fewer").onclick = () => grid.zoom(-1);
byId("more").onclick = () => grid.zoom(1);
byId("audit-open").onclick = () => panels.audit();
byId("help-open").onclick = () => panels.help();
byId("boxes-shown").onclick = toggleBoxes;

function toggleBoxes() {
  grid.showBoxes(!grid.boxesShown());
  byId("boxes-shown").setAttribute("aria-pressed", grid.boxesShown());
}

const MOVES = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  h: [-1, 0], l: [1, 0], k: [0, -1], j: [0, 1],
};
const KEYS = {
  x: DO.reject, a: DO.accept, r: DO.reason, e: DO.open, Enter: DO.open, g: DO.group, u: DO.undo, U: DO.redo,
  X: DO["reject-shown"], A: DO["accept-rest"], b: toggleBoxes, "+": () => grid.zoom(-1), "=": () => grid.zoom(-1),
  "-": () => grid.zoom(1), "?": () => panels.help(),
  " ": () => (chosen().length > 1 ? DO.reject() : grid.focused() && toggle(grid.focused())),
  PageDown: () => grid.page(1), PageUp: () => grid.page(-1),
  Home: () => grid.go(0), End: () => grid.go(grid.viewed().length - 1),
};

document.addEventListener("keydown", (event) => {
  if (panels.anyOpen() || event.target.closest("select, input")) return;
  const { key } = event;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") (event.shiftKey ? DO.redo : DO.undo)();
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (event.target.closest("button") && (key === "Enter" || key === " ")) return;
  else if (key in MOVES) grid.move(...MOVES[key], event.shiftKey);
  else if (key in KEYS) KEYS[key]();
  else return;
  event.preventDefault();
});

// A mouse's click moves, its double click enlarges; a finger's tap rejects or takes back, its long press enlarges.
const main = byId("grid");
let press = null, pressed = false;
const tileOf = (event) => event.target.closest(".tile")?.dataset.id;

main.addEventListener("pointerdown", (event) => {
  const id = tileOf(event);
  if (!id || event.pointerType === "mouse") return;
  pressed = false;
  press = setTimeout(() => {
    pressed = true;
    grid.goTo(id);
    editor.open(id);
  }, 450);
});
["pointerup", "pointercancel", "pointerleave"].forEach((name) => main.addEventListener(name, () => clearTimeout(press)));
main.addEventListener("scroll", () => clearTimeout(press), { passive: true });
main.addEventListener("contextmenu", (event) => tileOf(event) && event.preventDefault());
main.addEventListener("click", (event) => {
  const id = tileOf(event);
  if (!id || pressed) return void (pressed = false);
  grid.goTo(id, event.shiftKey);
  if (event.pointerType && event.pointerType !== "mouse") toggle(id);
});
main.addEventListener("dblclick", (event) => {
  const id = tileOf(event);
  if (id && matchMedia("(pointer: fine)").matches) editor.open(id);
});

async function start() {
  try {
    const answer = await begin();
    load(answer);
  } catch (failure) {
    return tell(`The page could not be loaded: ${failure.message}`, true);
  }
  byId("title").textContent = `${session.title} · ${session.reviewer}`;
  document.title = `review ${session.title}`;
  fillFilters();
  apply();
  main.focus();
  setInterval(() => document.visibilityState === "visible" && poll(), POLL_MS);
}

start();
