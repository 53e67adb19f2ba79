// The page: each thing that is pressed, and what it does.
import { answer, dial, hangUp, hold, incoming, mute } from "./call.js";
import { $, fillIn } from "./dom.js";
import { begin, connect, signIn, signOut } from "./line.js";
import "./keys.js";
import "./lists.js";
import "./notice.js";
import "./view.js";
import { changed, state } from "./state.js";
import { showKeypad, showTransfer, transfer } from "./transfer.js";

function on(id, event, act) {
  $(id).addEventListener(event, (happened) => {
    if (event === "submit") happened.preventDefault();
    act();
  });
}

on("sign-in", "submit", () => signIn($("key").value.trim().split("#").pop()));
on("sign-out", "click", signOut);
on("dialer", "submit", () => dial($("number").value));
on("transferrer", "submit", () => transfer($("target").value));
on("cancel", "click", () => showTransfer(false));
on("answer", "click", answer);
on("hang-up", "click", hangUp);
on("mute", "click", mute);
on("hold", "click", hold);
on("transfer", "click", () => showTransfer(!state.call.choosesTarget));
on("show-keypad", "click", () => showKeypad(!state.call.showsKeypad));
on("retry", "click", connect);
on("library", "change", connect);
addEventListener("beforeunload", (event) => state.call && event.preventDefault()); // the browser asks

fillIn();
changed();
begin(incoming);
