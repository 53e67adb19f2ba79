// One question at a time, which Escape answers with no.
import { $, write } from "./dom.js";

let answered = () => {};

// seconds: the time to answer. After that the answer is no.
export function ask({ question, yes, no }, seconds) {
  dismiss();
  write("ask-question", question);
  write("ask-yes", yes);
  write("ask-no", no);
  $("ask").returnValue = "";
  $("ask").showModal();
  $("ask-yes").focus();
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
  answered();
}

// The browser fires "close" late: another question may be open by then.
$("ask").addEventListener("close", () => isAsking() || answered());
