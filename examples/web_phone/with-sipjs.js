// The phone on SIP.js. with-jssip.js does the same and describes the interface.
import { Invitation, Inviter, Registerer, RegistererState, SessionState, UserAgent, Web } from "sip.js";
import { earlyMedia, follow, iceServers } from "./media.js";

const secondsToNextTry = 4;

export function start({ extraHeaders, ...options }, events) {
  const userAgent = new UserAgent({
    ...options,
    uri: UserAgent.makeURI(options.uri),
    sessionDescriptionHandlerFactory: Web.defaultSessionDescriptionHandlerFactory(
      async (constraints, handler, { microphone }) => microphone),
    sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers } },
    logLevel: "error",
    delegate: {
      onConnect: register,
      onDisconnect: again,
      onInvite: (invitation) => events.incoming(toCall(invitation, invite)),
    },
  });
  const registerer = new Registerer(userAgent, { extraHeaders });
  let stopped = false;
  let isRegistered = false;

  function register() {
    isRegistered = false;
    registerer.register({
      requestDelegate: {
        onAccept: () => {
          isRegistered = true;
          events.registered();
        },
        onReject: ({ message }) => events.refused(message.statusCode),
      },
    }).catch(() => setTimeout(() => stopped || register(), secondsToNextTry * 1000)); // the one before is under way
  }
  registerer.stateChange.addListener((state) => { // only this tells how a refresh ended
    const isLapsed = state === RegistererState.Unregistered && isRegistered && !stopped;
    if (isLapsed && userAgent.isConnected()) events.refused(408);
  });
  function again(error) {
    if (stopped || !error) return;
    events.disconnected();
    setTimeout(() => stopped || userAgent.reconnect().catch(again), secondsToNextTry * 1000);
  }
  userAgent.start().catch(again);

  function invite(inviter) {
    const call = toCall(inviter, invite);
    inviter.invite({
      requestDelegate: {
        onProgress: () => call.onringing?.(),
        onReject: ({ message }) => (call.status = message.statusCode),
      },
    }).catch(() => call.onended?.());
    return call;
  }
  invite.options = (microphone) => ({ ...media(microphone), earlyMedia, extraHeaders });

  return {
    call: (target, microphone) =>
      invite(new Inviter(userAgent, UserAgent.makeURI(target), invite.options(microphone))),
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

const media = (microphone) => ({ sessionDescriptionHandlerOptions: { constraints: { audio: true }, microphone } });

function toCall(session, invite) {
  const { displayName, uri } = session.remoteIdentity;
  let muted = false;
  let held = false;
  const quieten = () => session.sessionDescriptionHandler.enableSenderTracks(!muted && !held);
  const call = {
    name: displayName?.replace(/\\(.)/g, "$1"), // SIP.js leaves the escapes of a quoted name in it
    user: uri.user, host: uri.host,
    answer: (microphone) => session.accept(media(microphone)),
    hangUp: (status) => {
      if (session.state === SessionState.Established) return session.bye();
      return session instanceof Invitation ? session.reject(status && { statusCode: status }) : session.cancel();
    },
    mute: (on) => {
      muted = on;
      quieten();
    },
    connection: () => session.sessionDescriptionHandler?.peerConnection,
    hold: (on) => new Promise((done, fail) => session.invite({
      sessionDescriptionHandlerOptions: { hold: on },
      requestDelegate: {
        onAccept: () => {
          held = on;
          quieten();
          done();
        },
        onReject: () => {
          session.sessionDescriptionHandlerOptionsReInvite = { hold: held };
          fail();
        },
      },
    }).catch(fail)),
    transfer: (target) => new Promise((done) => session.refer(UserAgent.makeURI(target), {
      requestDelegate: { onReject: ({ message }) => done(message.statusCode) },
      onNotify: (notification) => {
        notification.accept();
        const [, status] = /^SIP\/2\.0 (\d{3})/.exec(notification.request.body) ?? [];
        if (status >= 200) done(Number(status));
      },
    }).catch(() => done(408))),
  };
  session.delegate = {
    onSessionDescriptionHandler: ({ peerConnection }) => follow(peerConnection, call),
    onRefer: (referral) => { // without this, SIP.js calls any number that the other side names
      const refuse = () => referral.reject({ statusCode: 603 });
      if (!call.onreferred) return refuse();
      call.onreferred({
        target: referral.referTo.uri,
        follow: (microphone) => {
          referral.accept();
          return invite(referral.makeInviter(invite.options(microphone)));
        },
        refuse,
      });
    },
  };
  session.stateChange.addListener((state) => {
    if (state === SessionState.Established) call.onanswered?.();
    // onReject comes after this.
    if (state === SessionState.Terminated) queueMicrotask(() => call.onended?.(call.status));
  });
  return call;
}
