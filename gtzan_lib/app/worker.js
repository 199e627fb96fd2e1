// Names samples as `gtzan predict` does: its model, its windows, its sentences. A module
// worker of the page; what it knows and says is known.json, made by browser.py.

let known, ort, session, asked;

// Make ready; what is loaded here is all that is ever loaded.
async function load() {
  const get = async (file) => {
    const response = await fetch(file);
    if (!response.ok) throw new Error(`${file} is missing`);
    return response;
  };
  known = await (await get("known.json")).json();
  const floats = (text) => new Float32Array(bytesOf(text).buffer);
  for (const name of ["embeddings", "mean", "axes"]) known[name] = floats(known[name]);
  ort = await import("./ort.mjs");
  const packed = await (await get("ort.bin")).blob();
  const unpacked = packed.stream().pipeThrough(new DecompressionStream("gzip"));
  ort.env.wasm.wasmBinary = await new Response(unpacked).arrayBuffer();
  ort.env.wasm.numThreads = 1; // more need headers that static pages do not have
  const model = await (await get("model.onnx")).arrayBuffer();
  session = await ort.InferenceSession.create(model);
  await run(new Float32Array(known.least * known.rate).fill(0.1));
}

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const run = (samples) =>
  session.run({ samples: new ort.Tensor("float32", samples, [samples.length]) });

if (typeof DedicatedWorkerGlobalScope === "function") {
  const ready = load();
  ready.then(
    () => postMessage({ ready: true }),
    (error) => postMessage({ ready: false, why: error.message }),
  );
  onmessage = async ({ data }) => {
    asked = data.id; // whatever is on its way otherwise ends after its window
    try {
      await ready;
      const step = (share) => postMessage({ id: data.id, share });
      const answer = await name(data, step, () => asked !== data.id);
      if (answer) postMessage({ id: data.id, answer });
    } catch (error) {
      postMessage({ id: data.id, error: error.message });
    }
  };
}

// Return the mean of channels, or the loudest where they cancel each other, block by
// block: as data/audio.py.
export function mono(channels) {
  if (channels.length === 1) return channels[0];
  const n = channels.length, length = Math.max(1, Math.floor(2 ** 19 / n));
  const mixed = new Float32Array(channels[0].length);
  for (let start = 0; start < mixed.length; start += length) {
    const block = mixed.subarray(start, start + length);
    const parts = channels.map((y) => y.subarray(start, start + length));
    for (const y of parts) for (let i = 0; i < block.length; i++) block[i] += y[i];
    for (let i = 0; i < block.length; i++) block[i] /= n;
    const powers = parts.map(power);
    const all = powers.reduce((sum, one) => sum + one, 0);
    if (5 * n ** 2 * power(block) < all) block.set(parts[highest(powers)]);
  }
  return mixed;
}

const power = (y) => y.reduce((sum, value) => sum + value * value, 0);
const highest = (values) => values.indexOf(values.reduce((a, b) => Math.max(a, b)));

// Resample by a sinc in a Kaiser window, both fitted to the response of soxr's "HQ": near
// the highest mel band, a response that is a little different costs half a point.
const CUT = 0.956846, REACH = 108.64, BETA = 15.6734; // of the lower rate: half, samples
export function resample(y, from, to) {
  if (from === to) return y;
  const gcd = (a, b) => (b ? gcd(b, a % b) : a);
  const up = to / gcd(from, to), down = from / gcd(from, to); // y's samples a cycle
  const low = Math.min(1, to / from), cut = CUT * low;
  const half = Math.ceil(REACH / low), taps = 2 * half + 1;
  const padded = new Float32Array(y.length + taps + down);
  padded.set(y, half);
  const resampled = new Float32Array(Math.floor((y.length * to) / from + 0.5));
  const filter = new Float64Array(taps);
  for (let phase = 0; phase < Math.min(up, resampled.length); phase++) {
    const first = Math.floor((phase * down) / up), rest = (phase * down) / up - first;
    for (let k = 0; k < taps; k++) {
      const x = k - half - rest, inside = Math.max(0, 1 - ((x * low) / REACH) ** 2);
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cut * x) / (Math.PI * cut * x);
      filter[k] = (cut * sinc * bessel(BETA * Math.sqrt(inside))) / bessel(BETA);
    }
    for (let k = phase, at = first; k < resampled.length; k += up, at += down) {
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += filter[i] * padded[at + i];
      resampled[k] = sum;
    }
  }
  return resampled;
}

function bessel(x) { // I0, by its series
  let sum = 1, term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

// Return windows of 30 s and where they start, in seconds: as classifier.py.
export function windowsOf(y, { rate, least, one_window, window_seconds }) {
  const seconds = y.length / rate, length = window_seconds * rate;
  if (seconds > one_window) {
    const last = Math.ceil((seconds - 1) / window_seconds) - 1, rest = y.length - length;
    const starts = Array.from({ length: last + 1 }, (_, k) =>
      k === last ? rest : Math.trunc(k * (rest / last)));
    return [starts.map((at) => y.subarray(at, at + length)), starts.map((at) => at / rate)];
  }
  const shortest = least * rate;
  if (y.length >= shortest) return [[y], [0]];
  return [[Float32Array.from({ length: shortest }, (_, i) => y[i % y.length])], [0]];
}

// Return an answer with the keys of Prediction.as_json, or null if it is not wanted.
async function name({ channels, rate, facts, file }, step, isStale) {
  const fault = (kind) => new Error(fill(known.errors[kind], { file, ...facts }));
  if (facts.seconds > known.max_seconds) throw fault("longer");
  if (!channels.every((y) => y.every(Number.isFinite))) throw fault("infinite");
  if (!channels[0].length) throw fault("empty");
  const y = resample(mono(channels), rate, known.rate);
  if (y.length / known.rate < known.least_seconds) {
    facts.seconds = y.length / known.rate;
    throw fault("short");
  }
  const [windows, starts] = windowsOf(y, known);
  const loudness = windows.map((window) => Math.sqrt(power(window) / window.length));
  const quiet = Math.max(known.silence, known.quiet * Math.max(...loudness));
  const shares = [], embeddings = [];
  let best = null;
  for (const [k, window] of windows.entries()) {
    await new Promise((resolve) => setTimeout(resolve)); // hear whether it is wanted
    if (isStale()) return null;
    step(k / windows.length);
    shares.push(null);
    if (loudness[k] < quiet) continue;
    let found = await run(window);
    const { mel } = found;
    if (isNaN(found.embedding.data[0])) found = await run(loudest(window));
    if (isNaN(found.embedding.data[0])) continue;
    embeddings.push(found.embedding.data);
    shares[k] = Array.from(found.probabilities.data);
    const top = Math.max(...shares[k]);
    if (!best || top > best.top) best = { top, mel };
    const sum = shares[k].reduce((a, b) => a + b);
    shares[k] = shares[k].map((p) => p / sum);
  }
  if (!best) throw fault("silent");
  const mean = (rows) =>
    Array.from(rows[0], (_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
  const p = mean(shares.filter(Boolean));
  const { is_familiar, ...near } = place(mean(embeddings));
  const found = { ...near, ...saying(known, p, facts) };
  if (!is_familiar) {
    Object.assign(found, { genre: null, worth: null, top2: [], answer: known.unfamiliar });
  }
  const silent = shares.filter((row) => !row).length;
  const rows = shares.map((row) => row && percentages(known, row));
  return {
    ...found,
    warnings: warnings(known, facts, found.learned, silent, shares.length),
    facts,
    percentages: percentages(known, p),
    windows: rows.map((row, k) => ({ start: starts[k], percentages: row })),
    picture: await picture(best.mel),
  };
}

function loudest(window) {
  const length = known.least * known.rate;
  const peak = highest(window.map(Math.abs)) - length / 2;
  const start = Math.min(Math.max(peak, 0), window.length - length);
  return window.slice(start, start + length);
}

// Say what is near an embedding, and whether anything that was learned is.
function place(embedding) {
  const size = embedding.length, axes = known.axes.length / size;
  const norm = (vector) => Math.sqrt(power(vector));
  const along = Array.from({ length: axes }, (_, a) =>
    Array.from({ length: size }, (_, i) => known.axes[i * axes + a]));
  let nearest = Infinity;
  const similar = known.tracks.map((track, t) => {
    const other = known.embeddings.subarray(t * size, (t + 1) * size);
    const between = embedding.map((value, i) => value - other[i]);
    const far = along.map((axis) => axis.reduce((sum, a, i) => sum + a * between[i], 0));
    nearest = Math.min(nearest, norm(far));
    const dot = other.reduce((sum, value, i) => sum + value * embedding[i], 0);
    const similarity = dot / (norm(other) * norm(embedding));
    const word = known.similar.find(([least]) => similarity >= least);
    const in_words = word ? word[1] : known.dissimilar;
    return { track, genre: track.split(".")[0], similarity, in_words };
  });
  const first = similar.sort((a, b) => b.similarity - a.similarity).slice(0, 6);
  const learned = first[0].similarity >= known.same ? first[0].track : null;
  const others = first.filter((other) => other.similarity < known.same).slice(0, 5);
  return { learned, similar: others, is_familiar: nearest <= known.farthest };
}

// What follows says what words.py and classifier.py say, in their sentences.
const fill = (sentence, values) =>
  sentence.replace(/\{(\w+)(?::\.(\d)f)?\}/g, (_, name, digits) =>
    digits ? fixed(values[name], +digits) : values[name]);

function fixed(value, digits) { // as Python rounds: halves to the even digit
  const up = value.toFixed(digits), isHalf = value % 2 ** -digits === 2 ** -(digits + 1);
  const down = Math.floor(value * 10 ** digits) / 10 ** digits;
  return isHalf && up.at(-1) % 2 ? down.toFixed(digits) : up;
}

function percent(p) {
  if (0.995 <= p && p < 1) return "> 99 %";
  return 0 < p && p < 0.005 ? "< 1 %" : `${fixed(100 * p, 0)} %`;
}

const percentages = ({ genres }, p) => Object.fromEntries(genres.map((g, i) => [g, 100 * p[i]]));

export function clock(seconds) {
  const whole = Number(fixed(seconds, 0));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Return an answer's genre and sentences, of the ten genres' probabilities.
export function saying({ genres, sure, not_sure, worth, worth_short, short_seconds }, p, facts) {
  const ranking = genres.map((_, i) => i).sort((a, b) => p[b] - p[a]);
  const named = ranking.filter((i) => p[i] >= p[ranking[0]] / 2).map((i) => genres[i]);
  const first = { genre: named[0], percent: percent(p[ranking[0]]) };
  const last = named.pop();
  const several = named.length ? `${named.join(", ")} or ${last}` : `perhaps ${last}`;
  const is_sure = !named.length && p[ranking[0]] >= 0.5;
  const channels = `${facts.channels} channel${facts.channels > 1 ? "s" : ""}`;
  const rate = `${facts.sample_rate.toLocaleString("en")} Hz`;
  return {
    genre: first.genre,
    top2: ranking.slice(0, 2).map((i) => genres[i]),
    answer: is_sure ? fill(sure, first) : fill(not_sure, { genres: several }),
    worth: facts.seconds < short_seconds ? worth_short
      : worth[Math.min(Math.trunc(10 * p[ranking[0]]), 9)],
    described: `${clock(facts.seconds)} min, ${facts.format}, ${rate}, ${channels}`,
  };
}

export function warnings({ warnings, short_seconds }, facts, learned, silent, windows) {
  const { seconds, is_damaged } = facts;
  const holds = { learned, short: seconds < short_seconds, silent, damaged: is_damaged };
  const kinds = Object.keys(warnings).filter((kind) => holds[kind]);
  return kinds.map((kind) => fill(warnings[kind], { learned, seconds, silent, windows }));
}

// Return what the network saw as a PNG in base64.
async function picture({ data, dims: [frames, bands] }) {
  const canvas = new OffscreenCanvas(frames, bands), rgb = bytesOf(known.colours);
  const context = canvas.getContext("2d"), image = context.createImageData(frames, bands);
  for (let i = 0; i < data.length; i++) {
    const level = Math.min(255, Math.max(0, Math.trunc((255 * data[i]) / known.white)));
    const at = 4 * ((bands - 1 - (i % bands)) * frames + Math.floor(i / bands));
    for (let c = 0; c < 3; c++) image.data[at + c] = rgb[3 * level + c];
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const png = await canvas.convertToBlob();
  return new FileReaderSync().readAsDataURL(png).split(",")[1];
}
