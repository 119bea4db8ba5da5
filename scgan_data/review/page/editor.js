// One picture, enlarged: its region boxes are dragged, resized, drawn, or said not to be visible.
import { colour, goTo, regionsOf, setBox, text, viewed } from "./grid.js";
import { boxOf, items, judge, place, redo, session, undo } from "./store.js";

const dialog = document.getElementById("editor");
const frame = document.getElementById("frame");
const stage = document.getElementById("stage");
const picture = document.getElementById("large");
const EDGES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
let item = null, chosen = null, waiting = null;
let boxes = {}; // what is drawn, ahead of the server while a box moves

export const isOpen = () => dialog.open;

export function open(id) {
  if (!id) return;
  item = items.get(id);
  chosen = null;
  picture.src = `/picture/${id}`;
  if (!dialog.open) dialog.showModal();
  frame.focus();
  reset();
}

export function refresh(ids) {
  if (item && dialog.open && ids.includes(item.id) && !drag && !waiting) reset();
}

function reset() {
  boxes = Object.fromEntries(regionsOf(item).map((region) => [region, boxOf(item, region)]));
  fit();
  draw();
}

function fit() {
  const scale = Math.min((stage.clientWidth - 16) / item.size[0], (stage.clientHeight - 16) / item.size[1]);
  frame.style.width = `${item.size[0] * scale}px`;
  frame.style.height = `${item.size[1] * scale}px`;
}

function draw() {
  frame.querySelectorAll(".box").forEach((old) => old.remove());
  Object.entries(boxes).forEach(([region, box]) => box && frame.append(boxElement(region, box)));
  const ids = viewed();
  document.getElementById("place").textContent = `${ids.indexOf(item.id) + 1} of ${ids.length}`;
  document.getElementById("regions").replaceChildren(...Object.keys(boxes).map(regionLine));
  facts();
}

function boxElement(region, box) {
  const made = document.createElement("div");
  made.className = `box ${colour(region)}${region === chosen ? " chosen" : ""}`;
  made.dataset.region = region;
  made.append(text("span", "", region.replaceAll("_", " ")));
  EDGES.forEach((edge) => {
    const handle = made.appendChild(document.createElement("div"));
    handle.className = "handle";
    handle.dataset.edge = edge;
    handle.style.left = edge.includes("w") ? "0" : edge.includes("e") ? "100%" : "50%";
    handle.style.top = edge.includes("n") ? "0" : edge.includes("s") ? "100%" : "50%";
    handle.style.cursor = `${edge}-resize`;
  });
  setBox(made, box, item.size);
  return made;
}

function regionLine(region, number) {
  const line = document.createElement("div");
  line.className = `region ${colour(region)}${region === chosen ? " chosen" : ""}`;
  line.append(document.createElement("i"));
  const name = text("span", "name", `${number + 1} ${region.replaceAll("_", " ")}`);
  const box = boxes[region];
  const state = box ? `${Math.round(box[2] - box[0])} × ${Math.round(box[3] - box[1])} px${region in item.moved ? ", by a person" : ""}` : box === null ? "not visible" : "unknown: draw it";
  name.append(text("small", "", state));
  const hidden = text("button", "", "Not visible");
  hidden.setAttribute("aria-pressed", box === null);
  hidden.onclick = (event) => { event.stopPropagation(); choose(region); hide(); };
  const back = text("button", "", "Reset");
  back.onclick = (event) => { event.stopPropagation(); choose(region); original(); };
  back.disabled = !(region in item.moved) || !item.boxes[region];
  line.append(name, hidden, back);
  line.onclick = () => choose(region);
  return line;
}

function facts() {
  const lines = [["", item.domain], ["status", item.kept ? "kept" : `rejected by ${item.stage}: ${(item.why || "").replaceAll("_", " ")}`]];
  if (item.word) lines.push(["verdict", `${item.word}${item.word === "reject" && item.reason ? ` (${item.reason.replaceAll("_", " ")})` : ""}, ${item.reviewer || "unnamed"}`]);
  if (item.note) lines.push(["note", item.note]);
  if (item.doubt.length) lines.push(["in doubt", item.doubt.join(", ").replaceAll("_", " ")]);
  const words = Object.entries(item.words).map(([who, word]) => `${who}: ${word}`);
  if (words.length > 1) lines.push(["disputed", `${words.join("; ")}. Your word settles it.`]);
  lines.push(["size", `${item.size[0]} × ${item.size[1]}`], ["id", item.id.slice(0, 16)]);
  document.getElementById("facts").replaceChildren(...lines.map(([name, value]) => {
    const line = text("div", "", name ? `${name}: ` : "");
    line.append(text("b", "", value));
    return line;
  }));
}

function choose(region) {
  chosen = region;
  draw();
}

// What is shown goes to the server at once; steps by keys are gathered for a moment.
function store(soon = false) {
  clearTimeout(waiting);
  const [id, region, box] = [item.id, chosen, boxes[chosen]];
  const send = () => {
    waiting = null;
    place(id, { [region]: box });
  };
  flush = send;
  if (soon) waiting = setTimeout(send, 500);
  else send();
  draw();
}

let flush = null;

function settle() {
  if (waiting) {
    clearTimeout(waiting);
    flush();
  }
}

function hide() {
  if (!chosen) return;
  boxes[chosen] = null;
  store();
}

function original() {
  if (!chosen || !item.boxes[chosen]) return;
  boxes[chosen] = item.boxes[chosen];
  store();
}

let drag = null;

function point(event) {
  const area = frame.getBoundingClientRect();
  return [((event.clientX - area.left) / area.width) * item.size[0], ((event.clientY - area.top) / area.height) * item.size[1]];
}

frame.addEventListener("pointerdown", (event) => {
  if (event.button > 0 || drag) return;
  const box = event.target.closest(".box");
  const region = box?.dataset.region || chosen;
  if (!region) return;
  const start = point(event);
  settle();
  chosen = region;
  const edge = box ? event.target.dataset.edge || "move" : "se";
  drag = { edge, start, before: box ? [...boxes[region]] : [...start, ...start], old: boxes[region], moved: false, pointer: event.pointerId };
  frame.setPointerCapture(event.pointerId);
  draw();
  event.preventDefault();
});

frame.addEventListener("pointermove", (event) => {
  if (!drag || event.pointerId !== drag.pointer) return;
  const [x, y] = point(event);
  const [dx, dy] = [x - drag.start[0], y - drag.start[1]];
  if (Math.hypot(dx, dy) < 0.5 && !drag.moved) return;
  drag.moved = true;
  boxes[chosen] = changed(drag.before, drag.edge, dx, dy);
  const element = frame.querySelector(`[data-region="${chosen}"]`);
  if (element) setBox(element, boxes[chosen], item.size);
  else draw();
});

function drop(event) {
  if (!drag || event.pointerId !== drag.pointer) return;
  const { moved, old } = drag;
  drag = null;
  const box = boxes[chosen];
  const real = box && box[2] - box[0] >= 2 && box[3] - box[1] >= 2;
  if (moved && real && event.type === "pointerup") return store();
  boxes[chosen] = old;
  draw();
}
frame.addEventListener("pointerup", drop);
frame.addEventListener("pointercancel", drop);

// A box moved as a whole, or by an edge or corner, inside the picture and never turned inside out.
function changed([x0, y0, x1, y1], edge, dx, dy) {
  const [wide, high] = item.size;
  if (edge === "move") {
    dx = Math.min(wide - x1, Math.max(-x0, dx));
    dy = Math.min(high - y1, Math.max(-y0, dy));
    return round([x0 + dx, y0 + dy, x1 + dx, y1 + dy]);
  }
  if (edge.includes("w")) x0 += dx;
  if (edge.includes("e")) x1 += dx;
  if (edge.includes("n")) y0 += dy;
  if (edge.includes("s")) y1 += dy;
  const [left, right, top, bottom] = [Math.min(x0, x1), Math.max(x0, x1), Math.min(y0, y1), Math.max(y0, y1)];
  return round([Math.max(0, left), Math.max(0, top), Math.min(wide, right), Math.min(high, bottom)]);
}

const round = (box) => box.map((value) => Math.round(value * 100) / 100);

function nudge(dx, dy, size) {
  const box = boxes[chosen];
  if (!box) return;
  const next = changed(box, size ? "se" : "move", dx, dy);
  if (next[2] - next[0] < 2 || next[3] - next[1] < 2) return;
  boxes[chosen] = next;
  store(true);
}

function step(by) {
  settle();
  const ids = viewed();
  const next = ids[ids.indexOf(item.id) + by];
  if (!next) return;
  goTo(next);
  open(next);
}

function close() {
  settle();
  dialog.close();
}

async function back(which) {
  settle();
  const ids = await which();
  if (ids && !ids.includes(item.id) && items.has(ids[0]) && viewed().includes(ids[0])) {
    goTo(ids[0]);
    open(ids[0]);
  } else reset();
}

const DO = {
  close,
  previous: () => step(-1),
  next: () => step(1),
  reject: () => { judge([item.id], "reject"); step(1); },
  accept: () => { judge([item.id], "accept"); step(1); },
  undo: () => back(undo),
};
dialog.addEventListener("click", (event) => DO[event.target.closest("[data-edit]")?.dataset.edit]?.());
dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
window.addEventListener("resize", () => dialog.open && fit());
window.addEventListener("pagehide", settle);

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

document.addEventListener("keydown", (event) => {
  if (!dialog.open) return; // on the document: the focus may be gone with a button that was drawn anew
  const key = event.key;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") back(event.shiftKey ? redo : undo);
  else if (event.ctrlKey || event.metaKey) return;
  else if (key in ARROWS && chosen) {
    const by = event.shiftKey ? 5 : 1;
    nudge(ARROWS[key][0] * by, ARROWS[key][1] * by, event.altKey);
  } else if (key === "ArrowLeft" || key === "p" || key === "PageUp") step(-1);
  else if (key === "ArrowRight" || key === "n" || key === "PageDown") step(1);
  else if (key === "Enter" && event.target.tagName !== "BUTTON") step(1);
  else if (/^[1-9]$/.test(key)) Object.keys(boxes)[key - 1] && choose(Object.keys(boxes)[key - 1]);
  else if (key === "v") hide();
  else if (key === "Backspace") original();
  else if (key === "x" || (key === " " && event.target.tagName !== "BUTTON")) DO.reject();
  else if (key === "a") DO.accept();
  else if (key === "u") back(undo);
  else if (key === "U") back(redo);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
