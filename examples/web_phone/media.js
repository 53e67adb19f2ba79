// What both libraries are told about audio. A phone that is not on the registrar's network may need a STUN or TURN
// server here: { urls: "stun:stun.example.com" }.
export const iceServers = [];
export const audio = { audio: true, video: false };

// What the other side says, as a stream for an <audio> element.
export function heard(connection) {
  return new MediaStream(connection.getReceivers().map(({ track }) => track));
}
