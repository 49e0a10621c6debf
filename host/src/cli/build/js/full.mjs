// Puts StarlingMonkey and a project's one file together: node full.mjs PACKAGE SOURCE WIT TO,
// where PACKAGE is the folder of componentize-js. The paths of SOURCE and WIT are relative,
// since its tools take their arguments as one text, which spaces would divide.
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, sourcePath, witPath, to] = process.argv.slice(2);
const load = (...file) => import(pathToFileURL(resolve(folder, ...file)));
const { splicer } = await load("lib", "spidermonkey-embedding-splicer.js");
const { componentize } = await load("src", "componentize.js");

/**
 * Stands before the bindings that componentize-js generates, which run in a realm of their
 * own: what they make for a program is to be of its classes.
 */
const BELONGING = "const { Error, TypeError, Uint8Array } = contentGlobal;\n";

/**
 * Stands before them as well. They allocate room for what a function of the host is given and
 * never free it, and an actor may call for ever. $bindings is the memory, what allocates, what
 * frees, and the functions of the host.
 */
const FREEING = `{
  const [, allocate, free] = $bindings;
  let lent = [];
  $bindings[1] = (...wanted) => {
    const place = allocate(...wanted);
    lent.push(place);
    return place;
  };
  for (let index = 3; index < $bindings.length; index++) {
    const call = $bindings[index];
    $bindings[index] = (...given) => {
      const result = call(...given);
      for (const place of lent) free(place);
      lent = [];
      return result;
    };
  }
}
`;

/**
 * And this lets the engine's garbage collector begin before an actor's `memory-bytes-max` is
 * used up. Its own thresholds are for a browser: an actor that echoed small messages grew from
 * 10 to 85 MiB. They can be set nowhere, so the words of the engine's memory that hold them are
 * looked for: the heap at most, the nursery at least and at most, and at what size of the heap
 * it begins; further on, at what size of everything else. The engine collects once after this,
 * before the snapshot, and goes by them from then on.
 */
const COLLECTING = `{
  const { buffer } = $bindings[0];
  const words = new Uint32Array(buffer, 0, buffer.byteLength >> 2);
  const MIB = 1 << 20;
  const own = [32 * MIB, MIB / 4, 64 * MIB, 27 * MIB];
  const isIt = (place) => own.every((word, index) => words[place + index] === word)
    && words[place + 18] === 38 * MIB;
  const places = [];
  for (let at = words.indexOf(own[0]); at >= 0; at = words.indexOf(own[0], at + 1)) {
    if (isIt(at)) places.push(at);
  }
  if (places.length !== 1) {
    throw new Error("the thresholds of the engine's garbage collector are not found");
  }
  words[places[0] + 2] = 2 * MIB;
  words[places[0] + 3] = 6 * MIB;
  words[places[0] + 18] = 6 * MIB;
}
`;

const { spliceBindings } = splicer;
splicer.spliceBindings = (...given) => {
  const { jsBindings, ...spliced } = spliceBindings(...given);
  // Each function also logs that it is called and what it gives, for who works on the bindings.
  const quiet = jsBindings.replace(/^ *_debugLog\('[^']*', \{[^{}]*\}\);$/gm, "");
  return { ...spliced, jsBindings: BELONGING + COLLECTING + FREEING + quiet };
};

try {
  const { component } = await componentize({
    sourcePath,
    witPath,
    worldName: "actor",
    sourceName: "main.js",
    // What goes out goes by the contract.
    disableFeatures: ["stdio", "http", "fetch-event"],
  });
  await writeFile(to, component);
} catch (error) {
  console.error(error.message);
  if (/wizer/i.test(error.message)) {
    console.error("the top level of the program runs at the build, where it reaches no actor, no "
      + "performance and no crypto");
  }
  process.exitCode = 1;
}
