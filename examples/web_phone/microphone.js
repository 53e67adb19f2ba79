// The microphone and the speaker: which ones, how loud, and what to do when one is pulled out in a call.
import { $, make } from "./dom.js";
import { replaceTrack } from "./media.js";
import { setSink, setVolume } from "./sounds.js";
import { complain, onChange, state } from "./state.js";
import { defaultDevice, problems, unnamedDevice } from "./words.js";

const remembered = (name) => localStorage.getItem(name) ?? "";

// Return a stream, which the caller stops. Without a microphone, show why and return undefined.
export async function openMicrophone() {
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    const stream = await openDevice(remembered("microphone"));
    stream.getAudioTracks()[0].onended = changeMicrophone; // pulled out
    list(); // the browser names devices to a page that has had one
    return stream;
  } catch (error) {
    complain(problems.microphone(error));
  }
}

// Open the chosen device, or the system's default if it is gone. Chromium ignores a device that is not "exact".
async function openDevice(id) {
  const open = (audio) => navigator.mediaDevices.getUserMedia({ audio, video: false });
  if (!id) return open(true);
  return open({ deviceId: { exact: id } }).catch((error) => {
    if (error.name !== "OverconstrainedError") throw error;
    return open(true);
  });
}

async function changeMicrophone() {
  const call = state.call;
  const connection = call?.microphone && call.leg.connection();
  const stream = connection && await openMicrophone();
  if (!stream) return;
  await replaceTrack(connection, stream.getAudioTracks()[0]);
  call.microphone.getTracks().forEach((track) => track.stop());
  call.microphone = stream;
}

function changeSpeaker() {
  const known = [...$("speaker").options].some(({ value }) => value === remembered("speaker"));
  const sink = known ? remembered("speaker") : "";
  $("audio").setSinkId?.(sink).catch(() => {}); // unplugged this moment: devicechange follows
  setSink(sink);
}

function changeVolume() {
  $("volume").value = remembered("volume") || 80;
  $("volume").ariaValueText = `${$("volume").value} %`;
  $("audio").volume = $("volume").value / 100;
  setVolume($("volume").value / 100);
}

async function list() {
  const devices = await navigator.mediaDevices?.enumerateDevices() ?? [];
  for (const [id, kind] of [["microphone", "audioinput"], ["speaker", "audiooutput"]]) {
    const found = devices.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default");
    $(id).replaceChildren(new Option(defaultDevice, ""), ...found.map(({ deviceId, label }, at) =>
      make("option", { value: deviceId, textContent: label || unnamedDevice(at + 1) })));
    $(id).value = remembered(id);
    if (!$(id).value) $(id).value = "";
  }
  $("speaker-choice").hidden = !("setSinkId" in HTMLMediaElement.prototype) || $("speaker").options.length < 2;
  changeSpeaker();
}

for (const [id, change] of [["microphone", changeMicrophone], ["speaker", changeSpeaker], ["volume", changeVolume]]) {
  $(id).addEventListener(id === "volume" ? "input" : "change", () => {
    localStorage.setItem(id, $(id).value);
    change();
  });
}
navigator.mediaDevices?.addEventListener("devicechange", list);
onChange(() => {
  const stream = state.call?.stream ?? null;
  if ($("audio").srcObject !== stream) $("audio").srcObject = stream;
});
list();
changeVolume();
