// Sends a track without leaving the page, shows how far it is, and records one.
"use strict";

const form = document.querySelector("#form");
const input = document.querySelector("#file");
const drop = document.querySelector(".drop");
const answer = document.querySelector("#answer");
const progress = document.querySelector("#progress");
const step = document.querySelector("#step");
const recordButton = document.querySelector("#record");
const recordClock = document.querySelector("#clock");
const LONGEST_RECORDING = 300; // seconds

let request = null; // the one that is on its way
let sound = null; // address of the visitor's own track, in this browser

document.documentElement.classList.add("with-script");

// Ask for an answer: by the form's field "file", or for an example at an address.
function ask(method, address, name, file) {
  request?.abort();
  const mine = (request = new XMLHttpRequest());
  mine.open(method, address);
  if (file) {
    mine.upload.onprogress = (sent) => reach(sent.loaded / sent.total);
    mine.upload.onload = () => say(`Listening to ${name} …`);
  }
  mine.onload = () => show(mine.responseText, file);
  mine.onerror = () =>
    fail("The page cannot be reached: look whether its program still runs, and try again.");
  mine.onloadend = () => {
    if (request === mine) {
      request = null;
      progress.hidden = true;
      answer.removeAttribute("aria-busy");
    }
  };
  progress.hidden = false;
  answer.setAttribute("aria-busy", "true");
  say(file ? `Uploading ${name} …` : `Listening to ${name} …`);
  let body = null;
  if (file) {
    body = new FormData();
    body.append("file", file, name);
  }
  mine.send(body);
}

function say(words) {
  step.textContent = words;
  progress.querySelector("progress").removeAttribute("value");
}

function reach(share) {
  if (share < 1) progress.querySelector("progress").value = share;
}

function show(text, file) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const next = page.querySelector("#answer");
  if (!next) return fail(text);
  answer.replaceChildren(...next.childNodes);
  const player = answer.querySelector("#player");
  if (file && player) {
    if (sound) URL.revokeObjectURL(sound);
    sound = URL.createObjectURL(file);
    const audio = document.createElement("audio");
    audio.controls = true;
    audio.src = sound;
    audio.setAttribute("aria-label", "Your track");
    audio.onerror = () => audio.remove(); // a format that this browser does not play
    player.append(audio);
  }
  answer.querySelector("h2")?.focus({ preventScroll: true });
  reveal();
}

function fail(sentence) {
  const words = document.createElement("p");
  words.className = "error";
  words.setAttribute("role", "alert");
  words.textContent = sentence;
  answer.replaceChildren(words);
  reveal();
}

// Scroll to the answer where it is below the form, and otherwise only as far as needed.
function reveal() {
  const isBelow = matchMedia("(max-width: 720px)").matches;
  answer.firstElementChild.scrollIntoView({ block: isBelow ? "start" : "nearest" });
}

function send(file) {
  if (file.size > Number(form.dataset.maxBytes)) {
    const limit = Number(form.dataset.maxBytes) / 2 ** 20;
    return fail(`The file is larger than ${limit} MB, which is the limit.`);
  }
  ask("POST", "/", file.name, file);
}

input.addEventListener("change", () => {
  if (input.files.length) send(input.files[0]);
  input.value = ""; // so that the same file can be chosen again
});
form.addEventListener("submit", (event) => event.preventDefault());
document.querySelector("#cancel").addEventListener("click", () => {
  request?.abort();
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

for (const link of document.querySelectorAll("#ask a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    ask("GET", link.pathname, `synthetic ${link.textContent}`);
  });
}

// Recording: the browser's recorder, decoded and sent as mono WAV of 16 bits.
let recorder = null;

recordButton.addEventListener("click", async () => {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices) {
    return fail("The browser records only for this computer itself, or over https.");
  }
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
    record(stream);
  } catch (error) {
    fail(`The microphone cannot be used: ${error.message}.`);
  }
});

function record(stream) {
  const parts = [];
  const started = Date.now();
  const tick = () => {
    const seconds = Math.floor((Date.now() - started) / 1000);
    const rest = String(seconds % 60).padStart(2, "0");
    recordClock.textContent = `${Math.floor(seconds / 60)}:${rest}`;
    if (seconds >= LONGEST_RECORDING) recorder.stop();
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

function wav(audio) {
  const view = new DataView(new ArrayBuffer(44 + 2 * audio.length));
  const text = (at, word) => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt()));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * audio.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // bytes of what follows
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, audio.sampleRate, true);
  view.setUint32(28, 2 * audio.sampleRate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * audio.length, true);
  const channels = Array.from({ length: audio.numberOfChannels }, (_, c) => audio.getChannelData(c));
  for (let i = 0; i < audio.length; i++) {
    const mean = channels.reduce((sum, y) => sum + y[i], 0) / channels.length;
    view.setInt16(44 + 2 * i, Math.round(32767 * Math.max(-1, Math.min(1, mean))), true);
  }
  return new File([view], "recording.wav", { type: "audio/wav" });
}
