// One question at a time, which Escape answers with no.
import { $, write } from "./dom.js";

let answered = () => {};

// seconds: how long it waits for an answer; then it is no.
export function ask({ question, yes, no }, seconds) {
  dismiss();
  write("ask-question", question);
  write("ask-yes", yes);
  write("ask-no", no);
  $("ask").returnValue = "";
  $("ask").showModal();
  const timer = seconds && setTimeout(dismiss, seconds * 1000);
  return new Promise((done) => {
    answered = () => {
      clearTimeout(timer);
      done($("ask").returnValue === "yes");
    };
  });
}

export const isAsking = () => $("ask").open;

export function dismiss() {
  if (isAsking()) $("ask").close("no");
}

$("ask").addEventListener("close", () => answered());
