// Ringtone, ringback and the tones of keys, made by the browser: no files, and no timer, which a background tab would
// delay.

// Frequencies in hertz; then seconds of tone and of silence, in turn, which are repeated.
const PATTERNS = {
  ringtone: [[523, 659], 0.35, 0.15, 0.35, 1.65],
  ringback: [[425], 1, 4],
};
const [ROWS, COLUMNS] = [[697, 770, 852, 941], [1209, 1336, 1477, 1633]];
const KEYS = "123A456B789C*0#D";

const context = new AudioContext();
const volume = new GainNode(context);
volume.connect(context.destination);
let playing;

// Browsers play nothing before the page is pressed for the first time.
export const unlock = () => context.resume();
export const isLocked = () => context.state !== "running";

// One of PATTERNS until another one is asked for; undefined is silence.
export function play(name) {
  if (playing?.name === name) return;
  playing?.source.stop();
  playing = name && { name, source: start(...PATTERNS[name]) };
  if (playing) playing.source.loop = true;
}

export function playKey(key) {
  const at = KEYS.indexOf(key);
  start([ROWS[at >> 2], COLUMNS[at & 3]], 0.12);
}

export function setVolume(level) {
  volume.gain.value = level ** 2 / 3;
}

export function setSink(id) {
  context.setSinkId?.(id).catch(() => {}); // unplugged this moment
}

function start(frequencies, ...seconds) {
  const source = new AudioBufferSourceNode(context, { buffer: draw(frequencies, seconds) });
  source.connect(volume);
  source.start();
  return source;
}

function draw(frequencies, seconds) {
  const rate = context.sampleRate;
  const lengths = seconds.map((each) => Math.round(each * rate));
  const buffer = new AudioBuffer({ length: lengths.reduce((sum, each) => sum + each), sampleRate: rate });
  const samples = buffer.getChannelData(0);
  let from = 0;
  lengths.forEach((length, at) => {
    for (let i = 0; at % 2 === 0 && i < length; i++) {
      const edge = Math.min(1, i / 400, (length - i) / 400); // no clicks
      const sum = frequencies.reduce((all, hertz) => all + Math.sin((2 * Math.PI * hertz * i) / rate), 0);
      samples[from + i] = (edge * sum) / frequencies.length;
    }
    from += length;
  });
  return buffer;
}
