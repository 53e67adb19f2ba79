// The one call, from dialling or ringing to its end.
import { ask, dismiss } from "./ask.js";
import { $ } from "./dom.js";
import { callEnded } from "./line.js";
import { sendTone } from "./media.js";
import { openMicrophone } from "./microphone.js";
import { clean, toNumber, toTarget } from "./number.js";
import { changed, complain, state } from "./state.js";
import { followTransfer } from "./transfer.js";
import * as words from "./words.js";

export async function dial(number) {
  const wanted = clean(number);
  if (state.line !== "ready" || state.call || !wanted) return;
  const microphone = await openMicrophone();
  if (!microphone || !state.phone || state.call) return close(microphone);
  try {
    const leg = state.phone.call(toTarget(wanted, state.domain), microphone);
    take(leg, { peer: nameOf(wanted), number: wanted, kind: "out", phase: "calling", microphone });
  } catch {
    close(microphone);
    complain(words.problems.notANumber);
  }
}

export function incoming(leg) {
  const number = toNumber(leg.user, leg.host, state.domain);
  const call = { peer: leg.name || nameOf(number), number, kind: "in", phase: "incoming" };
  if (state.call) {
    leg.hangUp(486);
    return remember({ ...call, began: new Date() });
  }
  take(leg, call);
  $("answer").focus();
}

export async function answer() {
  const call = state.call;
  const microphone = await openMicrophone();
  if (!microphone || state.call !== call || call.phase !== "incoming") return close(microphone);
  set(call, { phase: "connecting", microphone });
  call.leg.answer(microphone);
}

export async function hangUp() {
  const call = state.call;
  call.isDeclined = call.phase === "incoming";
  call.outcome = words.ended;
  dismiss();
  await end(call);
}

export async function askToHangUp() {
  const call = state.call;
  const question = call.phase === "incoming" ? words.askToDecline(call.peer) : words.askToEnd(call.peer);
  if (await ask(question) && state.call === call) await hangUp();
}

export function mute() {
  const call = state.call;
  call.leg.mute(!call.muted);
  set(call, { muted: !call.muted });
}

export async function hold() {
  const call = state.call;
  if (call.isChanging) return;
  set(call, { isChanging: true });
  try {
    await call.leg.hold(!call.held);
    call.held = !call.held;
  } catch {
    if (state.call === call) complain(words.problems.notHeld);
  }
  set(call, { isChanging: false });
}

export function tone(key) {
  const call = state.call;
  sendTone(call.leg.connection(), key);
  set(call, { tones: call.tones + key });
}

// Make `leg` the page's call. `before` is the call that was transferred; it comes back if this call fails.
export function take(leg, details) {
  const call = { leg, began: new Date(), tones: "", ...details };
  leg.onringing = () => call.phase === "calling" && set(call, { phase: "ringing" });
  leg.onheard = (stream) => set(call, { stream });
  leg.onheldbyother = (on) => set(call, { heldByOther: on && !call.held });
  leg.onanswered = () => answered(call);
  leg.onended = (status) => ended(call, status);
  leg.onreferred = (referral) => followTransfer(call, referral);
  Object.assign(state, { call, news: undefined, problem: undefined });
  changed();
}

export function set(call, details) {
  Object.assign(call, details);
  changed();
}

// onended tells the end. The call may have ended already; that is no error.
export async function end({ leg }) {
  try {
    await leg.hangUp();
  } catch {}
}

function answered(call) {
  const { before } = call;
  set(call, { phase: "talking", answered: Date.now(), before: undefined });
  if (before) end(before);
  else $("hang-up").focus();
}

function ended(call, status) {
  close(call.microphone);
  call.microphone = undefined;
  const hasFailed = call.kind === "out" && !call.answered && !call.outcome;
  if (hasFailed) Object.assign(call, { kind: "failed", why: words.why(status) });
  remember(call);
  if (state.call?.before === call) state.call.before = undefined;
  if (state.call !== call) return changed();
  dismiss();
  if (call.before) {
    state.call = call.before;
    state.call.leg.mute(Boolean(state.call.muted));
    return complain(words.notTransferred(call.why ?? call.outcome));
  }
  state.call = undefined;
  if (hasFailed) complain(words.failed(call.peer, call.why));
  else state.news = isMissed(call) ? words.missed(call.peer) : call.outcome ?? words.ended;
  changed();
  $("number").focus();
  callEnded();
}

function isMissed({ kind, answered, isDeclined }) {
  return kind === "in" && !answered && !isDeclined;
}

function remember(call) {
  const { peer, number, began, answered, why } = call;
  const seconds = answered && Math.round((Date.now() - answered) / 1000);
  state.calls.unshift({ peer, number, began, seconds, why, kind: isMissed(call) ? "missed" : call.kind });
  changed();
}

function nameOf(number) {
  const named = [...state.buddies, ...state.calls].find((each) => each.number === number);
  return named?.name ?? named?.peer ?? number;
}

function close(microphone) {
  microphone?.getTracks().forEach((track) => track.stop());
}
