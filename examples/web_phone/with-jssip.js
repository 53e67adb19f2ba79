// The phone on JsSIP. with-sipjs.js does the same, so phone.js needn't know which one it has.
import JsSIP from "jssip";
import { audio, heard, iceServers } from "./media.js";

const media = { mediaConstraints: audio, pcConfig: { iceServers } };

// events: registered(), refused(status), disconnected(), incoming(call)
export function start({ extraHeaders, ...options }, events) {
  const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
  const ua = new JsSIP.UA({ ...options, sockets });
  ua.registrator().setExtraHeaders(extraHeaders);
  ua.on("registered", events.registered);
  ua.on("registrationFailed", ({ response }) => response && events.refused(response.status_code));
  ua.on("disconnected", ({ error }) => error && events.disconnected()); // JsSIP connects again by itself
  ua.on("newRTCSession", ({ originator, session }) => originator === "remote" && events.incoming(toCall(session)));
  ua.start();
  return {
    call: (target) => toCall(ua.call(target, { ...media, extraHeaders })),
    stop: () => new Promise((done) => {
      ua.removeAllListeners();
      if (!ua.isRegistered()) done();
      ua.on("unregistered", done).on("disconnected", done).stop();
    }),
  };
}

// A call tells what happens to it through onringing, onanswered(stream) and onended(status).
function toCall(session) {
  const { display_name: name, uri } = session.remote_identity;
  const call = {
    peer: name || uri.user,
    answer: () => session.answer(media),
    hangUp: () => session.terminate(),
    mute: (muted) => session[muted ? "mute" : "unmute"]({ audio: true }),
    tone: (key) => session.sendDTMF(key, { transportType: "RFC2833" }),
  };
  session.on("progress", () => call.onringing?.());
  session.on("confirmed", () => call.onanswered?.(heard(session.connection)));
  session.on("ended", () => call.onended?.());
  session.on("failed", ({ originator, message }) => call.onended?.(originator === "remote" && message?.status_code));
  return call;
}
