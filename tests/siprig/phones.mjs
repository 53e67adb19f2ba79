// The same softphone on either library: register, call, answer, hang up. In Node (no media there) and in a page.
import JsSIP from "jssip";
import { Inviter, Registerer, SessionState, UserAgent } from "sip.js";

export { talk } from "./talkers.mjs";

const iceServers = [];
const audio = { audio: true, video: false };

// configuration: what siperb.sip emits for the library. The answer's `outcome` is
// {state: "registered" | "refused", status, bindings} (the number of contacts at the registrar) or
// {state: "no connection"}.
export function register(library, configuration) {
  return { sipjs, jssip }[library](configuration);
}

async function sipjs({ extraHeaders, ...options }) {
  const media = { peerConnectionConfiguration: { iceServers } };
  const userAgent = new UserAgent({
    ...options, uri: UserAgent.makeURI(options.uri),
    logBuiltinEnabled: false, sessionDescriptionHandlerFactoryOptions: media,
  });
  try {
    await userAgent.start();
  } catch {
    return { outcome: { state: "no connection" }, stop: () => {} };
  }
  const registerer = new Registerer(userAgent, { extraHeaders });
  const { message } = await new Promise((done) =>
    registerer.register({ requestDelegate: { onAccept: done, onReject: done } }));
  const state = registerer.state === "Registered" ? "registered" : "refused";
  const sessionDescriptionHandlerOptions = { constraints: audio };
  const toCall = (session) => ({
    connection: () => session.sessionDescriptionHandler.peerConnection,
    ended: new Promise((done) => session.stateChange.addListener((now) => now === SessionState.Terminated && done("ended"))),
    hangUp: () => new Promise((done) =>
      session.bye({ requestDelegate: { onAccept: (r) => done(r.message.statusCode), onReject: (r) => done(r.message.statusCode) } })),
  });
  return {
    outcome: { state, status: message.statusCode, bindings: message.getHeaders("contact").length },
    call: (target) => new Promise((done) => {
      const inviter = new Inviter(userAgent, UserAgent.makeURI(target), { extraHeaders, sessionDescriptionHandlerOptions });
      const answered = ({ message: { statusCode } }) => done({ status: statusCode, ...toCall(inviter) });
      inviter.invite({ requestDelegate: { onAccept: answered, onReject: answered } });
    }),
    answer: () => new Promise((done) => {
      userAgent.delegate = {
        onInvite: async (invitation) => {
          await invitation.accept({ sessionDescriptionHandlerOptions });
          done(toCall(invitation));
        },
      };
    }),
    announce: () => { // says something before it answers, which it never does
      userAgent.delegate = { onInvite: (invitation) => invitation.progress({ statusCode: 183, sessionDescriptionHandlerOptions }) };
    },
    stop: () => userAgent.stop(),
  };
}

async function jssip({ extraHeaders, ...options }) {
  const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
  const ua = new JsSIP.UA({ ...options, sockets });
  ua.registrator().setExtraHeaders(extraHeaders);
  const stop = () => new Promise((done) => {
    if (!ua.isRegistered()) return done(ua.stop());
    ua.on("unregistered", () => done());
    ua.stop();
  });
  const outcome = await new Promise((done) => {
    const told = (state) => ({ response }) =>
      done({ state, status: response?.status_code, bindings: response?.getHeaders("contact").length });
    ua.on("registered", told("registered"));
    ua.on("registrationFailed", told("refused"));
    ua.on("disconnected", (event) => event.error && done({ state: "no connection" })); // else it tries for ever
    ua.start();
  });
  const callOptions = { mediaConstraints: audio, pcConfig: { iceServers } };
  const toCall = (session) => ({
    connection: () => session.connection,
    ended: new Promise((done) => session.on("ended", () => done("ended"))),
    hangUp: () => new Promise((done) => {
      session.on("ended", () => done(200)); // JsSIP does not show the answer to a BYE: the registrar's log does
      session.terminate();
    }),
  });
  return {
    outcome,
    call: (target) => new Promise((done) => {
      const session = ua.call(target, { ...callOptions, extraHeaders });
      session.on("accepted", (event) => done({ status: event.response.status_code, ...toCall(session) }));
      session.on("failed", (event) => done({ status: event.message?.status_code, cause: event.cause }));
    }),
    answer: () => new Promise((done) => {
      ua.on("newRTCSession", ({ originator, session }) => {
        if (originator !== "remote") return;
        session.on("accepted", () => done(toCall(session)));
        session.answer(callOptions);
      });
    }),
    stop,
  };
}

// What a library makes of a configuration: the addresses as it would write them, and the users as it would read them.
export function understood(library, configuration) {
  const { extraHeaders, ...options } = configuration;
  const read = { sipjs: understoodBySIPjs, jssip: understoodByJsSIP }[library];
  const { uri, contact, url } = read(options);
  return { uri: String(uri), user: uri.user, contact: String(contact), contactUser: contact.user, url };
}

function understoodBySIPjs(options) {
  const userAgent = new UserAgent({ ...options, uri: UserAgent.makeURI(options.uri), logBuiltinEnabled: false });
  return { uri: userAgent.configuration.uri, contact: userAgent.contact.uri, url: userAgent.transport.server };
}

function understoodByJsSIP(options) {
  const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
  const ua = new JsSIP.UA({ ...options, sockets });
  return { uri: ua.configuration.uri, contact: ua.contact.uri, url: sockets[0].url };
}

// One call between two phones of this page: what the INVITE was answered, whether audio flowed, how it ended.
export async function call([callerLibrary, callerConfiguration], [calleeLibrary, calleeConfiguration]) {
  const caller = await register(callerLibrary, callerConfiguration);
  const callee = await register(calleeLibrary, calleeConfiguration);
  const answered = callee.answer();
  const [outgoing, incoming] = await Promise.all([caller.call(calleeConfiguration.uri), answered]);
  await Promise.all([outgoing, incoming].map((call) => connected(call.connection())));
  const [bye, ended] = await Promise.all([outgoing.hangUp(), incoming.ended]);
  await Promise.all([caller.stop(), callee.stop()]);
  return { invite: outgoing.status, media: "connected", bye, callee: ended };
}

function connected(connection) {
  return new Promise((done) => {
    const look = () => connection.connectionState === "connected" && done();
    connection.addEventListener("connectionstatechange", look);
    look();
  });
}
