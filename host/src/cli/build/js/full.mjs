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
 * Stands before the bindings that componentize-js generates. They allocate room for what a
 * function is given and never free it, and an actor may call for ever. $bindings is the
 * memory, the functions that allocate and free, and the functions of the host.
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

const { spliceBindings } = splicer;
splicer.spliceBindings = (...given) => {
  const spliced = spliceBindings(...given);
  return { ...spliced, jsBindings: FREEING + spliced.jsBindings };
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
  process.exitCode = 1;
}
