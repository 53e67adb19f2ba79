// The phone on JsSIP. with-sipjs.js does the same, so the page needn't know which one it has.
//
// start(configuration, events) gives { call(target, microphone), stop() }.
// events: registered(), refused(status; 408 if no answer came), disconnected(), incoming(call).
// A call has answer(microphone), hangUp(status), mute(on), connection(), hold(on) and transfer(target). hold returns a
// promise, and transfer a promise of the transfer's status. A call reports through onringing(), onheard(stream),
// onanswered(), onheldbyother(on), onreferred({ target, follow(microphone), refuse() }) and onended(status).
import JsSIP from "jssip";
import { follow, iceServers } from "./media.js";

export function start({ extraHeaders, ...options }, events) {
  const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
  const ua = new JsSIP.UA({ ...options, sockets, connection_recovery_max_interval: 10 });
  const media = (microphone) => ({ mediaStream: microphone, pcConfig: { iceServers }, extraHeaders });
  const take = (session) => toCall(session, media);
  ua.registrator().setExtraHeaders(extraHeaders);
  ua.on("registered", events.registered);
  ua.on("registrationFailed", ({ response, cause }) => {
    if (response || cause === JsSIP.C.causes.REQUEST_TIMEOUT) events.refused(response?.status_code ?? 408);
  });
  ua.on("disconnected", ({ error }) => error && events.disconnected()); // JsSIP connects again by itself
  ua.on("newRTCSession", ({ originator, session }) => originator === "remote" && events.incoming(take(session)));
  ua.start();
  return {
    call: (target, microphone) => take(ua.call(target, media(microphone))),
    stop: () => new Promise((done) => {
      ua.removeAllListeners();
      if (!ua.isRegistered()) done();
      ua.on("unregistered", done).on("disconnected", done).stop();
    }),
  };
}

function toCall(session, media) {
  const { display_name: name, uri } = session.remote_identity;
  const call = {
    name, user: uri.user, host: uri.host,
    answer: (microphone) => {
      const { extraHeaders, ...answer } = media(microphone); // tokens are for requests
      session.answer(answer);
    },
    hangUp: (status) => session.terminate(status && { status_code: status }),
    mute: (on) => session[on ? "mute" : "unmute"]({ audio: true }),
    connection: () => session.connection,
    hold: (on) => new Promise((done, fail) => session[on ? "hold" : "unhold"]({}, done) || fail()),
    transfer: (target) => new Promise((done) => {
      const subscriber = session.refer(target);
      subscriber.on("requestFailed", ({ response }) => done(response?.status_code ?? 408));
      for (const end of ["accepted", "failed"]) subscriber.on(end, (e) => done(Number(e.status_line.status_code)));
    }),
  };
  if (session.connection) follow(session.connection, call);
  else session.on("peerconnection", ({ peerconnection }) => follow(peerconnection, call));
  session.on("progress", () => call.onringing?.());
  session.on("confirmed", () => call.onanswered?.());
  session.on("refer", ({ request, accept, reject }) => {
    if (!call.onreferred) return reject();
    call.onreferred({
      target: request.refer_to.uri,
      follow: (microphone) => {
        let taken;
        accept((referred) => (taken = toCall(referred, media)), media(microphone));
        return taken;
      },
      refuse: reject,
    });
  });
  session.on("ended", () => call.onended?.());
  session.on("failed", ({ originator, message }) => call.onended?.(originator === "remote" && message?.status_code));
  return call;
}
