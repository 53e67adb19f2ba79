// The speed dials, which are the Buddies of the provisioning document, and the calls of this session.
import { dial } from "./call.js";
import { $, icon, make } from "./dom.js";
import { onChange, state } from "./state.js";
import { recent, time } from "./words.js";

const duration = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
let shown = [];

function entry(number, ...children) {
  const button = make("button", { type: "button" }, ...children);
  button.addEventListener("click", () => dial(number));
  return make("li", {}, button);
}

function buddy({ name, number }) {
  const made = entry(number, make("span", { textContent: name }), " ", make("small", { textContent: number }));
  made.firstChild.dataset.initial = [...name][0].toUpperCase();
  return made;
}

function ended({ peer, number, kind, began, seconds, why }) {
  const length = seconds === undefined ? why : duration(seconds);
  const made = entry(number, icon(kind), make("span", { className: "unseen", textContent: recent[kind] }),
    make("span", { textContent: peer }), " ",
    make("small", { textContent: [time(began), length].filter(Boolean).join(" · ") }));
  made.className = kind;
  return made;
}

function fill(id, entries) {
  $(id).replaceChildren(...entries);
}

onChange(() => {
  const now = [state.buddies, state.calls.length];
  if (now.some((each, at) => each !== shown[at])) { // else the focus would be lost in it
    fill("buddies", state.buddies.map(buddy));
    fill("calls", state.calls.map(ended));
    $("targets").replaceChildren(...state.buddies.map(({ name, number }) => new Option(name, number)));
    shown = now;
  }
  $("speed-dials").hidden = !state.buddies.length;
  $("side").hidden = !state.name;
  $("no-calls").hidden = state.calls.length > 0;
  const canDial = state.line === "ready" && !state.call;
  for (const button of document.querySelectorAll("#buddies button, #calls button")) button.disabled = !canDial;
});

export { duration };
