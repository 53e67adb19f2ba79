// The page's elements, and its words.
import * as words from "./words.js";

export const $ = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// An icon of index.html. Screen readers skip it and read the words beside it.
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(space, "use"));
  svg.firstChild.setAttribute("href", `#${name}`);
  return svg;
}

// Write a text only when it changes: screen readers read a status aloud on every write.
export function write(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

export function fillIn() {
  document.documentElement.lang = words.language;
  for (const each of document.querySelectorAll("[data-words]")) each.textContent = words.fixed[each.dataset.words];
  for (const each of document.querySelectorAll("[data-label]")) each.ariaLabel = words.fixed[each.dataset.label];
}

export async function post(path, { body, key } = {}) {
  try {
    const headers = key ? { Authorization: `Bearer ${key}` } : {};
    const response = await fetch(path, { method: "POST", body, headers });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    return { ok: false, text: words.problems.noServer };
  }
}
