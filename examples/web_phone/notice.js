// Announce an incoming call: a ringtone, the window's title, and a notification if the page is in the background.
import { $ } from "./dom.js";
import { isLocked, play, unlock } from "./sounds.js";
import { onChange, state } from "./state.js";
import * as words from "./words.js";

let notification;
let announced; // the call that was notified of

function draw() {
  const { call, name } = state;
  play(soundOf(call));
  if (name) document.title = call?.phase === "incoming" ? words.titleIncoming(call.peer)
    : call ? words.titleCall(call.peer, name) : name;
  $("offer").hidden = state.line !== "ready" || Boolean(call) || !canOffer();
  if (call?.phase === "incoming") announce(call);
  else withdraw();
}

function soundOf(call) {
  if (call?.phase === "incoming") return "ringtone";
  return call?.phase === "ringing" && !call.stream ? "ringback" : undefined; // early media says itself how it is
}

function announce(call) {
  const isElsewhere = document.hidden || !document.hasFocus();
  if (announced === call || !isElsewhere || permission() !== "granted") return;
  announced = call;
  try {
    notification = new Notification(words.notifyIncoming(call.peer), {
      body: words.notifyHint(state.name), tag: "incoming", requireInteraction: true,
    });
    notification.onclick = () => {
      window.focus();
      $("answer").focus();
    };
  } catch {} // Chrome on Android has them for service workers alone
}

function withdraw() {
  notification?.close();
  notification = announced = undefined;
}

// Ask for permission only after a press, with the reason beside it. Users block pages that ask at once.
function canOffer() {
  return permission() === "default" && !localStorage.getItem("notNow");
}

const permission = () => window.Notification?.permission;

$("allow").addEventListener("click", async () => {
  await Notification.requestPermission();
  draw();
});
$("not-now").addEventListener("click", () => {
  localStorage.setItem("notNow", "yes");
  draw();
});
for (const event of ["pointerdown", "keydown"]) addEventListener(event, () => isLocked() && unlock(), true);
document.addEventListener("visibilitychange", draw);
addEventListener("blur", draw);
onChange(draw);
