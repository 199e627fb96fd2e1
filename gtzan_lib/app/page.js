// The page: has a song named by the worker in this browser, or by the program that serves
// the page where the browser cannot; shows the answer; and records songs.
import { decode } from "./decode.js";
import { clock } from "./worker.js";

const [input, drop, answer, progress, step, state, recordButton, recordClock] = [
  "#file", ".drop", "#answer", "#progress", "#step", "#state", "#record", "#clock",
].map((place) => document.querySelector(place));
const { api, maxBytes, maxSeconds } = document.body.dataset;
const bar = progress.querySelector("progress");
const LONGEST_RECORDING = 300; // seconds

let asked = 0; // number of the song that is on its way; its answer is the one shown
let leaving = null; // what ends a request for it
let sound = null; // address of the song, in this browser

const worker = new Worker("worker.js", { type: "module" });
const isReady = new Promise((resolve) => {
  worker.onmessage = ({ data }) => resolve(data.ready);
  worker.onerror = () => resolve(false); // as of a browser that knows no such worker
});
isReady.then((ready) => {
  const without = api ? "The program that serves this page names songs: the browser cannot."
    : "This browser cannot run the network. The command gtzan predict can.";
  state.textContent = ready ? "Ready. The network is in this browser." : without;
  worker.onmessage = ({ data }) => {
    if (data.id !== asked) return;
    if (data.share) bar.value = data.share;
    if (data.answer || data.error) end(data);
  };
});

// Have a file named; ``note`` is what is to be said of it.
async function send(file, note = "") {
  const id = ++asked;
  leaving?.abort();
  leaving = new AbortController();
  if (file.size > maxBytes) {
    return fail(`The file is larger than ${maxBytes / 2 ** 20} MB, which is the limit.`);
  }
  progress.hidden = false;
  answer.setAttribute("aria-busy", "true");
  step.textContent = `Listening to ${file.name} …`;
  bar.removeAttribute("value");
  end = (found) => found.error ? fail(found.error) : show(found.answer, file, note);
  const ready = await isReady;
  const short = ready && (await seconds(file)) < 3 * maxSeconds; // a guess: bounds memory
  const decoded = short && (await decode(file));
  if (id !== asked) return;
  if (decoded) {
    const buffers = decoded.channels.map((channel) => channel.buffer);
    worker.postMessage({ id, file: file.name, ...decoded }, buffers);
  } else if (api) {
    const found = await upload(file, leaving.signal);
    if (id === asked) end(found);
  } else if (!ready) {
    fail(state.textContent);
  } else {
    fail(`The file ${file.name} cannot be decoded: it is damaged, too long, or not audio ` +
      "that this browser plays. The command gtzan predict knows more formats.");
  }
}

let end = null; // what is done with an answer

// Return how long a file says that it is; 0 where it does not say.
function seconds(file) {
  const sound = new Audio(URL.createObjectURL(file));
  return new Promise((resolve) => {
    sound.onloadedmetadata = () => resolve(isFinite(sound.duration) ? sound.duration : 0);
    sound.onerror = () => resolve(0);
  }).finally(() => URL.revokeObjectURL(sound.src));
}

async function upload(file, signal) {
  const body = new FormData();
  body.append("file", file, file.name);
  try {
    const response = await fetch(api, { method: "POST", body, signal });
    const found = await response.json();
    return found.error ? found : { answer: found };
  } catch {
    const error = "The page cannot be reached: look whether its program still runs, and try again.";
    return { error };
  }
}

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, attributes);
  element.append(...children);
  return element;
}

// A space in "12 %" where no line breaks.
const spaced = (sentence) => sentence.replaceAll(" %", "\u00a0%");

function show(found, file, note) {
  const { percentages, windows, genre } = found;
  const ranking = Object.entries(percentages).sort(([, a], [, b]) => b - a);
  const title = found.answer[0].toUpperCase() + found.answer.slice(1);
  const parts = [make("h2", { tabIndex: -1 }, spaced(title))];
  for (const sentence of [found.worth, ...found.warnings, note].filter(Boolean)) {
    parts.push(make("p", {}, spaced(sentence)));
  }
  const facts = { className: "facts" };
  parts.push(make("p", facts, make("b", {}, file.name), `, ${found.described}`));
  parts.push(player(file));
  if (genre) {
    const rows = ranking.map(([name, p]) => {
      const fill = make("span", {});
      fill.style.width = `${p}%`;
      const share = make("data", { value: p.toFixed(4) }, `${p.toFixed(1)}\u00a0%`);
      const rail = make("span", { className: "rail", ariaHidden: "true" }, fill);
      return make("li", {}, make("span", { className: "genre" }, name), rail, share);
    });
    parts.push(make("ol", { className: "bars" }, ...rows));
    if (windows.length > 1) parts.push(...overTime(windows, ranking));
  }
  const which = windows.length > 1 ? "The 30 s of which it was surest" : "The whole song";
  parts.push(make("h3", {}, "What the network saw"), make("figure", {},
    make("img", {
      alt: "Mel spectrogram of the song", width: 432, height: 288,
      src: `data:image/png;base64,${found.picture}`,
    }),
    make("figcaption", {}, `${which}: time from left to right, pitch from low to high, ` +
      "brighter where it is louder.")));
  const similar = found.similar.map((other) =>
    make("li", {}, `${other.genre}, ${other.in_words} `, make("span", {}, other.track)));
  const except = found.learned ? `, ${found.learned} left out` : "";
  parts.push(make("h3", {}, "Most similar tracks of GTZAN"),
    make("ol", { className: "similar" }, ...similar),
    make("p", { className: "axis" }, "Of those that it learned, by what it makes of them" +
      `${except}.`));
  const json = new Blob([JSON.stringify({ file: file.name, ...found }, null, 2)]);
  const link = { href: URL.createObjectURL(json), download: `${file.name}.json` };
  parts.push(make("p", {}, make("a", link, "All numbers, as JSON")));
  put(parts);
  answer.querySelector("h2").focus({ preventScroll: true });
}

function player(file) {
  if (sound) URL.revokeObjectURL(sound);
  sound = URL.createObjectURL(file);
  const audio = make("audio", { controls: true, src: sound, ariaLabel: "Your song" });
  audio.onerror = () => audio.remove(); // a format that this browser does not play
  return make("div", { id: "player" }, audio);
}

function overTime(windows, ranking) {
  const cells = make("div", { className: "cells" }), changes = [];
  cells.style.gridTemplateColumns = `repeat(${windows.length}, 1fr)`;
  for (const [genre] of ranking) {
    for (const { start, percentages } of windows) {
      const p = percentages ? percentages[genre] : 0;
      const cell = make("i", { title: `${clock(start)} ${genre} ${p.toFixed(1)} %` });
      cell.style.opacity = p / 100;
      cells.append(cell);
    }
  }
  let last = null;
  for (const { start, percentages } of windows) {
    const top = percentages
      ? Object.entries(percentages).sort(([, a], [, b]) => b - a)[0][0] : "silence";
    if (top !== last) changes.push(`${clock(start)} ${top}`);
    last = top;
  }
  const names = ranking.map(([genre]) => make("li", {}, genre));
  const end = clock(windows.at(-1).start + 30);
  const [first, ...rest] = ["", "0:00", end].map((words) => make("span", {}, words));
  return [
    make("h3", {}, "Genre over time"),
    make("div", { className: "time", ariaHidden: "true" }, make("ul", {}, ...names), cells),
    make("p", { className: "axis time", ariaHidden: "true" }, first, ...rest),
    make("p", {}, `Likeliest from each time on, in ${windows.length} windows of 30 s: ` +
      `${changes.join(", ")}.`),
  ];
}

function fail(sentence) {
  put([make("p", { className: "error", role: "alert" }, sentence)]);
}

// Show something in the answer's place; scroll where it is below what was asked.
function put(parts) {
  progress.hidden = true;
  answer.removeAttribute("aria-busy");
  answer.replaceChildren(...parts);
  const isBelow = matchMedia("(max-width: 720px)").matches;
  parts[0].scrollIntoView({ block: isBelow ? "start" : "nearest" });
}

input.addEventListener("change", () => {
  if (input.files.length) send(input.files[0]);
  input.value = ""; // so that the same file can be chosen again
});
document.querySelector("#cancel").addEventListener("click", () => {
  asked++;
  leaving.abort();
  progress.hidden = true;
  answer.removeAttribute("aria-busy");
  input.focus();
});

for (const name of ["dragover", "dragleave", "drop"]) {
  window.addEventListener(name, (event) => {
    event.preventDefault(); // else the browser leaves the page and opens the file
    drop.classList.toggle("over", name === "dragover");
    const [file] = event.dataTransfer?.files ?? [];
    if (name === "drop" && file) send(file);
  });
}

for (const button of document.querySelectorAll(".example")) {
  button.addEventListener("click", async () => {
    try {
      const clip = await (await fetch(`${button.textContent}.ogg`)).blob();
      const file = new File([clip], `synthetic ${button.textContent}.ogg`);
      send(file, "A synthetic clip made by this project's code. It is not music.");
    } catch {
      fail("The clip cannot be fetched: is there a network?");
    }
  });
}

// Recording: the browser's recorder, decoded and made a WAV of 16 bits.
let recorder = null;

recordButton.addEventListener("click", async () => {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices) {
    return fail("The browser records only for this computer itself, or over https.");
  }
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    record(await navigator.mediaDevices.getUserMedia({ audio: plain }));
  } catch (error) {
    fail(`The microphone cannot be used: ${error.message}.`);
  }
});

function record(stream) {
  const parts = [], started = Date.now();
  const tick = () => {
    const elapsed = Math.floor((Date.now() - started) / 1000);
    recordClock.textContent = clock(elapsed);
    if (elapsed >= LONGEST_RECORDING) recorder.stop();
  };
  const timer = setInterval(tick, 250);
  recorder = new MediaRecorder(stream);
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = async () => {
    clearInterval(timer);
    stream.getTracks().forEach((track) => track.stop());
    recorder = null;
    recordButton.textContent = "Record";
    recordButton.setAttribute("aria-pressed", "false");
    recordClock.textContent = "";
    try {
      const coded = await new Blob(parts).arrayBuffer();
      const decoder = new OfflineAudioContext(1, 1, 44100);
      send(wav(await decoder.decodeAudioData(coded)));
    } catch {
      fail("Nothing was recorded: record for a second or longer.");
    }
  };
  recorder.start();
  recordButton.textContent = "Stop";
  recordButton.setAttribute("aria-pressed", "true");
  tick();
}

// Return the first channel as a WAV file.
function wav(audio) {
  const bytes = 2 * audio.length, rate = audio.sampleRate;
  const ascii = (word) => new TextEncoder().encode(word), data = audio.getChannelData(0);
  const whole = (y) => Math.round(32767 * Math.max(-1, Math.min(1, y)));
  const parts = [
    ascii("RIFF"), Uint32Array.of(36 + bytes), ascii("WAVEfmt "), Uint32Array.of(16),
    Uint16Array.of(1, 1), Uint32Array.of(rate, 2 * rate), Uint16Array.of(2, 16),
    ascii("data"), Uint32Array.of(bytes), Int16Array.from(data, whole),
  ];
  return new File(parts, "recording.wav", { type: "audio/wav" });
}
