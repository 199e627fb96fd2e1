// Decodes a file in the browser, at its own rate: the browser's resampling costs points.

// Return { channels, facts } as audio.read_audio's, or null for what cannot be decoded.
export async function decode(file) {
  const content = await file.arrayBuffer(), bytes = new Uint8Array(content);
  const wav = text(bytes, 0, 4) === "RIFF" && readWav(new DataView(content));
  if (wav) return wav;
  const { format, rate, shown = rate, frames = 0 } = about(bytes, file.name);
  try {
    const context = new OfflineAudioContext(1, 1, rate);
    const audio = await context.decodeAudioData(content);
    const channels = Array.from({ length: audio.numberOfChannels }, (_, c) =>
      audio.getChannelData(c).slice()); // a copy, which can be given to the worker
    const facts = { seconds: audio.duration, sample_rate: shown, channels: channels.length };
    return { channels, rate, facts: { ...facts, format, is_damaged: audio.length < frames } };
  } catch {
    return null;
  }
}

const text = (bytes, start, end) => String.fromCharCode(...bytes.subarray(start, end));

// Return the format and the rate, in Hz, of a file's first bytes.
function about(bytes, name) {
  const head = text(bytes, 0, 64), view = new DataView(bytes.buffer);
  if (head.startsWith("fLaC")) {
    const frames = (bytes[21] & 15) * 2 ** 32 + view.getUint32(22);
    return { format: "FLAC", rate: view.getUint32(18) >>> 12, frames };
  }
  if (head.startsWith("OggS")) {
    const vorbis = head.indexOf("\x01vorbis"), opus = head.indexOf("OpusHead");
    if (vorbis > 0) return { format: "OGG", rate: view.getUint32(vorbis + 12, true) };
    const said = opus > 0 && view.getUint32(opus + 12, true);
    const shown = [8000, 12000, 16000, 24000].find((rate) => said && said <= rate) ?? 48000;
    return { format: "OGG", rate: 48000, shown }; // which every Opus stream plays at
  }
  if (head.slice(4, 8) === "ftyp") {
    for (let at = 8; at + 30 < bytes.length; at++) {
      if (bytes[at] === 109 && text(bytes, at, at + 4) === "mp4a" && bytes[at + 28]) {
        return { format: "AAC", rate: view.getUint16(at + 28) };
      }
    }
  }
  let at = 0;
  if (head.startsWith("ID3")) { // a tag, whose length has seven bits a byte
    at = 10 + bytes.subarray(6, 10).reduce((size, byte) => size * 128 + (byte & 127), 0);
  }
  for (const end = Math.min(at + 4096, bytes.length - 4); at < end; at++) {
    const [first, second, third] = bytes.subarray(at, at + 3);
    if (first !== 255 || second < 224) continue;
    const version = (second >> 3) & 3, layer = (second >> 1) & 3;
    if (layer === 0 && second >= 240) {
      const rates = [96, 88.2, 64, 48, 44.1, 32, 24, 22.05, 16, 12, 11.025, 8, 7.35];
      return { format: "AAC", rate: 1000 * (rates[(third >> 2) & 15] ?? 44.1) };
    }
    const rate = [44100, 48000, 32000][(third >> 2) & 3];
    if (layer && rate && version !== 1) {
      return { format: "MP3", rate: rate / [4, 1, 2, 1][version] };
    }
  }
  return { format: name.split(".").pop().toUpperCase(), rate: 44100 };
}

// Return what a WAV file of integers or floats holds, or null if it is of another kind.
function readWav(view) {
  const size = view.byteLength, word = (at) => view.getUint32(at, true);
  const is_damaged = size + 1 < word(4) + 8 && word(4) + 8 < 2 ** 31 - 2 ** 16;
  let kind, format = "WAV", n, rate, bits;
  for (let at = 12; at + 8 <= size; at += 8 + word(at + 4) + (word(at + 4) % 2)) {
    const chunk = word(at), start = at + 8;
    if (chunk === 0x20746d66 && start + 16 <= size) { // "fmt "
      [kind, n] = [view.getUint16(start, true), view.getUint16(start + 2, true)];
      [rate, bits] = [word(start + 4), view.getUint16(start + 14, true)];
      if (kind === 0xfffe && start + 26 <= size) {
        [kind, format] = [view.getUint16(start + 24, true), "WAVEX"];
      }
    } else if (chunk === 0x61746164) { // "data"
      const read = READERS[`${kind} ${bits}`], step = bits / 8;
      if (!read || !n || rate < 1000 || rate > 768_000) return null;
      const frames = Math.floor(Math.min(word(at + 4), size - start) / (n * step));
      const channels = Array.from({ length: n }, () => new Float32Array(frames));
      for (let i = 0, place = start; i < frames; i++) {
        for (let c = 0; c < n; c++, place += step) channels[c][i] = read(view, place);
      }
      const facts = { seconds: frames / rate, sample_rate: rate, channels: n };
      return { channels, rate, facts: { ...facts, format, is_damaged } };
    }
  }
  return null;
}

const READERS = { // by format tag and bits
  "1 8": (view, at) => (view.getUint8(at) - 128) / 128,
  "1 16": (view, at) => view.getInt16(at, true) / 2 ** 15,
  "1 24": (view, at) => (view.getInt16(at + 1, true) * 256 + view.getUint8(at)) / 2 ** 23,
  "1 32": (view, at) => view.getInt32(at, true) / 2 ** 31,
  "3 32": (view, at) => view.getFloat32(at, true),
  "3 64": (view, at) => view.getFloat64(at, true),
};
