// Reads JSON documents with JSON.parse and says what they mean to it.
//
// A document comes as its length in four bytes, most significant first, and its bytes; so does the answer.
// An answer is "!" and a reason, or "=" and the reading (see ../src/reading.rs): numbers by the double that
// they become, members sorted, since an object forgets the order of keys that look like integers.

import { readSync, writeSync } from "node:fs";

const OLDEST = 18;
const STDIN = 0;
const STDOUT = 1;

const double = Buffer.alloc(8);

function number(value) {
  double.writeDoubleBE(value);
  return `d=${double.toString("hex")}`;
}

function text(characters) {
  return `"${Buffer.from(characters, "utf16le").swap16().toString("hex")}"`;
}

function rendered(value) {
  switch (typeof value) {
    case "number":
      return number(value);
    case "string":
      return text(value);
    case "boolean":
      return value ? "t" : "f";
  }
  if (value === null) return "n";
  if (Array.isArray(value)) return `[${value.map(rendered).join(",")}]`;
  // Own keys only, "__proto__" among them: JSON.parse makes it a member like any other.
  const members = Reflect.ownKeys(value).map((key) => `${text(key)}:${rendered(value[key])}`);
  return `{${members.sort().join(",")}}`;
}

function answer(document) {
  try {
    return `=${rendered(JSON.parse(document.toString("utf8")))}`;
  } catch (error) {
    return `!${error}`;
  }
}

function read(length) {
  const bytes = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const count = readSync(STDIN, bytes, filled, length - filled, null);
    if (count === 0) return null;
    filled += count;
  }
  return bytes;
}

function write(bytes) {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(STDOUT, bytes, written);
  }
}

if (Number(process.versions.node.split(".")[0]) < OLDEST) {
  console.error(`Node.js ${OLDEST} or later is needed, this is ${process.versions.node}`);
  process.exit(1);
}
for (let header; (header = read(4)) !== null; ) {
  const reply = Buffer.from(answer(read(header.readUInt32BE())), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(reply.length);
  write(Buffer.concat([length, reply]));
}
