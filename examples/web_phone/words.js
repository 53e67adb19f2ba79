// Every word of the page. Another language is another one of this file; `language` is its tag.
export const language = "en";

// What stands in index.html and echo.html: data-words is the text of an element, data-label its accessible name.
export const fixed = {
  webPhone: "Web phone",
  tryAgain: "Try again",
  offer: "Calls ring in this page. Shall the browser also notify you of them while you are elsewhere?",
  allow: "Notify me",
  notNow: "Not now",
  key: "Key",
  keyHint: "Paste the link that the server printed, or its part after the #.",
  signIn: "Sign in",
  signOut: "Sign out",
  number: "Number or SIP address",
  backspace: "Delete the last digit",
  keypad: "Keypad",
  tones: "Keys pressed",
  mute: "Mute",
  hold: "Hold",
  transfer: "Transfer",
  transferTo: "Transfer to",
  cancel: "Cancel",
  answer: "Answer",
  dial: "Call",
  library: "SIP library",
  speedDials: "Speed dials",
  recentCalls: "Recent calls",
  noCalls: "None yet. They are kept until this page is closed.",
  settings: "Settings",
  microphone: "Microphone",
  speaker: "Speaker",
  volume: "Volume",
  echo: "Echo",
  echoHint: "It answers every call and sends back what it hears. Nothing is recorded, and no microphone is used.",
};

export const keys = { holdForPlus: "Hold for +" };

// The status line, by the state of the line; `after` is what has just happened, "Call ended" for one.
export const lines = {
  starting: "Starting", signedOut: "Signed out", connecting: "Connecting", ready: "Ready", lost: "No connection",
  refused: "Refused", noConfiguration: "No configuration",
};
export const connectedAgain = "Connected again";
export const after = (news, line) => `${news}. ${line}`;

// The call, by its phase.
export const phases = {
  calling: "Calling", ringing: "Ringing", incoming: "Incoming call", connecting: "Connecting", talking: "In call",
};
export const held = "On hold";
export const heldByOther = "The other side holds the call";
export const muted = "microphone off";
export const both = (one, other) => `${one}, ${other}`;
export const hangUp = "Hang up";
export const decline = "Decline";
export const ended = "Call ended";
export const failed = (peer, why) => `The call to ${peer} failed: ${why}.`;
export const missed = (peer) => `Missed a call of ${peer}`;
const endings = {
  404: "no such number", 408: "no answer", 480: "not available", 484: "the number is not complete",
  486: "busy", 487: "cancelled", 488: "no common way to talk", 600: "busy", 603: "declined",
};
export const why = (status) => endings[status] ?? (status ? `status ${status}` : "no connection");

// Transfers, and what is asked.
export const transferring = "Transferring";
export const transferred = (peer) => `${peer} is transferred`;
export const notTransferred = (why) => `Not transferred: ${why}.`;
export const askToEnd = (peer) => ({ question: `End the call with ${peer}?`, yes: "End the call", no: "Keep talking" });
export const askToDecline = (peer) => ({ question: `Decline the call of ${peer}?`, yes: "Decline", no: "Let it ring" });
export const askToFollow = (peer, target) => ({
  question: `${peer} wants to transfer you to ${target}. Call there?`, yes: `Call ${target}`, no: "Stay here",
});

// The window's title and the notification.
export const titleIncoming = (peer) => `☎ ${peer} is calling`;
export const titleCall = (peer, name) => `${peer} – ${name}`;
export const notifyIncoming = (peer) => `${peer} is calling`;
export const notifyHint = (name) => `Answer in ${name}.`;

// Recent calls.
export const recent = { out: "Outgoing: ", failed: "Failed: ", in: "Incoming: ", missed: "Missed: " };
export const time = (date) => date.toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" });

// Sound.
export const defaultDevice = "System default";
export const unnamedDevice = (number) => `Device ${number}`;

// What is wrong, and what to do.
export const problems = {
  notANumber: "This is no number and no SIP address.",
  unreachable: "The registrar cannot be reached. The phone keeps trying.",
  silent: "The registrar does not answer. The phone keeps trying.",
  noServer: "This page's server does not answer. Is it running?",
  notHeld: "The other side did not take part in that. The call goes on as before.",
  badConfiguration: (why) => `The configuration is not good: ${why}.`,
  refused: (status) => `${refusals[status] ?? "The registrar refused this phone."} (${status}) `
    + "Check the device at Siperb, then try again.",
  microphone: ({ name, message }) => microphoneTroubles[name] ?? `The microphone cannot be used: ${message}.`,
};
const refusals = {
  401: "The registrar refused this phone's password.",
  403: "The registrar does not let this phone in.",
  404: "The registrar does not know this phone.",
};
const microphoneTroubles = {
  NotAllowedError: "The microphone is blocked. Allow it for this page in the browser's address bar, then call again.",
  NotFoundError: "There is no microphone. Plug one in, then call again.",
  NotReadableError: "Another program keeps the microphone. Close it there, then call again.",
  SecurityError: "A browser gives no microphone to a page without https. Open this page over https, then call again.",
};

// The echo's page.
export const echo = {
  connecting: "Connecting", ready: "Ready to be called", talking: "Sending back what it hears", lost: "No connection",
};
