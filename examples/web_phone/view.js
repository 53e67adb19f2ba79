// Draw the page from its state. Only buttons that work now are visible.
import { $, write } from "./dom.js";
import { duration } from "./lists.js";
import { onChange, state } from "./state.js";
import * as words from "./words.js";

const KINDS = { starting: "waiting", connecting: "waiting", ready: "good", signedOut: "off" };

let clock;

onChange(() => {
  const { call, line, name, problem } = state;
  const isReady = Boolean(state.phone) && !call;
  const isTalking = call?.phase === "talking";
  if (name) write("name", name);
  write("status", status());
  $("status").dataset.state = KINDS[line] ?? "bad";

  $("problem").hidden = !problem;
  write("problem-text", problem ?? "");
  $("retry").hidden = !state.canRetry || Boolean(call);
  $("sign-in").hidden = !state.needsKey;
  $("sign-out").hidden = state.needsKey || line === "starting" || Boolean(call);

  $("call").hidden = !call;
  if (call) {
    write("peer", call.peer);
    write("call-state", callState(call));
    write("tones", call.tones);
    $("call").dataset.state = isTalking ? "answered" : "ringing";
  }
  $("duration").hidden = !isTalking;
  if (isTalking) tick();
  if (isTalking) clock ??= setInterval(tick, 1000);
  else clock = clearInterval(clock);

  $("dialer").hidden = $("dial").hidden = !isReady;
  $("dial").disabled = line !== "ready";
  $("keypad").hidden = !isReady && !(isTalking && call.showsKeypad);
  $("transferrer").hidden = !call?.choosesTarget;
  $("tools").hidden = !isTalking;
  $("mute").ariaPressed = String(Boolean(call?.muted));
  $("hold").ariaDisabled = String(Boolean(call?.isChanging)); // not disabled, which would lose the focus
  $("hold").ariaPressed = String(Boolean(call?.held));
  $("show-keypad").ariaExpanded = String(Boolean(call?.showsKeypad));
  $("transfer").ariaExpanded = String(Boolean(call?.choosesTarget));
  $("transfer").disabled = Boolean(call?.isTransferring);
  $("actions").hidden = !isReady && !call;
  $("answer").hidden = call?.phase !== "incoming";
  $("hang-up").hidden = !call;
  $("hang-up").lastElementChild.textContent = call?.phase === "incoming" ? words.decline : words.hangUp;
  $("library").disabled = Boolean(call);
});

function status() {
  const { call, line, news } = state;
  if (call && line === "ready") return ""; // the call says how it is
  return news ? words.after(news, words.lines[line]) : words.lines[line];
}

function callState(call) {
  const state = call.isTransferring ? words.transferring : call.held ? words.held
    : call.heldByOther ? words.heldByOther : words.phases[call.phase];
  return call.muted ? words.both(state, words.muted) : state;
}

function tick() {
  if (state.call?.answered) write("duration", duration(Math.round((Date.now() - state.call.answered) / 1000)));
}
