// The grid: only the tiles near the screen exist; whole rows fit between header and footer.
import { boxOf, items, session } from "./store.js";

const STEPS = [4, 12, 24, 40, 70, 120];
const main = document.getElementById("grid");
const sheet = document.getElementById("sheet");
const tiles = new Map();
let view = [];
let columns = 1, pitchX = 1, pitchY = 1, rows = 1;
let step = window.innerWidth < 700 ? 2 : 3;
let boxes = false;
export const at = { focus: 0, anchor: 0 };

export function setView(ids, keep) {
  view = ids;
  at.focus = at.anchor = Math.max(0, keep ? ids.indexOf(keep) : 0);
  layout();
  if (!keep) main.scrollTop = 0;
}

export const viewed = () => view;
export const focused = () => view[at.focus];

export function selected() {
  const [low, high] = [Math.min(at.anchor, at.focus), Math.max(at.anchor, at.focus)];
  return view.slice(low, high + 1);
}

export function zoom(by) {
  step = Math.min(STEPS.length - 1, Math.max(0, step + by));
  layout();
  reveal();
}

export function showBoxes(on) {
  boxes = on;
  redraw();
}

export const boxesShown = () => boxes;

export function layout() {
  const [wide, high] = [main.clientWidth, main.clientHeight];
  columns = Math.max(1, Math.round(Math.sqrt((STEPS[step] * wide) / high)));
  rows = Math.max(1, Math.ceil(STEPS[step] / columns));
  pitchX = Math.floor(wide / columns);
  pitchY = Math.floor(high / rows);
  sheet.classList.toggle("empty", !view.length);
  sheet.textContent = "";
  tiles.clear();
  if (!view.length) {
    sheet.style.height = "auto";
    sheet.textContent = "No picture here. Change the filters above.";
    return;
  }
  // the last screen is whole too: a scroll by screens always ends on a row's edge
  const lines = Math.max(Math.ceil(view.length / columns), rows);
  sheet.style.height = `${lines * pitchY + (high - rows * pitchY)}px`;
  draw();
}

// Indices of the pictures that are on the screen, at least by half.
export function shown() {
  const first = Math.round(main.scrollTop / pitchY) * columns;
  return view.slice(first, first + rows * columns);
}

export function page(by) {
  at.focus = at.anchor = clamp(at.focus + by * rows * columns);
  const top = Math.round(main.scrollTop / pitchY) + by * rows;
  main.scrollTop = Math.max(0, top) * pitchY;
  draw();
}

// Whether the screen shows the last picture.
export function atEnd() {
  return Math.round(main.scrollTop / pitchY) * columns + rows * columns >= view.length;
}

export function move(dx, dy, extend) {
  go(at.focus + dx + dy * columns, extend);
}

export function go(index, extend) {
  at.focus = clamp(index);
  if (!extend) at.anchor = at.focus;
  reveal();
  draw();
}

export const goTo = (id, extend) => go(view.indexOf(id), extend);

function clamp(index) {
  return Math.min(view.length - 1, Math.max(0, index));
}

function reveal() {
  const line = Math.floor(at.focus / columns);
  const first = Math.ceil(main.scrollTop / pitchY - 0.01);
  if (line < first) main.scrollTop = line * pitchY;
  else if (line >= first + rows) main.scrollTop = (line - rows + 1) * pitchY;
}

export function redraw(ids) {
  (ids || [...tiles.keys()]).forEach((id) => tiles.has(id) && dress(tiles.get(id), items.get(id)));
}

export function draw() {
  const first = Math.max(0, Math.floor(main.scrollTop / pitchY) - 2);
  const last = Math.ceil((main.scrollTop + main.clientHeight) / pitchY) + 2;
  const wanted = new Map();
  for (let index = first * columns; index < Math.min(view.length, last * columns); index++) wanted.set(view[index], index);
  tiles.forEach((tile, id) => {
    if (!wanted.has(id)) {
      tile.remove();
      tiles.delete(id);
    }
  });
  const [low, high] = [Math.min(at.anchor, at.focus), Math.max(at.anchor, at.focus)];
  wanted.forEach((index, id) => {
    if (!tiles.has(id)) tiles.set(id, sheet.appendChild(make(items.get(id), index)));
    const tile = tiles.get(id);
    tile.classList.toggle("focus", index === at.focus);
    tile.classList.toggle("selected", index >= low && index <= high && low !== high);
    tile.setAttribute("aria-selected", index >= low && index <= high);
  });
}

function make(item, index) {
  const tile = document.createElement("div");
  tile.className = "tile";
  tile.dataset.id = item.id;
  tile.setAttribute("role", "gridcell");
  tile.style.width = `${pitchX}px`;
  tile.style.height = `${pitchY}px`;
  tile.style.transform = `translate(${(index % columns) * pitchX}px, ${Math.floor(index / columns) * pitchY}px)`;
  const card = tile.appendChild(document.createElement("div"));
  card.className = "card";
  const fit = card.appendChild(document.createElement("div"));
  fit.className = "fit";
  const [wide, high] = item.size[0] ? item.size : [1, 1];
  const scale = Math.min((pitchX - 6) / wide, (pitchY - 6) / high);
  fit.style.width = `${wide * scale}px`;
  fit.style.height = `${high * scale}px`;
  const picture = fit.appendChild(new Image());
  picture.alt = "";
  picture.draggable = false;
  picture.decoding = "async";
  picture.onerror = () => fit.replaceChildren(text("div", "broken", "unreadable"));
  picture.src = `/thumb/${item.id}`;
  const drawn = fit.appendChild(document.createElement("div"));
  drawn.className = "boxes";
  card.appendChild(document.createElement("div")).className = "tags";
  dress(tile, item);
  return tile;
}

export function text(kind, name, words) {
  const made = document.createElement(kind);
  made.className = name;
  made.textContent = words;
  return made;
}

const short = (name) => (name || "").replaceAll("_", " ");

function dress(tile, item) {
  tile.classList.toggle("reject", item.word === "reject");
  tile.classList.toggle("accept", item.word === "accept");
  tile.classList.toggle("fallen", !item.kept && item.word !== "reject");
  const tags = [];
  const disputed = Object.keys(item.words).length > 1;
  if (disputed) tags.push(["warn", "disputed"]);
  if (item.word === "reject") tags.push(["bad", item.reason && item.reason !== "human_rejected" ? short(item.reason) : "rejected"]);
  else if (!item.kept) tags.push(["", `${item.stage}: ${short(item.why)}`]);
  if (Object.keys(item.moved).length) tags.push(["good", "boxes"]);
  if (!item.word) item.doubt.forEach((doubt) => tags.push(["warn", `${short(doubt)}?`]));
  tile.querySelector(".tags").replaceChildren(...tags.map(([kind, words]) => text("span", `tag ${kind}`, words)));
  tile.setAttribute("aria-label", `${item.domain}, ${tags.map(([, words]) => words).join(", ") || item.word || "not judged"}`);
  tile.querySelector(".boxes")?.replaceChildren(...(boxes ? drawnBoxes(item) : []));
}

function drawnBoxes(item) {
  return regionsOf(item).flatMap((region) => {
    const box = boxOf(item, region);
    if (!box) return [];
    const made = document.createElement("div");
    made.className = colour(region);
    setBox(made, box, item.size);
    return [made];
  });
}

export function setBox(element, [x0, y0, x1, y1], [wide, high]) {
  element.style.left = `${(100 * x0) / wide}%`;
  element.style.top = `${(100 * y0) / high}%`;
  element.style.width = `${(100 * (x1 - x0)) / wide}%`;
  element.style.height = `${(100 * (y1 - y0)) / high}%`;
}

// The attentive regions, and those further ones that this picture has.
export function regionsOf(item) {
  return session.allRegions.filter(
    (region) => session.regions.includes(region) || region in item.boxes || region in item.moved,
  );
}

export const colour = (region) => `r${session.allRegions.indexOf(region) % 8}`;

main.addEventListener("scroll", draw, { passive: true });
new ResizeObserver(() => layout()).observe(main);
