// The keypad and the keyboard: digits of a number before a call, tones in it.
import { isAsking } from "./ask.js";
import { askToHangUp, tone } from "./call.js";
import { $, make } from "./dom.js";
import { clean } from "./number.js";
import { playKey } from "./sounds.js";
import { state } from "./state.js";
import { showTransfer } from "./transfer.js";
import { keys } from "./words.js";

const MILLISECONDS_TO_PLUS = 500;
const number = $("number");
const isDialling = () => !$("dialer").hidden;

function press(key) {
  if (state.call?.phase === "talking") tone(key);
  else if (isDialling()) type(key);
  else return;
  if (key !== "+") playKey(key);
  flash(key);
}

function type(text) {
  number.setRangeText(text, number.selectionStart, number.selectionEnd, "end");
}

export function backspace() {
  const { selectionStart: from, selectionEnd: to } = number;
  number.setRangeText("", from === to ? Math.max(0, from - 1) : from, to, "end");
}

function flash(key) {
  const button = [...$("keypad").children].find(({ value }) => value === key);
  button?.classList.remove("pressed");
  void button?.offsetWidth; // so that the animation begins again
  button?.classList.add("pressed");
}

// Holding the 0 makes it a +, under a finger, under Space and Enter, and in the number itself.
let plus; // the timer
let hasTyped = false; // the 0, by this very press
let isHeld = false;

function hold(event) {
  if (event.repeat || !isDialling()) return;
  hasTyped = isHeld = false;
  clearTimeout(plus);
  plus = setTimeout(() => {
    isHeld = true;
    if (hasTyped) backspace();
    type("+");
  }, MILLISECONDS_TO_PLUS);
}

const release = () => clearTimeout(plus);

function pressZero() {
  if (!isHeld) press("0");
  hasTyped = true;
  isHeld = false;
}

for (const [digit, letters] of [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
]) {
  const button = make("button", { type: "button", value: digit, ariaLabel: digit }, digit);
  button.dataset.letters = letters;
  button.addEventListener("keydown", (event) => event.repeat && event.preventDefault());
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
  button.addEventListener("click", () => (digit === "0" ? pressZero() : press(digit)));
  if (digit === "0") {
    button.ariaDescription = keys.holdForPlus;
    for (const event of ["pointerdown", "keydown"]) button.addEventListener(event, hold);
    for (const event of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"]) {
      button.addEventListener(event, release);
    }
  }
  $("keypad").append(button);
}

number.addEventListener("keydown", (event) => {
  if (event.key !== "0") return;
  if (!event.repeat) hasTyped = true;
  else {
    event.preventDefault();
    if (hasTyped) backspace();
    if (hasTyped) type("+");
    hasTyped = false;
  }
});
for (const field of [number, $("target")]) {
  field.addEventListener("paste", (event) => {
    event.preventDefault();
    field.setRangeText(clean(event.clipboardData.getData("text")), field.selectionStart, field.selectionEnd, "end");
  });
}
$("backspace").addEventListener("click", () => {
  backspace();
  number.focus();
});

addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || isAsking()) return;
  if (key === "Escape" && state.call) {
    event.preventDefault(); // which would close the question at once
    if (state.call.choosesTarget) showTransfer(false);
    else askToHangUp();
  }
  const isTaken = target.closest("input, select");
  if (isTaken || event.repeat) return;
  if (/^[0-9*#]$/.test(key) || (/^[a-d]$/i.test(key) && state.call)) press(key.toUpperCase());
  else if (key === "+" && isDialling()) type("+");
  else if (key === "Backspace" && isDialling()) backspace();
  else return;
  event.preventDefault();
  if (isDialling()) number.focus();
});
