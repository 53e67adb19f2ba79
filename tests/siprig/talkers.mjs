// A phone of a page that sends a tone and measures what it hears, on either library: `phones.talk` makes it.
// It writes down what happens to its calls in `talker.log`: what JsSIP and SIP.js name in two ways has one name here.
import JsSIP from "jssip";
import { Inviter, Registerer, SessionState, UserAgent, Web } from "sip.js";

const settings = {
  answering: "at once", // or "rings", or "announces" (early media: SIP.js alone)
  iceServers: [], policy: "all", // for connections to come
  refresher: "", // "uac" or "uas": whom JsSIP asks to refresh the session
  rewrite: (sdp) => sdp, // of what comes and goes, with "local" or "remote" (JsSIP alone)
};
const talker = (globalThis.talker = { ...settings, log: [], keys: [], calls: [] });
const moment = () => new Promise((due) => setTimeout(due, 20));
const connections = []; // {connection, analyser, kept}, in the order in which they were made
const shut = []; // while it is, messages are kept: `gate`
let context;

export async function talk(library, { extraHeaders, ...options }, hertz) {
  await navigator.mediaDevices.getUserMedia({ audio: true }); // so that ICE shows addresses, not mDNS names
  context = new AudioContext({ sampleRate: 48_000 });
  const oscillator = new OscillatorNode(context, { frequency: hertz });
  const gain = new GainNode(context, { gain: 0.5 });
  oscillator.connect(gain);
  oscillator.start();
  navigator.mediaDevices.getUserMedia = async () => {
    const out = new MediaStreamAudioDestinationNode(context);
    gain.connect(out);
    return out.stream;
  };
  await context.resume();
  globalThis.RTCPeerConnection = heardConnection(RTCPeerConnection);
  globalThis.WebSocket = gatedSocket(WebSocket);
  await { jssip, sipjs }[library](options, extraHeaders);
}

// Both libraries make their connection by this name, and what arrives goes to an analyser.
const heardConnection = (Connection) => class extends Connection {
  constructor(configuration) {
    super({ ...configuration, iceServers: talker.iceServers, iceTransportPolicy: talker.policy });
    const kept = { connection: this, analyser: null };
    connections.push(kept);
    this.addEventListener("track", ({ track }) => {
      const stream = new MediaStream([track]);
      kept.sink = Object.assign(new Audio(), { muted: true, srcObject: stream });
      kept.sink.play(); // else nothing of it is decoded
      kept.analyser = new AnalyserNode(context, { fftSize: 16_384, smoothingTimeConstant: 0 });
      kept.source = context.createMediaStreamSource(stream);
      kept.source.connect(kept.analyser);
    });
  }
};

// The page's WebSocket, whose messages wait while the gate is shut: that is how two requests meet on their way.
const gatedSocket = (Socket) => class extends Socket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", (event) => {
      if (!talker.shut || event.again) return;
      event.stopImmediatePropagation();
      shut.push([this, event.data]);
    });
  }
  send(message) {
    const asks = talker.refresher && message.startsWith("INVITE ");
    super.send(asks ? message.replace(/^Session-Expires: \d+/m, `$&;refresher=${talker.refresher}`) : message);
  }
};
talker.gate = (isShut) => {
  talker.shut = isShut;
  while (!isShut && shut.length) {
    const [socket, data] = shut.shift();
    socket.dispatchEvent(Object.assign(new MessageEvent("message", { data }), { again: true }));
  }
};
talker.waiting = () => shut.length;

// The strongest frequency of a connection (of the last by default), between two steps of the transform.
talker.heard = (at = -1) => {
  const analyser = connections.at(at)?.analyser;
  if (!analyser) return null;
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const best = bins.indexOf(Math.max(...bins.subarray(2, -2)));
  const [low, middle, high] = [bins[best - 1], bins[best], bins[best + 1]];
  const between = (low - high) / (2 * (low - 2 * middle + high)) || 0;
  return { hertz: ((best + between) * context.sampleRate) / analyser.fftSize, decibel: middle };
};
// How loud a frequency is, in decibel.
talker.loud = (hertz, at = -1) => {
  const { analyser } = connections.at(at);
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  return bins[Math.round((hertz * analyser.fftSize) / context.sampleRate)];
};
talker.stats = async () => {
  const reports = [...(await connections.at(-1).connection.getStats()).values()];
  const of = (type) => reports.find((report) => report.type === type) ?? {};
  const pair = reports.find(({ type, nominated, state }) => type === "candidate-pair" && nominated && state === "succeeded");
  const candidate = (id) => reports.find((report) => report.id === id)?.candidateType;
  const { packetsReceived, packetsLost, concealedSamples, totalSamplesReceived } = of("inbound-rtp");
  return {
    packetsReceived, packetsLost, concealedSamples, totalSamplesReceived,
    packetsSent: of("outbound-rtp").packetsSent, codec: of("codec").mimeType,
    local: candidate(pair?.localCandidateId), remote: candidate(pair?.remoteCandidateId),
  };
};
talker.reset = () => {
  talker.calls.forEach(talker.end);
  talker.gate(false);
  Object.assign(talker, settings);
  for (const list of [talker.log, talker.keys, talker.calls]) list.length = 0;
  talker.expire(90);
};
talker.expire = (seconds) => Object.assign(JsSIP.C, { SESSION_EXPIRES: seconds, MIN_SESSION_EXPIRES: Math.min(60, seconds) });
talker.connected = () => connections.filter(({ connection }) => connection.connectionState === "connected").length;
talker.count = () => connections.length;

function jssip(options, extraHeaders) {
  const sockets = options.sockets.map((url) => new JsSIP.WebSocketInterface(url));
  const ua = new JsSIP.UA({ ...options, sockets, session_timers: true, no_answer_timeout: 30 });
  const callOptions = { mediaConstraints: { audio: true, video: false }, extraHeaders };
  ua.registrator().setExtraHeaders(extraHeaders);
  ua.on("newRTCSession", ({ originator, session }) => {
    const say = (word) => talker.log.push(word);
    const by = (word) => ({ originator: who }) => say(`${word} by ${who === "remote" ? "peer" : "us"}`);
    talker.calls.push(session);
    session.on("progress", () => say("ringing"));
    session.on("confirmed", () => say("answered"));
    session.on("hold", by("held"));
    session.on("unhold", by("resumed"));
    session.on("ended", ({ originator: who, cause }) => say(`ended by ${who === "remote" ? "peer" : "us"}: ${cause}`));
    session.on("failed", ({ message, cause }) => say(`failed ${message?.status_code ?? ""}: ${cause}`));
    session.on("newDTMF", ({ originator: who, dtmf }) => who === "remote" && talker.keys.push(dtmf.tone));
    session.on("refer", ({ accept, request }) => { say("transferred"); accept(undefined, callOptions); });
    session.on("sdp", (event) => { event.sdp = talker.rewrite(event.sdp, event.originator); });
    if (originator === "remote" && talker.answering === "at once") session.answer(callOptions);
  });
  Object.assign(talker, {
    call: (target) => void ua.call(target, callOptions),
    answer: () => talker.calls.at(-1).answer(callOptions),
    reject: (status) => talker.calls.at(-1).terminate({ status_code: status }),
    hangUp: () => talker.calls.at(-1).terminate(),
    end: (call) => call.isEnded() || call.terminate(),
    hold: async (isHeld) => {
      const call = talker.calls.at(-1);
      while (!(isHeld ? call.hold() : call.unhold())) await moment(); // an offer is under way
    },
    press: (keys, transportType) => talker.calls.at(-1).sendDTMF(keys, { transportType, duration: 160, interToneGap: 80 }),
  });
  return new Promise((done, failed) => {
    ua.on("registered", done);
    ua.on("registrationFailed", ({ cause }) => failed(new Error(cause)));
    ua.start();
  });
}

async function sipjs(options, extraHeaders) {
  const delegate = {
    onInvite: async (invitation) => {
      follow(invitation);
      if (talker.answering === "at once") await invitation.accept();
      if (talker.answering === "rings") await invitation.progress();
      if (talker.answering === "announces") await invitation.progress({ statusCode: 183 });
    },
  };
  const media = Web.defaultSessionDescriptionHandlerFactory(() => navigator.mediaDevices.getUserMedia());
  const userAgent = new UserAgent({
    ...options, uri: UserAgent.makeURI(options.uri), logBuiltinEnabled: false, delegate,
    sessionDescriptionHandlerFactory: (...args) => Object.assign(media(...args), {
      // The library's own handler lacks it, and takes no offer any more once one of its own was refused.
      rollbackDescription() { return this.peerConnection.setLocalDescription({ type: "rollback" }); },
    }),
  });
  await userAgent.start();
  await new Registerer(userAgent, { extraHeaders }).register();
  const session = () => talker.calls.at(-1);
  const again = (isHeld) => ({ sessionDescriptionHandlerModifiers: isHeld ? [Web.holdModifier] : [] });
  Object.assign(talker, {
    call: (target) => {
      const inviter = new Inviter(userAgent, UserAgent.makeURI(target), { extraHeaders });
      follow(inviter);
      const refused = ({ message }) => talker.log.push(`failed ${message.statusCode}: ${message.reasonPhrase}`);
      const rings = ({ message }) => message.statusCode > 100 && talker.log.push("ringing");
      inviter.invite({ requestDelegate: { onReject: refused, onProgress: rings } });
    },
    answer: () => void session().accept(),
    reject: (statusCode) => void session().reject({ statusCode }),
    hangUp: () => talker.end(session()),
    end: (call) => {
      if (call.state === SessionState.Established) return void call.bye();
      if (call.state === SessionState.Terminated) return undefined;
      return void (call instanceof Inviter ? call.cancel() : call.reject());
    },
    hold: async (isHeld) => {
      while (session().pendingReinvite) await moment();
      session().invite(again(isHeld));
    },
    press: (keys, transport) => {
      if (transport === "RFC2833") return void session().sessionDescriptionHandler.sendDtmf(keys, { duration: 160, interToneGap: 80 });
      const content = `Signal=${keys}\r\nDuration=160`;
      const body = { contentDisposition: "render", contentType: "application/dtmf-relay", content };
      return void session().info({ requestOptions: { body } });
    },
  });
}

function follow(session) {
  talker.calls.push(session);
  const say = (word) => talker.log.push(word);
  let ender = "us";
  session.delegate = {
    onBye: (bye) => { ender = "peer"; bye.accept(); },
    onCancel: () => { ender = "peer"; },
    onInfo: (info) => {
      talker.keys.push(/Signal\s*=\s*(\S+)/i.exec(info.request.body)[1]);
      info.accept();
    },
    onInvite: (request) => say(/a=(sendonly|inactive)/.test(request.body) ? "held by peer" : "resumed by peer"),
    onRefer: (referral) => { say("transferred"); referral.accept().then(() => referral.makeInviter().invite()); },
  };
  session.stateChange.addListener((state) => {
    if (state === SessionState.Established) say("answered");
    if (state === SessionState.Terminated) say(`ended by ${ender}`);
  });
}
