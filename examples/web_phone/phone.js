// The page: it signs in, fetches its phone's configuration, and shows what the phone does.
import * as jssip from "./with-jssip.js";
import * as sipjs from "./with-sipjs.js";
import { endings, microphoneTroubles, refusals } from "./words.js";

const libraries = { jssip, sipjs };
const $ = (id) => document.getElementById(id);

const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds; a longer one goes off at once

let phone; // what start() of a library gave
let domain; // where a bare number is
let call; // the one call, ringing or not
let attempt = 0; // a newer attempt to connect makes the older one give up
let renewal; // the timer that fetches a new configuration before this one's JWT expires
let clock; // the timer that shows how long the call lasts

// Signing in: the key comes with the link, after the #, which no server sees.

async function begin() {
  const key = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  if (key) await signIn(key);
  else await connect();
}

async function signIn(key) {
  const { ok, text } = await post("sign-in", key);
  if (!ok) return askForKey(text);
  $("sign-in").hidden = true;
  await connect();
}

function askForKey(problem) {
  show("Signed out", "bad");
  complain(problem);
  $("sign-in").hidden = false;
  $("key").focus();
}

// Registering. Every attempt takes a fresh configuration, so a new password or JWT is found by trying again.

async function connect() {
  const mine = ++attempt;
  show("Connecting", "waiting");
  complain();
  await disconnect();
  const library = document.querySelector("[name=library]:checked").value;
  const { ok, status, text } = await post(`configuration/${library}`);
  if (mine !== attempt) return;
  if (status === 401) return askForKey();
  if (!ok) return fail("No configuration", text);
  const { name, expires_in: seconds, configuration } = JSON.parse(text);
  $("name").textContent = document.title = name;
  domain = configuration.uri.slice(configuration.uri.lastIndexOf("@") + 1);
  if (seconds) renewal = setTimeout(renew, Math.min(Math.max(60, seconds - 60) * 1000, LONGEST_TIMER));
  try {
    phone = libraries[library].start(configuration, { registered, refused, disconnected, incoming });
  } catch (error) {
    fail("No configuration", `The configuration is not good: ${error.message}.`);
  }
}

async function disconnect() {
  const old = phone;
  phone = undefined;
  clearTimeout(renewal);
  arrange();
  await old?.stop(); // unregisters, which must not overtake the next registration
}

function renew() {
  if (call) renewal = setTimeout(renew, 5_000);
  else connect();
}

function registered() {
  show("Ready", "good");
  complain();
  arrange();
  if (!call) $("number").focus();
}

function refused(status) {
  fail("Refused", `${refusals[status] ?? "The registrar refused this phone."} (${status}) `
    + "Check the device at Siperb, then try again.");
}

function disconnected() {
  show("No connection", "bad");
  complain("The registrar cannot be reached. The phone keeps trying.", true);
}

function fail(state, problem) {
  disconnect();
  show(state, "bad");
  complain(problem, true);
}

// Calling.

async function dial(event) {
  event.preventDefault();
  const number = $("number").value.trim();
  if (!phone || call || !number || !(await microphone())) return;
  const target = /^sips?:/i.test(number) ? number : `sip:${encodeURIComponent(number)}@${domain}`;
  try {
    take(Object.assign(phone.call(target), { peer: number }), "Calling");
  } catch {
    return complain("This is no number and no SIP address.");
  }
  call.onringing = () => tell("Ringing");
  arrange();
}

function incoming(other) {
  if (call) return other.hangUp();
  take(other, "Incoming call");
  call.waiting = true;
  arrange();
  $("answer").focus();
}

async function answer() {
  if (!(await microphone())) return;
  call.waiting = false;
  tell("Connecting");
  arrange();
  call.answer();
}

function take(taken, state) {
  call = taken;
  call.onanswered = answered;
  call.onended = ended;
  show("Ready", "good");
  complain();
  tell(state);
}

function answered(stream) {
  $("audio").srcObject = stream;
  call.answered = Date.now();
  call.waiting = false;
  tell("In call");
  tick();
  clock = setInterval(tick, 1000);
  arrange();
  $("hang-up").focus();
}

function ended(status) {
  const how = endings[status] ?? (status >= 300 ? `The call failed (${status})` : "Call ended");
  clearInterval(clock);
  $("audio").srcObject = null;
  $("mute").setAttribute("aria-pressed", "false");
  show(phone ? `${how}. Ready` : how, phone ? "good" : "bad");
  call = undefined;
  arrange();
  $("number").focus();
}

function mute() {
  const muted = $("mute").getAttribute("aria-pressed") !== "true";
  call.mute(muted);
  $("mute").setAttribute("aria-pressed", String(muted));
}

function press(key) {
  if (call?.answered) return call.tone(key);
  $("number").setRangeText(key, $("number").selectionStart, $("number").selectionEnd, "end");
}

// true if there is a microphone that this page may use; says what is wrong if not.
async function microphone() {
  try {
    if (!navigator.mediaDevices) throw new DOMException("needs https", "SecurityError");
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    stream.getTracks().forEach((track) => track.stop());
    return true;
  } catch (error) {
    complain(microphoneTroubles[error.name] ?? `The microphone cannot be used: ${error.message}.`);
    return false;
  }
}

// Showing.

function show(state, kind) {
  $("status").textContent = state;
  $("status").dataset.state = kind;
}

function complain(problem, canRetry = false) {
  $("problem").hidden = !problem;
  $("problem-text").textContent = problem ?? "";
  $("retry").hidden = !canRetry;
}

function tell(state) {
  $("peer").textContent = call.peer;
  $("call-state").textContent = state;
}

function tick() {
  const seconds = Math.round((Date.now() - call.answered) / 1000);
  $("duration").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

// What can be done now is what is there to press.
function arrange() {
  const ready = Boolean(phone) && !call;
  $("call").hidden = !call;
  $("call").dataset.state = call?.answered ? "answered" : "ringing";
  $("duration").hidden = !call?.answered;
  $("dialer").hidden = $("dial").hidden = !ready;
  $("keypad").hidden = !ready && !call?.answered;
  $("actions").hidden = !ready && !call;
  $("answer").hidden = !call?.waiting;
  $("hang-up").hidden = !call;
  $("hang-up").lastElementChild.textContent = call?.waiting ? "Decline" : "Hang up";
  $("mute").hidden = !call?.answered;
  $("libraries").disabled = Boolean(call);
}

async function post(path, body) {
  try {
    const response = await fetch(path, { method: "POST", body });
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    return { ok: false, text: "This page's server does not answer. Is it running?" };
  }
}

for (const [digit, letters] of [
  ["1", ""], ["2", "ABC"], ["3", "DEF"], ["4", "GHI"], ["5", "JKL"], ["6", "MNO"],
  ["7", "PQRS"], ["8", "TUV"], ["9", "WXYZ"], ["*", ""], ["0", "+"], ["#", ""],
]) {
  const button = Object.assign(document.createElement("button"), { type: "button", ariaLabel: digit });
  button.append(digit, Object.assign(document.createElement("small"), { textContent: letters }));
  button.addEventListener("click", () => press(digit));
  $("keypad").append(button);
}
$("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn($("key").value.trim());
});
$("dialer").addEventListener("submit", dial);
$("answer").addEventListener("click", answer);
$("hang-up").addEventListener("click", () => call.hangUp());
$("mute").addEventListener("click", mute);
$("retry").addEventListener("click", connect);
$("libraries").addEventListener("change", connect);
addEventListener("keydown", ({ key }) => key === "Escape" && call?.hangUp());
addEventListener("pagehide", disconnect);
begin();
