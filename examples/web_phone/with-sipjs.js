// The phone on SIP.js. with-jssip.js does the same, so phone.js needn't know which one it has.
import { Invitation, Inviter, Registerer, RegistererState, SessionState, UserAgent } from "sip.js";
import { audio, heard, iceServers } from "./media.js";

const media = { sessionDescriptionHandlerOptions: { constraints: audio } };
const secondsToNextTry = 4;

// events: registered(), refused(status), disconnected(), incoming(call)
export function start({ extraHeaders, ...options }, events) {
  const userAgent = new UserAgent({
    ...options,
    uri: UserAgent.makeURI(options.uri),
    sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers } },
    logLevel: "error",
    delegate: { onConnect: register, onDisconnect: again, onInvite: (invitation) => events.incoming(toCall(invitation)) },
  });
  const registerer = new Registerer(userAgent, { extraHeaders });
  let stopped = false;

  function register() {
    registerer.register({
      requestDelegate: {
        onAccept: events.registered,
        onReject: ({ message }) => events.refused(message.statusCode),
      },
    });
  }
  function again(error) {
    if (stopped || !error) return;
    events.disconnected();
    setTimeout(() => stopped || userAgent.reconnect().catch(again), secondsToNextTry * 1000);
  }
  userAgent.start().catch(again);

  return {
    call: (target) => {
      const inviter = new Inviter(userAgent, UserAgent.makeURI(target), { ...media, extraHeaders });
      const call = toCall(inviter);
      inviter.invite({
        requestDelegate: {
          onProgress: () => call.onringing?.(),
          onReject: ({ message }) => (call.status = message.statusCode),
        },
      }).catch(() => call.onended?.());
      return call;
    },
    stop: async () => {
      stopped = true;
      if (registerer.state === RegistererState.Registered && userAgent.isConnected()) {
        await new Promise((done) => registerer.unregister({
          requestOptions: { extraHeaders }, requestDelegate: { onAccept: done, onReject: done },
        }));
      }
      await userAgent.stop();
    },
  };
}

// A call tells what happens to it through onringing, onanswered(stream) and onended(status).
function toCall(session) {
  const { displayName, uri } = session.remoteIdentity;
  const call = {
    peer: displayName?.replace(/\\(.)/g, "$1") || uri.user, // SIP.js leaves the escapes of a quoted name in it
    answer: () => session.accept(media),
    hangUp: () => {
      if (session.state === SessionState.Established) return session.bye();
      return session instanceof Invitation ? session.reject() : session.cancel();
    },
    mute: (muted) => session.sessionDescriptionHandler.enableSenderTracks(!muted),
    tone: (key) => session.sessionDescriptionHandler.sendDtmf(key),
  };
  session.stateChange.addListener((state) => {
    if (state === SessionState.Established) call.onanswered?.(heard(session.sessionDescriptionHandler.peerConnection));
    if (state === SessionState.Terminated) queueMicrotask(() => call.onended?.(call.status)); // onReject comes after this
  });
  return call;
}
