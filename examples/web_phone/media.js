// Audio for both libraries: their options, and what they report.

// A phone that is not on the registrar's network may need a STUN or TURN server: { urls: "stun:stun.example.com" }.
export const iceServers = [];

// Play audio that comes before the answer, such as an announcement. Set it to false if the registrar rings several
// phones at once: SIP.js cannot play the audio of more than one.
export const earlyMedia = true;

// Tells a call what its connection brings: onheard(stream), onheldbyother(whether it sends nothing).
export function follow(connection, call) {
  connection.addEventListener("track", ({ track }) => call.onheard?.(new MediaStream([track])));
  connection.addEventListener("signalingstatechange", () => {
    const [direction] = connection.getTransceivers().map(({ currentDirection }) => currentDirection);
    if (connection.signalingState === "stable") call.onheldbyother?.(["recvonly", "inactive"].includes(direction));
  });
}

// People press keys faster than tones are sent. insertDTMF replaces the tones that wait, so they are sent again.
export function sendTone(connection, key) {
  const { dtmf } = connection.getSenders().find(({ track }) => track?.kind === "audio");
  dtmf.insertDTMF(dtmf.toneBuffer + key);
}

// Send the track of another microphone instead.
export async function replaceTrack(connection, track) {
  const sender = connection.getSenders().find((each) => each.track?.kind === "audio");
  if (!sender) return;
  track.enabled = sender.track.enabled; // muted or held it stays
  await sender.replaceTrack(track);
}
