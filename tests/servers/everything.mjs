// The everything server over Streamable HTTP, on a port that the kernel chooses and on this machine only: by
// itself it takes the port that it is told, of all addresses. Prints the port.
//
// everything.mjs PROGRAM, where PROGRAM is the server's own script.

import { Server } from "node:net";
import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";

const program = realpathSync(process.argv[2]);
const listen = Server.prototype.listen;

Server.prototype.listen = function (_port, ...rest) {
  const listening = rest.filter((argument) => typeof argument === "function");
  this.once("listening", () => process.stdout.write(`${this.address().port}\n`));
  return listen.call(this, 0, "127.0.0.1", ...listening);
};

// What it has to say goes to standard error, where its other mode says it as well.
console.log = console.error;
process.argv = [process.argv[0], program, "streamableHttp"];
await import(pathToFileURL(program));
