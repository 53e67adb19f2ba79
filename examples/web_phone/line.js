// The line to the registrar: signing in, registering, and coming back by itself.
import { $, post } from "./dom.js";
import { changed, complain, state } from "./state.js";
import * as jssip from "./with-jssip.js";
import * as sipjs from "./with-sipjs.js";
import { connectedAgain, problems } from "./words.js";

const libraries = { jssip, sipjs };
const LONGEST_TIMER = 2 ** 31 - 1; // milliseconds; a longer one goes off at once
const SECONDS_TO_NEXT_TRY = 10;
const MILLISECONDS_TO_UNREGISTER = 2000;

const SESSION = "session"; // the page's key at its server: in sessionStorage, which is this tab's and this port's alone

let attempt = 0; // a newer attempt to connect makes the older one give up
let timer; // of the next attempt: before the JWT expires, or after the registrar did not answer
let isDue = false; // a new attempt, which waits for the end of the call
let wasLost = false;
let onIncoming;

export async function begin(incoming) {
  onIncoming = incoming;
  const key = location.hash.slice(1); // which no server sees
  history.replaceState(null, "", location.pathname);
  if (key) await signIn(key);
  else await connect();
}

export async function signIn(key) {
  const { ok, text } = await post("sign-in", { body: key });
  if (!ok) return askForKey(text);
  sessionStorage.setItem(SESSION, text);
  state.needsKey = false;
  await connect();
}

export async function signOut() {
  attempt++;
  await post("sign-out", { key: sessionStorage.getItem(SESSION) });
  sessionStorage.removeItem(SESSION);
  await Promise.race([disconnect(), new Promise((up) => setTimeout(up, MILLISECONDS_TO_UNREGISTER))]);
  location.reload(); // which forgets the calls and the speed dials too
}

function askForKey(problem) {
  sessionStorage.removeItem(SESSION);
  Object.assign(state, { line: "signedOut", needsKey: true, problem, canRetry: false });
  changed();
  $("key").focus();
}

// Every attempt takes a fresh configuration, so a new password or JWT is found by trying again.
export async function connect() {
  if (state.call) return void (isDue = true); // it is not cut
  isDue = false;
  const mine = ++attempt;
  Object.assign(state, { line: "connecting", news: undefined, problem: undefined });
  await disconnect();
  const library = $("library").value;
  const { ok, status, text } = await post(`configuration/${library}`, { key: sessionStorage.getItem(SESSION) });
  if (mine !== attempt) return;
  if (status === 401) return askForKey();
  if (!ok) return fail("noConfiguration", text);
  const { name, buddies, expires_in: seconds, configuration } = JSON.parse(text);
  const domain = configuration.uri.slice(configuration.uri.lastIndexOf("@") + 1);
  if (seconds) tryAgainIn(Math.max(60, seconds - 60));
  try {
    const phone = libraries[library].start(configuration, { registered, refused, disconnected, incoming: onIncoming });
    Object.assign(state, { phone, name, buddies, domain });
  } catch (error) {
    return fail("noConfiguration", problems.badConfiguration(error.message));
  }
  changed();
}

export async function disconnect() {
  const old = state.phone;
  state.phone = undefined;
  clearTimeout(timer);
  changed();
  await old?.stop(); // unregisters, which must not overtake the next registration
}

export function callEnded() {
  if (isDue) connect();
}

function tryAgainIn(seconds) {
  clearTimeout(timer);
  timer = setTimeout(connect, Math.min(seconds * 1000, LONGEST_TIMER));
}

function registered() {
  Object.assign(state, { line: "ready", problem: undefined, news: wasLost ? connectedAgain : state.news });
  wasLost = false;
  changed();
  if (!state.call && document.activeElement === document.body) $("number").focus();
}

function refused(status) {
  if (status !== 408 && status < 500) return fail("refused", problems.refused(status));
  lose(problems.silent);
  tryAgainIn(SECONDS_TO_NEXT_TRY);
}

function disconnected() {
  lose(problems.unreachable); // the library connects again
}

function lose(problem) {
  wasLost ||= state.line === "ready";
  Object.assign(state, { line: "lost", news: undefined });
  complain(problem, true);
}

function fail(line, problem) {
  state.line = line;
  if (!state.call) disconnect();
  complain(problem, true);
}

// After a change of network the old connection is dead, and no event tells it.
addEventListener("offline", () => state.phone && disconnected());
addEventListener("online", () => state.phone && connect());
addEventListener("pagehide", disconnect);
