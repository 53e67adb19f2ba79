// A phone that answers every call and sends back what it hears, for the demo: somebody to call.
import { $, fillIn, post, write } from "./dom.js";
import { start } from "./with-jssip.js";
import { echo } from "./words.js";

const calls = new Set();
const context = new AudioContext();
let line = "connecting";

function show(state = line) {
  line = state;
  write("status", echo[calls.size && line === "ready" ? "talking" : line]);
  $("status").dataset.state = { ready: "good", connecting: "waiting" }[line] ?? "bad";
}

function answer(call) {
  const [silence] = new MediaStreamAudioDestinationNode(context).stream.getTracks(); // until there is a sound
  const sink = Object.assign(new Audio(), { muted: true }); // Chromium passes on only what is played, be it unheard
  call.onheard = (heard) => {
    sink.srcObject = heard;
    sink.play();
    const [sender] = call.connection().getSenders();
    sender.replaceTrack(heard.getTracks()[0]);
  };
  call.onended = () => {
    calls.delete(call);
    silence.stop();
    sink.srcObject = null;
    show();
  };
  calls.add(call);
  call.answer(new MediaStream([silence]));
  show();
}

fillIn();
show();
const { ok, text } = await post("configuration/echo");
if (ok) {
  const phone = start(JSON.parse(text).configuration, {
    registered: () => show("ready"),
    refused: () => show("lost"),
    disconnected: () => show("lost"),
    incoming: answer,
  });
  addEventListener("pagehide", () => phone.stop());
} else {
  show("lost");
}
