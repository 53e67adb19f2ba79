// What both libraries are told about audio, and what they tell of it.

// A phone that is not on the registrar's network may need a STUN or TURN server: { urls: "stun:stun.example.com" }.
export const iceServers = [];

// What comes before the answer (an announcement, "please hold") is heard. SIP.js cannot do that where the registrar
// rings several phones at once and more than one of them says something: with such a registrar, false.
export const earlyMedia = true;

// Tells a call what its connection brings: onheard(stream), onheldbyother(whether it sends nothing).
export function follow(connection, call) {
  connection.addEventListener("track", ({ track }) => call.onheard?.(new MediaStream([track])));
  connection.addEventListener("signalingstatechange", () => {
    const [direction] = connection.getTransceivers().map(({ currentDirection }) => currentDirection);
    if (connection.signalingState === "stable") call.onheldbyother?.(["recvonly", "inactive"].includes(direction));
  });
}

// Keys are pressed faster than tones are sent, and a new tone would take the place of those that wait.
export function sendTone(connection, key) {
  const { dtmf } = connection.getSenders().find(({ track }) => track?.kind === "audio");
  dtmf.insertDTMF(dtmf.toneBuffer + key);
}

// Puts another microphone's track in the place of the one that is sent.
export async function replaceTrack(connection, track) {
  const sender = connection.getSenders().find((each) => each.track?.kind === "audio");
  if (!sender) return;
  track.enabled = sender.track.enabled; // muted or held it stays
  await sender.replaceTrack(track);
}
