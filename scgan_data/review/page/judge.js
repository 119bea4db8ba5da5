// One picture at a time: four keys, each answer stored before the next picture comes.
import { begin, post } from "./api.js";

const picture = document.getElementById("picture");
const count = document.getElementById("count");
let busy = true;

async function step(key) {
  if (busy && key) return;
  busy = true;
  try {
    const next = await post("/api/step", () => ({ key, id: picture.dataset.id || null }));
    count.textContent = `${next.done} of ${next.total}`;
    if (!next.id) {
      document.body.textContent = "Thank you: that is all. The terminal has the result.";
      return;
    }
    picture.src = `/picture/${next.id}`;
    picture.dataset.id = next.id;
  } catch (failure) {
    count.textContent = `Not stored: ${failure.message}`;
  }
  busy = false;
}

document.addEventListener("keydown", (event) => {
  if ("ynsu".includes(event.key) && !event.repeat && !event.ctrlKey && !event.metaKey) step(event.key);
});
document.querySelectorAll("button").forEach((button) => (button.onclick = () => step(button.dataset.key)));
document.getElementById("question").textContent = (await begin()).question;
step(null);
