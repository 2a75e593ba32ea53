// Another addon (OCTET_MARKED) that leaves a sign in the file OCTET_MARK: "generate" when lanes are asked for, "step" when they
// have first written something. Tests wait for these instead of for a time. OCTET_ASKED: a file for what is asked, a request a line.
"use strict";
const { appendFileSync } = require("node:fs");
const addon = require(process.env.OCTET_MARKED);
const mark = (sign) => appendFileSync(process.env.OCTET_MARK, `${sign}\n`);

function marked(engine) {
  return new Proxy(engine, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== "function") return value;
      if (name !== "generate") return value.bind(target);
      return (params, onProgress, ...rest) => {
        let written = false;
        mark("generate");
        if (process.env.OCTET_ASKED) appendFileSync(process.env.OCTET_ASKED, `${JSON.stringify(params)}\n`);
        return target.generate(params, (progress) => {
          if (!written && progress.steps?.length > 0) mark("step");
          written ||= progress.steps?.length > 0;
          onProgress(progress);
        }, ...rest);
      };
    },
  });
}

module.exports = { ...addon, load: async (...args) => marked(await addon.load(...args)) };
