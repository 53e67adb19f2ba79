// Blind transfer, from both sides: sending the other side of a call elsewhere, and being sent.
import { ask } from "./ask.js";
import { end, set, take } from "./call.js";
import { $ } from "./dom.js";
import { openMicrophone } from "./microphone.js";
import { clean, toNumber, toTarget } from "./number.js";
import { complain, state } from "./state.js";
import * as words from "./words.js";

const SECONDS_TO_DECIDE = 20; // the request is answered before it times out (RFC 3261, 17.1.2.2: 32 seconds)

export function showTransfer(isShown) {
  set(state.call, { choosesTarget: isShown, showsKeypad: false });
  $(isShown ? "target" : "transfer").focus();
}

export function showKeypad(isShown) {
  set(state.call, { showsKeypad: isShown, choosesTarget: false });
}

export async function transfer(number) {
  const call = state.call;
  const wanted = clean(number);
  if (!wanted) return;
  set(call, { choosesTarget: false, isTransferring: true });
  $("hang-up").focus();
  let status;
  try {
    status = await call.leg.transfer(toTarget(wanted, state.domain));
  } catch {
    set(call, { isTransferring: false });
    return complain(words.problems.notANumber);
  }
  if (state.call !== call) return;
  set(call, { isTransferring: false });
  if (status >= 300) return complain(words.notTransferred(words.why(status)));
  call.outcome = words.transferred(call.peer);
  await end(call);
}

// The other side can name any number, and this phone would pay for the call. So its user is asked.
export async function followTransfer(call, { target, follow, refuse }) {
  const number = toNumber(target.user, target.host, state.domain);
  const isWanted = state.call === call && target.scheme === "sip"
    && await ask(words.askToFollow(call.peer, number), SECONDS_TO_DECIDE);
  const microphone = isWanted && state.call === call && await openMicrophone();
  if (!microphone) return refuse();
  call.leg.mute(true); // until its end, or until it comes back
  take(follow(microphone), { peer: number, number, kind: "out", phase: "calling", before: call, microphone });
}
