// A worker of another protocol version: it answers hello, and nothing else.
"use strict";
process.on("message", ({ id, method }) => {
  if (method === "octet/hello") process.send({ jsonrpc: "2.0", id, result: { protocolVersion: 999, pid: process.pid } });
});
process.once("disconnect", () => process.exit());
