// Every word of the page. To translate it, replace this file and set `language` to the language's tag.
export const language = "en";

// Texts of index.html and echo.html: data-words sets an element's text, data-label its accessible name.
export const fixed = {
  webPhone: "Web phone",
  tryAgain: "Try again",
  offer: "Calls ring on this page. Should the browser also notify you when you are in another tab?",
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
  noCalls: "No calls yet. This list is kept until you close the page.",
  settings: "Settings",
  microphone: "Microphone",
  speaker: "Speaker",
  volume: "Volume",
  echo: "Echo",
  echoHint: "The echo answers every call and plays the caller's voice back. It records nothing and uses no microphone.",
};

export const keys = { holdForPlus: "Hold for +" };

// The status line, for each state of the line. `after` puts the latest event before it, such as "Call ended".
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
export const missed = (peer) => `Missed call from ${peer}`;
const endings = {
  404: "no such number", 408: "no answer", 480: "not available", 484: "the number is not complete",
  486: "busy", 487: "cancelled", 488: "no common audio format", 600: "busy", 603: "declined",
};
export const why = (status) => endings[status] ?? (status ? `status ${status}` : "no connection");

// Transfers, and what is asked.
export const transferring = "Transferring";
export const transferred = (peer) => `${peer} is transferred`;
export const notTransferred = (why) => `Not transferred: ${why}.`;
export const askToEnd = (peer) => ({ question: `End the call with ${peer}?`, yes: "End the call", no: "Keep talking" });
export const askToDecline = (peer) => ({
  question: `Decline the call from ${peer}?`, yes: "Decline", no: "Let it ring",
});
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
  notANumber: "This is not a number or a SIP address.",
  unreachable: "The registrar cannot be reached. The phone keeps trying.",
  silent: "The registrar does not answer. The phone keeps trying.",
  noServer: "This page's server does not answer. Is it running?",
  notHeld: "The other side refused. The call goes on as before.",
  badConfiguration: (why) => `The phone cannot use this configuration: ${why}.`,
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
  NotFoundError: "No microphone was found. Plug one in, then call again.",
  NotReadableError: "Another program uses the microphone. Close that program, then call again.",
  SecurityError: "Browsers give the microphone only to https pages. Open this page over https, then call again.",
};

// The echo's page.
export const echo = {
  connecting: "Connecting", ready: "Ready to be called", talking: "Playing a call back", lost: "No connection",
};
